/** The cluster and the run: nodes, placements, and the command that repeats the run. */

import { partitionNamed, partitionsWordOf } from '../../model/partition-words.ts';
import type { Report } from '../../model/report.ts';
import { dataNodes, holderWord } from '../../model/topology.ts';
import { formatCount, formatDuration } from '../../model/units.ts';
import { type Block, center, code, facts, left, line, right, said, type Table, table } from '../document.ts';
import { clusterSize, faultsByNode, loadWords, number } from '../report-words.ts';

/** With more partitions, the grid of placements would be too wide to read. */
const MAX_GRID_PARTITIONS = 24;

export function cluster(report: Report): Block[] {
  const { topology, nodes, placement, acts } = report;
  const { platform, engine, reason, attach } = topology;
  const made =
    platform === undefined || engine === undefined
      ? [said(reason)]
      : ['platform ', code(platform), ', engine ', code(engine), ' (', said(reason), ')'];
  const attached =
    attach === undefined ? [] : ['; attached to ', code(attach), ', which existed before the run and still does'];
  const struck = faultsByNode({ acts });
  return [
    line([`${clusterSize(topology)}; `, ...made, ...attached, '.']),
    { type: 'picture', name: 'topology', alt: 'The cluster' },
    ...(nodes.length === 0
      ? []
      : [
          table(
            ['node', 'role', 'address', 'version', 'fault'].map(left),
            nodes.map(({ name, role, address, version }) => [
              name,
              role,
              code(address),
              said(version),
              (struck.get(name) ?? []).join(', '),
            ]),
            { caption: 'Nodes' },
          ),
        ]),
    ...(placement.length === 0 || topology.partitionWord === undefined ? [] : [placements(report)]),
  ];
}

function placements({ topology, placement, nodes }: Report): Table {
  const rest = { id: 'placements', caption: nodes.length === 0 ? 'Placements, as planned' : 'Placements' };
  const heldBy = (holder: string) => placement.filter(({ copies }) => copies.includes(holder));
  const holders = dataNodes(topology);
  const word = holderWord(topology);
  if (placement.length > MAX_GRID_PARTITIONS) {
    const rows = holders.map((holder) => {
      const held = heldBy(holder);
      return [holder, number(held.length), held.map(({ name }) => name).join(', ')];
    });
    return table([left(word), right(partitionsWordOf(topology.partitionWord)), left('which')], rows, rest);
  }
  return table(
    [left(word), ...placement.map(({ name }) => center(partitionNamed(topology.partitionWord, name)))],
    holders.map((holder) => [
      holder,
      ...placement.map(({ copies }) => ({ is: 'holds', holds: copies.includes(holder) }) as const),
    ]),
    rest,
  );
}

export function thisRun({ run, durationMs }: Report): Block[] {
  return [
    facts(
      [
        ['run', code(run.id)],
        ['duration', formatDuration(durationMs)],
        ['load', loadWords({ run })],
        ...(run.messages === 0 ? [] : [['data', formatCount(run.messages, 'message')]]),
        ['pgquake', run.pgquakeVersion],
        ['Node.js', run.nodeVersion],
      ],
      { caption: 'What was run' },
    ),
    { type: 'code', language: 'sh', id: 'again', label: 'Run it again:', lines: [run.again] },
  ];
}
