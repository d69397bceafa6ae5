/** What was run, on what, on the page: nodes, placements, and the command that runs it again. */

import { partitionNamed, partitionsWordOf } from '../../model/partition-words.ts';
import type { Report } from '../../model/report.ts';
import { dataNodes, holderWord } from '../../model/topology.ts';
import { formatCount, formatDuration } from '../../model/units.ts';
import { clip } from '../escape.ts';
import { clusterSize, faultsByNode, loadWords, number, repairWords } from '../report-words.ts';
import { type Content, type Html, html, left, MAX_TEXT, paragraph, right, table } from './markup.ts';
import { topologyPicture } from './topology.ts';

/** More partitions than this make the grid of placements too wide to read. */
const MAX_GRID_PARTITIONS = 24;

export function cluster(report: Report): Content {
  const { topology, nodes, placement, acts } = report;
  const { platform, engine, reason } = topology;
  const made =
    platform === undefined || engine === undefined ? reason : `platform ${platform}, engine ${engine} (${reason})`;
  const struck = faultsByNode({ acts });
  return [
    paragraph(`${clusterSize(topology)}; ${clip(made, MAX_TEXT)}.`),
    topologyPicture(report) ?? '',
    nodes.length === 0
      ? ''
      : table(
          'Nodes',
          [left('node'), left('role'), left('address'), left('version'), left('fault')],
          nodes.map(({ name, role, address, version }) => [
            name,
            role,
            html`<code>${address}</code>`,
            clip(version, MAX_TEXT),
            (struck.get(name) ?? []).join(', '),
          ]),
        ),
    placement.length === 0 || topology.partitionWord === undefined
      ? ''
      : placements(nodes.length === 0 ? 'Placements, as planned' : 'Placements', { topology, placement }),
  ];
}

function placements(caption: string, { topology, placement }: Pick<Report, 'topology' | 'placement'>): Html {
  const holds = (worker: string) => placement.filter(({ copies: on }) => on.includes(worker));
  if (placement.length > MAX_GRID_PARTITIONS) {
    const rows = dataNodes(topology).map((worker) => {
      const held = holds(worker);
      return [worker, number(held.length), held.map(({ name }) => name).join(', ')];
    });
    return table(
      caption,
      [left(holderWord(topology)), right(partitionsWordOf(topology.partitionWord)), left('which')],
      rows,
      'placements',
    );
  }
  const mark = html`<div class="holds"><span aria-hidden="true">●</span><span class="unseen">yes</span></div>`;
  const none = html`<span class="unseen">no</span>`;
  return table(
    caption,
    [left(holderWord(topology)), ...placement.map(({ name }) => left(partitionNamed(topology.partitionWord, name)))],
    dataNodes(topology).map((worker) => [
      worker,
      ...placement.map(({ copies: on }) => (on.includes(worker) ? mark : none)),
    ]),
    'placements',
  );
}

/** What a person runs had the nodes not come back; `undefined` where the engine has nothing to say. */
export function repair({ timeline, topology }: Report): Content | undefined {
  const advice = timeline.flatMap((event) => (event.type === 'repair' ? [event] : []));
  if (advice.length === 0) return undefined;
  return advice.map(({ away, commands }, i) => {
    const lines = commands.map((command) => html`${command}\n`);
    return html`<p id="repair-label-${i}">${repairWords(away, topology)}</p>\n<pre role="group" tabindex="0" aria-labelledby="repair-label-${i}"><code>${lines}</code></pre>\n`;
  });
}

export function thisRun({ run, durationMs }: Report): Content {
  const rows: readonly (readonly [string, string])[] = [
    ['run', run.id],
    ['duration', formatDuration(durationMs)],
    ['load', loadWords({ run })],
    ...(run.messages === 0 ? [] : [['data', formatCount(run.messages, 'message')] as const]),
    ['pgquake', run.pgquakeVersion],
    ['Node.js', run.nodeVersion],
  ];
  return [
    table('What was run', [left('what'), left('value')], rows),
    html`<p id="again-label">Run it again:</p>\n<pre id="again" role="group" tabindex="0" aria-labelledby="again-label"><code>${run.again}</code></pre>\n`,
  ];
}
