/** The cluster as a picture: nodes, the partitions that they hold, and the nodes that faults struck. */

import type { Report } from '../../model/report.ts';
import { dataNodes, entryNode } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';
import { clip } from '../escape.ts';
import { clusterSize, faultsByNode } from '../report-words.ts';
import { type Html, html } from './markup.ts';

/** More would be too many to read; the table of placements has them. */
const MAX_WORKERS = 32;
const MAX_PARTITIONS_OF_WORKER = 24;

/** @returns `undefined` if there is nothing to show, or too much. */
export function topologyPicture({ topology, placement, acts }: Report): Html | undefined {
  const workers = dataNodes(topology);
  if (placement.length === 0 || workers.length > MAX_WORKERS) return undefined;
  const entry = entryNode(topology);
  const struck = faultsByNode({ acts });
  const node = (name: string, holds: Html | string) => {
    const faults = [...new Set(struck.get(name) ?? [])];
    const harm = faults.length === 0 ? '' : html`<div class="harm">✸ ${clip(faults.join(', '), 60)}</div>`;
    return html`<div class="node ${faults.length === 0 ? '' : 'struck'}" data-node="${name}"><strong>${name}</strong>${harm}${holds}</div>`;
  };
  const holds = (worker: string) => {
    if (topology.partitionWord === undefined) return '';
    const held = placement.filter(({ copies: placements }) => placements.includes(worker));
    const chips = held
      .slice(0, MAX_PARTITIONS_OF_WORKER)
      .map(
        ({ name, copies: placements }) =>
          html`<span class="partition ${placements[0] === worker ? 'first' : ''}">${name}</span>`,
      );
    const more = held.length - chips.length;
    return html`<div class="partitions">${chips}${more > 0 ? html`<span>and ${more} more</span>` : ''}</div>`;
  };
  const told = `${clusterSize(topology)}; struck by faults: ${[...struck.keys()].join(', ') || 'none'}. The tables below have the details.`;
  return html`<figure class="topology" role="img" aria-label="${told}">
${entry === undefined ? '' : html`<div class="row">${node(entry, '')}</div><div class="wire"></div>`}
<div class="row">${workers.map((worker) => node(worker, holds(worker)))}</div>
</figure>
<p class="dim">${topology.partitionWord === undefined ? 'Every node holds everything' : `Each letter is a copy of a ${topology.partitionWord}, filled if reads try it first`}; ✸ marks what ${formatCount(acts.length, 'planned fault')} struck.</p>
`;
}
