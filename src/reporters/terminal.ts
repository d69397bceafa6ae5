/** The closing words of a run on the terminal: hypothesis, service, finding, verdict, where the reports are. Pure. */

import { judgePromise } from '../measure/promise-words.ts';
import { roleLanes } from '../measure/role-lanes.ts';
import { describeTakeover, describeTwoPrimaries, nodeOnTimeline } from '../measure/role-words.ts';
import { routeLines } from '../measure/route-words.ts';
import type { PromiseFigures, ServiceWindow } from '../model/figures.ts';
import { describeLost } from '../model/loss.ts';
import { partitionNamed } from '../model/partition-words.ts';
import type { Report } from '../model/report.ts';
import { formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { type CheckResult, type Judgement, subjectOf } from '../model/verdict.ts';
import { MARKS } from './document.ts';
import { plainText } from './escape.ts';
import { disagreementLines, kindWords, longestOf, repairWords } from './report-words.ts';
import { hanging, padTo, textWidth } from './text-layout.ts';

/** Colours of a terminal; each returns its text unchanged where there are none. */
export interface Colors {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

export interface SummaryOptions {
  readonly colors: Colors;
  /** Of the terminal. Only paths and commands may be wider. */
  readonly columns: number;
  /** The run's folder, as a person would type it. */
  readonly folder: string;
}

const MAX_WINDOWS_OF_KIND = 4;
/** Below this nothing can be laid out side by side. */
const MIN_COLUMNS = 40;

/** @returns lines, without line breaks. */
export function terminalSummary(report: Report, options: SummaryOptions): string[] {
  const { colors, folder } = options;
  const columns = Math.max(MIN_COLUMNS, options.columns);
  const paint = { pass: colors.green, fail: colors.red, unknown: colors.yellow }[report.judgement];
  const verdict = `${report.judgement.toUpperCase()}  ${plainText(report.run.scenario)}`;
  return [
    '',
    ...resultLines(report, colors, columns),
    '',
    ...serviceLines(report, colors, columns),
    ...roleLines(report, columns),
    '',
    ...hanging('', plainText(report.finding), columns),
    '',
    ...repairLines(report, columns),
    ...hanging('', verdict, columns).map((line) => paint(colors.bold(line))),
    '',
    `${colors.dim('reports')}  ${folder}/report.html`,
    `${colors.dim('       ')}  ${folder}/report.json`,
    `${colors.dim('again  ')}  ${plainText(report.run.again)}`,
  ];
}

/** The commands for nodes that stayed away; the report has them in any case. */
function repairLines({ timeline, topology }: Report, columns: number): string[] {
  if (!timeline.some(({ type }) => type === 'heal-failed')) return [];
  return timeline.flatMap((event) =>
    event.type === 'repair'
      ? [...hanging('', plainText(repairWords(event.away, topology)), columns), ...event.commands.map(plainText), '']
      : [],
  );
}

/** What every run is asked is one line as long as it passes. */
function resultLines({ results, topology }: Report, colors: Colors, columns: number): string[] {
  const named = (result: CheckResult) => nameOf(result, topology.partitionWord);
  const quiet = results.filter((result) => result.always && result.judgement === 'pass');
  const loud = results.filter((result) => !quiet.includes(result));
  const nameWidth = Math.max(0, ...loud.map((result) => textWidth(named(result))));
  const lines = loud.flatMap((result) => describeResult(result, padTo(named(result), nameWidth), colors, columns));
  if (quiet.length === 0) return lines;
  const names = quiet.map(({ check }) => check).join(', ');
  return [...lines, ...marked('pass', hanging('✔ ', `also: ${names}`, columns), colors)];
}

function describeResult(result: CheckResult, name: string, colors: Colors, columns: number): string[] {
  const { judgement, evidence } = result;
  const before = `${MARKS[judgement]} ${name}  `;
  const observed = plainText(result.observed);
  const expected = `expected: ${plainText(result.expected)}`;
  const fits = textWidth(before) + textWidth(observed) + textWidth(expected) + 3 <= columns;
  const first = marked(judgement, hanging(before, observed, columns), colors);
  const dim = (lines: readonly string[]) => lines.map(colors.dim);
  return [
    ...(fits
      ? [`${first[0]} ${colors.dim(`(${expected})`)}`]
      : [...first, ...dim(hanging(' '.repeat(textWidth(before)), expected, columns))]),
    ...(judgement === 'pass' ? [] : evidence.flatMap((line) => hanging('    - ', plainText(line), columns))),
  ];
}

/** Paints the mark that opens the first line. */
function marked(judgement: Judgement, lines: readonly string[], colors: Colors): string[] {
  const paint = { pass: colors.green, fail: colors.red, unknown: colors.yellow }[judgement];
  return lines.map((line, i) => (i === 0 ? paint(line.slice(0, 1)) + line.slice(1) : line));
}

/** A check with the operation and the partition that it is about, which tell it from others of its kind. */
function nameOf({ check, params }: CheckResult, word: string | undefined): string {
  const { of, partition, percentile } = subjectOf(params);
  const parts = [check, of, partition === undefined ? undefined : partitionNamed(word, partition), percentile];
  return plainText(parts.filter((part) => typeof part === 'string').join(' '));
}

function serviceLines({ run, figures }: Report, colors: Colors, columns: number): string[] {
  if (figures.availability.length === 0) return [colors.dim('No load was run.')];
  const width = Math.max(...run.kinds.map(({ name }) => textWidth(kindWords({ run }, name))));
  const ofKinds = run.kinds.flatMap(({ name }) => {
    const before = `  ${padTo(kindWords({ run }, name), width)}  `;
    const share = figures.availability.find(({ kind, span }) => kind === name && span === 'fault')?.figures.share;
    const windows = figures.windows.filter(({ kind, partition }) => kind === name && partition === undefined);
    const parts = [
      ...(share === undefined || share === null ? [] : [`${formatShare(share)} ok during the fault`]),
      ...(windows.length === 0 ? ['no outage, no brownout'] : []),
      ...recoveryOf(name, figures.recovery, windows.length > 0),
    ];
    const shown = longestOf(windows, MAX_WINDOWS_OF_KIND).map(describeWindow);
    const more = windows.length - shown.length;
    const indent = ' '.repeat(textWidth(before) + 2);
    return [
      ...hanging(before, parts.join('; '), columns),
      ...[...shown, ...(more > 0 ? [`and ${more} shorter`] : [])].flatMap((line) => hanging(indent, line, columns)),
    ];
  });
  const disagreements = disagreementLines(figures).flatMap((line) => hanging('  ! ', plainText(line), columns));
  return [...ofKinds, ...disagreements];
}

/** Who was primary when, each failover with its steps, and two primaries with the rows of each. */
function roleLines(
  { figures: { roles, spans, promises = [], routes = [] }, timeline, durationMs }: Report,
  columns: number,
): string[] {
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
  return ['', ...lines.flatMap(([what = '', words = '']) => hanging(`  ${what}  `, plainText(words), columns))];
}

/** What settings promised for a loss, and what was seen. */
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
  if (recoveryMs === null) return [disturbed ? 'not as before within the run' : 'but slower than before to the end'];
  const when = `as before ${formatDuration(recoveryMs)} ± ${formatDuration(uncertaintyMs)} after the fault`;
  return [disturbed ? when : `but slower, ${when}`];
}

function describeWindow(window: ServiceWindow): string {
  const { type, seenBy, fromMs, toMs, durationMs, uncertaintyMs, ok, failed } = window;
  const when = `from ${formatMoment(fromMs)} to ${formatMoment(toMs)}`;
  if (type === 'brownout' && ok === 0)
    return `${failed === 1 ? 'one failure' : `${failed} failures`}, ${when} (${seenBy})`;
  const length = `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}`;
  const counts = type === 'outage' ? `${failed} failed` : `${failed} failed, ${ok} ok`;
  return `${type} of ${length}, ${when}: ${counts} (${seenBy})`;
}
