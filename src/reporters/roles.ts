/** Roles, failovers and two primaries as rows of tables: the same in every report. Text is not escaped. */

import { judgePromise } from '../measure/promise-words.ts';
import { roleLanes } from '../measure/role-lanes.ts';
import { lengthOfTwo, nodeOnTimeline, takeoverSteps } from '../measure/role-words.ts';
import { lossWords, outageWords } from '../measure/route-words.ts';
import type { RoleFigures, Takeover, TwoPrimaries } from '../model/figures.ts';
import { describeLost } from '../model/loss.ts';
import type { Report } from '../model/report.ts';
import { formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { type Block, left, line, right, type Table, table } from './document.ts';
import { number, roleWords } from './report-words.ts';

const KEPT = { pass: 'yes', fail: 'NO', unknown: 'not known' } as const;

/** For a cluster whose roles move; empty for others. */
export function roleBlocks(report: Report): Block[] {
  const { roles } = report.figures;
  if (!roles) return [];
  return [
    ...promiseTables(report),
    ...routeTable(report),
    ...overTime(report),
    ...roles.takeovers.map(takeoverTable),
    ...(roles.twoPrimaries.length === 0 ? [] : [twoPrimariesTable(roles.twoPrimaries)]),
    ...witnessTable(roles),
    ...notes(roles).map(line),
  ];
}

/** Notes instead of tables without rows. */
function notes({ takeovers, twoPrimaries, witness }: RoleFigures): string[] {
  return [
    ...(takeovers.length === 0 ? ['No node took over from another.'] : []),
    ...(twoPrimaries.length === 0 && witness.length > 0
      ? ['At no time did two nodes acknowledge writes to the witness.']
      : []),
  ];
}

/** What the settings promised for each loss, beside what was seen. */
function promiseTables({ figures: { promises = [] } }: Report): Table[] {
  return promises.map((figures, i) =>
    table(
      ['what', 'promised', 'seen', 'kept', 'because'].map(left),
      judgePromise(figures).map(({ what, promised, seen, judgement, why }) => [
        what,
        promised,
        seen,
        KEPT[judgement],
        why,
      ]),
      {
        id: `promise-${i + 1}`,
        caption: `Promised and seen: ${figures.lost.map(describeLost).join(', ')}, at ${formatMoment(figures.fromMs)}`,
      },
    ),
  );
}

/** Routes side by side: outages, latency, and lost acknowledged writes. */
function routeTable({ figures: { routes = [] } }: Report): Table[] {
  if (routes.length === 0) return [];
  return [
    table(
      [
        ...['route', 'access', 'longest outage'].map(left),
        ...['outages', 'brownout', 'ok', 'p50', 'p99', 'longest answer'].map(right),
        ...['acknowledged writes lost', 'seen by'].map(left),
      ],
      routes.map((one) => {
        const { route, access, seenBy, windows, fault, latency, lost } = one;
        const ofType = (wanted: string) => windows.filter(({ type }) => type === wanted);
        const brownoutMs = ofType('brownout').reduce((sum, { durationMs }) => sum + durationMs, 0);
        return [
          route,
          access,
          outageWords(one),
          number(ofType('outage').length),
          brownoutMs === 0 ? '' : formatDuration(brownoutMs),
          formatShare(fault.share),
          ...(latency ? [latency.p50Ms, latency.p99Ms, latency.maxMs].map(formatDuration) : ['', '', '']),
          lost ? lossWords(lost) : '',
          seenBy,
        ];
      }),
      {
        id: 'by-route',
        caption: 'By route, while the faults lasted: outages of the whole run, operations of the fault span',
      },
    ),
  ];
}

function overTime({ timeline, durationMs }: Report): Table[] {
  const lanes = roleLanes(timeline, { fromMs: 0, toMs: durationMs });
  if (lanes.length === 0) return [];
  const moments = [...new Set(lanes.flatMap(({ stretches }) => stretches.map(({ fromMs }) => fromMs)))];
  const rows = moments
    .sort((a, b) => a - b)
    .map((at) => [
      formatMoment(at),
      ...lanes.map(({ stretches }) => {
        const stretch = stretches.find(({ fromMs, toMs }) => fromMs <= at && at < toMs);
        return stretch ? roleWords(stretch) : '';
      }),
    ]);
  return [
    table([right('from'), ...lanes.map(({ node }) => left(node))], rows, {
      id: 'roles-over-time',
      caption: 'Roles over time',
    }),
  ];
}

function takeoverTable(takeover: Takeover, i: number): Table {
  const { from, to, sinceMs } = takeover;
  const replaced = from === undefined ? '' : ` replaced ${from}`;
  return table([left('what'), right('after')], takeoverSteps(takeover), {
    id: `failover-${i + 1}`,
    caption: `Failover: ${nodeOnTimeline({ ...takeover, node: to })}${replaced}, from ${formatMoment(sinceMs)} on`,
  });
}

function twoPrimariesTable(pairs: readonly TwoPrimaries[]): Table {
  return table(
    [
      right('from'),
      right('to'),
      left('length'),
      left('node'),
      right('timeline'),
      right('rows acknowledged'),
      right('lost'),
      left('rows (node:sequence)'),
    ],
    pairs.flatMap((pair) =>
      pair.sides.map(({ node, timeline, acknowledged, lost, rows }) => [
        formatMoment(pair.fromMs),
        formatMoment(pair.toMs),
        lengthOfTwo(pair),
        node,
        timeline === undefined ? '' : String(timeline),
        number(acknowledged),
        lost === null ? 'not read' : number(lost),
        rows.join(', ') + ((lost || acknowledged) > rows.length ? ', …' : ''),
      ]),
    ),
    { id: 'two-primaries', caption: 'Two primaries: both acknowledged writes to the witness' },
  );
}

function witnessTable({ witness, lost }: RoleFigures): Table[] {
  if (witness.length === 0) return [];
  const nodes = witness.map(({ node, acknowledged, lost: gone, lostForMs }) => {
    const ofLoad = lost.filter((one) => one.node === node);
    return [
      node,
      number(acknowledged),
      gone === null ? 'not read' : number(gone),
      gone ? formatDuration(lostForMs) : '',
      number(ofLoad.reduce((sum, { count }) => sum + count, 0)),
      ofLoad.map(({ firstMs, lastMs }) => `${formatMoment(firstMs)} to ${formatMoment(lastMs)}`).join(', '),
    ];
  });
  const unread = lost.filter(({ node }) => node === null);
  return [
    table(
      [
        left('node'),
        ...['acknowledged to the witness', 'lost', 'over', 'writes of the load lost'].map(right),
        left('acknowledged from, to'),
      ],
      [
        ...nodes,
        ...unread.map(({ count, firstMs, lastMs }) => [
          'unknown node',
          '',
          '',
          '',
          number(count),
          `${formatMoment(firstMs)} to ${formatMoment(lastMs)}`,
        ]),
      ],
      { id: 'lost-by-node', caption: 'Acknowledged but lost, by the node that acknowledged it' },
    ),
  ];
}
