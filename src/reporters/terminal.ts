/** The summary of a run on the terminal: hypothesis, service, finding, verdict, and the paths of the reports. Pure. */

import { judgePromise } from '../measure/promise-words.ts';
import { roleLanes } from '../measure/role-lanes.ts';
import { describeTakeover, describeTwoPrimaries, nodeOnTimeline } from '../measure/role-words.ts';
import { routeLines } from '../measure/route-words.ts';
import type { PromiseFigures, ServiceWindow } from '../model/figures.ts';
import { describeLost } from '../model/loss.ts';
import { partitionNamed } from '../model/partition-words.ts';
import type { Report } from '../model/report.ts';
import { formatDuration, formatMoment, formatShare } from '../model/units.ts';
import type { Block } from './document.ts';
import { type Colors, documentText } from './document-text.ts';
import { plainText } from './escape.ts';
import { disagreementLines, kindWords, longestOf, repairWords } from './report-words.ts';

interface SummaryOptions {
  readonly colors: Colors;
  /** The terminal's width. Only paths and commands may be wider. */
  readonly columns: number;
  /** The run's folder, as the user would type it. */
  readonly folder: string;
  /** Whether to show passed checks of every run in full; false by default. */
  readonly every?: boolean;
}

const MAX_WINDOWS_OF_KIND = 4;
/** The least width that can be laid out. */
const MIN_COLUMNS = 40;

/** @returns lines, without line breaks. */
export function terminalSummary(report: Report, options: SummaryOptions): string[] {
  const { colors, folder, every = false } = options;
  const columns = Math.max(MIN_COLUMNS, options.columns);
  const { run, judgement, finding } = report;
  const parts: readonly (readonly Block[])[] = [
    [results(report, every)],
    service(report),
    roles(report),
    [{ type: 'line', words: finding, role: 'finding' }],
    ...repair(report),
    [{ type: 'title', text: run.scenario, judgement }],
  ];
  return [
    ...parts.filter((blocks) => blocks.length > 0).flatMap((blocks) => ['', ...documentText(blocks, columns, colors)]),
    '',
    `${colors.dim('reports')}  ${folder}/report.html`,
    `${colors.dim('       ')}  ${folder}/report.json`,
    `${colors.dim('again  ')}  ${plainText(run.again)}`,
  ];
}

/** Checks of every run share one line if they pass, unless `every` is set. */
function results({ results, topology: { partitionWord } }: Report, every: boolean): Block {
  const quiet = every ? [] : results.filter((result) => result.always && result.judgement === 'pass');
  return { type: 'results', results: results.filter((result) => !quiet.includes(result)), quiet, partitionWord };
}

/** The repair commands, only if nodes stayed down; the report always has them. */
function repair({ timeline, topology }: Report): Block[][] {
  if (!timeline.some(({ type }) => type === 'heal-failed')) return [];
  return timeline.flatMap((event) =>
    event.type === 'repair'
      ? [[{ type: 'code', language: 'sql', label: repairWords(event.away, topology), lines: event.commands } as const]]
      : [],
  );
}

function service({ run, figures, topology: { partitionWord } }: Report): Block[] {
  if (figures.availability.length === 0) return [{ type: 'line', words: 'No load ran.', role: 'aside' }];
  const entries = run.kinds.map(({ name }) => {
    const share = figures.availability.find(({ kind, span }) => kind === name && span === 'fault')?.figures.share;
    const ofKind = figures.windows.filter(({ kind }) => kind === name);
    const windows = ofKind.filter(({ partition }) => partition === undefined);
    const ofPartition = outageOfPartition(ofKind, partitionWord);
    const disturbed = windows.length + ofPartition.length > 0;
    const parts = [
      ...(share === undefined || share === null ? [] : [`${formatShare(share)} ok during the fault`]),
      ...(disturbed ? [] : ['no outage, no brownout']),
      ...recoveryOf(name, figures.recovery, disturbed),
    ];
    const shown = longestOf(windows, MAX_WINDOWS_OF_KIND).map(describeWindow);
    const more = windows.length - shown.length;
    const lines = [parts.join('; '), ...shown, ...(more > 0 ? [`and ${more} shorter`] : []), ...ofPartition];
    return { name: kindWords({ run }, name), lines };
  });
  const disagreements = disagreementLines(figures).map((words) => ({ name: '!', lines: [words] }));
  return [
    { type: 'named', entries, aligned: true },
    { type: 'named', entries: disagreements },
  ];
}

/** The primary over time, each failover with its steps, and two primaries with their rows. */
function roles({ figures: { roles, spans, promises = [], routes = [] }, timeline, durationMs }: Report): Block[] {
  if (!roles) return [];
  const fromMs = spans['steady-state']?.fromMs ?? 0;
  const primaries = roleLanes(timeline, { fromMs, toMs: durationMs })
    .flatMap(({ node, stretches }) =>
      stretches.flatMap((stretch) => (stretch.role === 'primary' ? [{ node, ...stretch }] : [])),
    )
    .sort((a, b) => a.fromMs - b.fromMs)
    .map(
      (stretch) => `${nodeOnTimeline(stretch)} from ${formatMoment(stretch.fromMs)} to ${formatMoment(stretch.toMs)}`,
    );
  const lines = [
    ['primary', primaries.join(', ') || 'none was seen'],
    ...roles.takeovers.map((takeover) => ['failover', describeTakeover(takeover)]),
    ...roles.twoPrimaries.map((pair) => ['TWO PRIMARIES', describeTwoPrimaries(pair)]),
    ...promises.flatMap(promiseLines),
    ...routeLines(routes),
  ] as const;
  return [{ type: 'named', entries: lines.map(([name = '', words = '']) => ({ name, lines: [words] })) }];
}

/** What the settings promised for a loss, and what was seen. */
function promiseLines(figures: PromiseFigures): (readonly [what: string, words: string])[] {
  const of = figures.lost.map(describeLost).join(', ');
  return judgePromise(figures).map(({ what, promised, seen }) => [
    'promise',
    `${of}: ${what} ${promised}; seen: ${seen}`,
  ]);
}

function recoveryOf(kind: string, recoveries: Report['figures']['recovery'], disturbed: boolean): string[] {
  const recovery = recoveries.find((one) => one.kind === kind);
  if (!recovery || recovery.recoveryMs === 0) return [];
  const { recoveryMs, uncertaintyMs } = recovery;
  if (recoveryMs === null) return [disturbed ? 'not back to normal within the run' : 'but slower until the end'];
  const when = `back to normal ${formatDuration(recoveryMs)} ± ${formatDuration(uncertaintyMs)} after the fault`;
  return [disturbed ? when : `but slower; ${when}`];
}

/** The longest outage of a single partition, of a kind that was never out as a whole: the finding names it. */
function outageOfPartition(windows: readonly ServiceWindow[], word: string | undefined): string[] {
  const outages = windows.filter(({ type }) => type === 'outage');
  if (word === undefined || outages.some(({ partition }) => partition === undefined)) return [];
  return longestOf(outages, 1).map(
    (window) => `${partitionNamed(word, window.partition as string)}: ${describeWindow(window)}`,
  );
}

function describeWindow(window: ServiceWindow): string {
  const { type, seenBy, fromMs, toMs, durationMs, uncertaintyMs, ok, failed } = window;
  const when = `from ${formatMoment(fromMs)} to ${formatMoment(toMs)}`;
  if (type === 'brownout' && ok === 0)
    return `${failed === 1 ? 'one failure' : `${failed} failures`}, ${when} (seen by ${seenBy})`;
  const length = `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}`;
  const counts = type === 'outage' ? `${failed} failed` : `${failed} failed, ${ok} ok`;
  return `${type} of ${length}, ${when}: ${counts} (seen by ${seenBy})`;
}
