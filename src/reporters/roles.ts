/** Roles, failovers and two primaries as rows of tables: the same in every report. Text is not escaped. */

import { judgePromise } from '../measure/promise-words.ts';
import { roleLanes } from '../measure/role-lanes.ts';
import { lengthOfTwo, nodeOnTimeline, takeoverSteps } from '../measure/role-words.ts';
import { lossWords, outageWords } from '../measure/route-words.ts';
import type { RoleFigures, Takeover, TwoPrimaries } from '../model/figures.ts';
import { describeLost } from '../model/loss.ts';
import type { Report } from '../model/report.ts';
import { formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { number, roleWords } from './report-words.ts';

export interface Grid {
  readonly caption: string;
  readonly columns: readonly { readonly title: string; readonly numeric?: true }[];
  readonly rows: readonly (readonly string[])[];
  /** Of the table on the page. */
  readonly id: string;
}

const KEPT = { pass: 'yes', fail: 'NO', unknown: 'not known' } as const;

const text = (title: string) => ({ title });
const figure = (title: string) => ({ title, numeric: true as const });

/** Tables of a cluster whose roles move; empty for any other. */
export function roleGrids(report: Report): Grid[] {
  const { roles } = report.figures;
  if (!roles) return [];
  return [
    ...promiseGrids(report),
    ...routeGrid(report),
    ...overTime(report),
    ...roles.takeovers.map(takeoverGrid),
    ...(roles.twoPrimaries.length === 0 ? [] : [twoPrimariesGrid(roles.twoPrimaries)]),
    ...witnessGrid(roles),
  ];
}

/** What is told where a table would have no row. */
export function roleNotes({ figures: { roles } }: Report): string[] {
  if (!roles) return [];
  return [
    ...(roles.takeovers.length === 0 ? ['No node took the place of another.'] : []),
    ...(roles.twoPrimaries.length === 0 && roles.witness.length > 0
      ? ['At no time did two nodes acknowledge writes to the witness.']
      : []),
  ];
}

/** What settings promised for each loss, beside what was seen. */
function promiseGrids({ figures: { promises = [] } }: Report): Grid[] {
  return promises.map((figures, i) => ({
    caption: `Promised and seen: ${figures.lost.map(describeLost).join(', ')}, at ${formatMoment(figures.fromMs)}`,
    columns: [text('what'), text('promised'), text('seen'), text('kept'), text('because')],
    rows: judgePromise(figures).map(({ what, promised, seen, judgement, why }) => [
      what,
      promised,
      seen,
      KEPT[judgement],
      why,
    ]),
    id: `promise-${i + 1}`,
  }));
}

/** Routes side by side: how long each was out, how slow it was, what it had acknowledged and is gone. */
function routeGrid({ figures: { routes = [] } }: Report): Grid[] {
  if (routes.length === 0) return [];
  return [
    {
      caption: 'By route, while the faults lasted: outages of the whole run, operations of the fault span',
      columns: [
        text('route'),
        text('access'),
        text('longest outage'),
        figure('outages'),
        figure('brownout'),
        figure('ok'),
        figure('p50'),
        figure('p99'),
        figure('longest answer'),
        text('acknowledged writes gone'),
        text('seen by'),
      ],
      rows: routes.map((one) => {
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
      id: 'by-route',
    },
  ];
}

function overTime({ timeline, durationMs }: Report): Grid[] {
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
    {
      caption: 'Roles over time',
      columns: [figure('from'), ...lanes.map(({ node }) => text(node))],
      rows,
      id: 'roles-over-time',
    },
  ];
}

function takeoverGrid(takeover: Takeover, i: number): Grid {
  const { from, to, sinceMs } = takeover;
  const place = from === undefined ? '' : ` in the place of ${from}`;
  return {
    caption: `Failover: ${nodeOnTimeline({ ...takeover, node: to })}${place}, from ${formatMoment(sinceMs)} on`,
    columns: [text('what'), figure('after')],
    rows: takeoverSteps(takeover),
    id: `failover-${i + 1}`,
  };
}

function twoPrimariesGrid(pairs: readonly TwoPrimaries[]): Grid {
  return {
    caption: 'Two primaries: both acknowledged writes to the witness',
    columns: [
      figure('from'),
      figure('to'),
      text('length'),
      text('node'),
      figure('timeline'),
      figure('rows acknowledged'),
      figure('of them gone'),
      text('rows (node:sequence)'),
    ],
    rows: pairs.flatMap((pair) =>
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
    id: 'two-primaries',
  };
}

function witnessGrid({ witness, lost }: RoleFigures): Grid[] {
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
    {
      caption: 'Acknowledged and gone, by the node that had acknowledged it',
      columns: [
        text('node'),
        figure('acknowledged to the witness'),
        figure('of them gone'),
        figure('over'),
        figure('writes of the load gone'),
        text('acknowledged from, to'),
      ],
      rows: [
        ...nodes,
        ...unread.map(({ count, firstMs, lastMs }) => [
          'no node was seen to have them',
          '',
          '',
          '',
          number(count),
          `${formatMoment(firstMs)} to ${formatMoment(lastMs)}`,
        ]),
      ],
      id: 'lost-by-node',
    },
  ];
}
