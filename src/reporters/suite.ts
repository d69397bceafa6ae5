/** The table of a suite, "claim, what we saw, verdict" or "claim, promised, seen, lost, verdict", for a terminal and as `suite.md`. Pure. */

import type { Report } from '../model/report.ts';
import { SUITE_VERSION, type Suite, type SuiteRun } from '../model/suite.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { type Judgement, worst } from '../model/verdict.ts';
import { type Block, type Inline, left, line, section, table, verdict } from './document.ts';
import { documentMarkdown } from './document-markdown.ts';
import type { Colors } from './document-text.ts';
import { plainText } from './escape.ts';
import { checkWords } from './report-words.ts';
import { hasPromises, PROMISE_TITLES, promiseCells, promisesOf } from './suite-promises.ts';
import { hanging, padTo, wrapWords } from './text-layout.ts';

/** The meaning of a judgement for a claim. */
const VERDICTS: Readonly<Record<Judgement, string>> = { pass: 'holds', fail: 'does not hold', unknown: 'not judged' };
const PLURAL: Readonly<Record<Judgement, string>> = { pass: 'hold', fail: 'do not hold', unknown: 'not judged' };
const VERDICT_WIDTH = Math.max(...Object.values(VERDICTS).map((word) => word.length));
const GAP = '  ';
/** In narrower terminals the columns would be too narrow. */
const MIN_COLUMNS = 60;
const MIN_COLUMNS_WITH_PROMISES = 110;
const CLAIM_SHARE = 0.35;

/** A suite from the results of its runs. Never `pass` if runs are missing. */
export function suiteOf(found: Omit<Suite, 'version' | 'judgement'>): Suite {
  const missing = found.runs.length < found.planned ? (['unknown'] as const) : [];
  const judgement = worst([...found.runs.map((run) => run.judgement), ...missing]);
  return { version: SUITE_VERSION, judgement, ...found };
}

/** A run's report, as a suite keeps it. */
export function suiteRunOf(report: Report, run: string): SuiteRun {
  const { topology, nodes } = report;
  const { platform, engine } = topology;
  return {
    scenario: report.run.scenario,
    summary: report.run.summary,
    ...(report.run.claim === undefined ? {} : { claim: report.run.claim }),
    judgement: report.judgement,
    finding: report.finding,
    ...promisesOf(report),
    hypothesis: report.results
      .filter(({ always }) => !always)
      .map((result) => {
        const { judgement, expected, observed } = result;
        return { check: checkWords(result), judgement, expected, observed };
      }),
    ...(platform === undefined || engine === undefined
      ? {}
      : {
          madeOn: [`platform ${platform}`, `engine ${engine}`, ...nodes.slice(0, 1).map((n) => n.version)].join(', '),
        }),
    run,
  };
}

/** @returns lines for a terminal, without line breaks. */
export function suiteText(suite: Suite, { colors, columns }: { colors: Colors; columns: number }): string[] {
  const paint = { pass: colors.green, fail: colors.red, unknown: colors.yellow };
  const fullWidth = Math.max(MIN_COLUMNS, columns);
  const { titles, shares, cells } = columnsOf(suite, fullWidth);
  const width = fullWidth - VERDICT_WIDTH - titles.length * GAP.length;
  const widths = shares.map((share) => Math.floor(width * share));
  const row = (texts: readonly string[], verdict: string) => {
    const wrapped = texts.map((one, i) => wrapWords(plainText(one), widths[i] as number));
    return Array.from({ length: Math.max(...wrapped.map((lines) => lines.length)) }, (_, line) =>
      [...wrapped.map((lines, i) => padTo(lines[line] ?? '', widths[i] as number)), line === 0 ? verdict : '']
        .join(GAP)
        .trimEnd(),
    );
  };
  const rows = suite.runs.flatMap((run) => [
    '',
    ...row(cells(run), paint[run.judgement](VERDICTS[run.judgement])),
    ...hanging('  ', plainText(`${run.scenario}: ${run.summary}`), fullWidth).map(colors.dim),
  ]);
  return [
    ...row(titles, 'verdict').map(colors.bold),
    ...rows,
    '',
    ...[...madeOn(suite), summaryOf(suite)].flatMap((line) => wrapWords(plainText(line), fullWidth)),
  ];
}

/** The columns beside the verdict and their widths; on a wide terminal, promises have their own columns. */
function columnsOf(suite: Suite, fullWidth: number) {
  const promised = hasPromises(suite);
  if (promised && fullWidth >= MIN_COLUMNS_WITH_PROMISES) {
    return {
      titles: ['claim', ...PROMISE_TITLES],
      shares: [0.26, 0.29, 0.29, 0.16],
      cells: (run: SuiteRun) => [claimOf(run), ...promiseCells(run)],
    };
  }
  const saw = (run: SuiteRun) => {
    const cells = promiseCells(run);
    return PROMISE_TITLES.map((title, i) => `${title}: ${cells[i]}`).join('. ');
  };
  return {
    titles: ['claim', 'what we saw'],
    shares: [CLAIM_SHARE, 1 - CLAIM_SHARE],
    cells: (run: SuiteRun) => [claimOf(run), promised ? saw(run) : run.finding],
  };
}

/** `suite.json` and `suite.md`. */
export function suiteFiles(suite: Suite): Record<string, string> {
  return { 'suite.json': `${JSON.stringify(suite, null, 2)}\n`, 'suite.md': documentMarkdown(blocksOf(suite)) };
}

function blocksOf(suite: Suite): Block[] {
  const promised = hasPromises(suite);
  const titles = promised ? PROMISE_TITLES : ['put to the test', 'what we saw'];
  const cells = (run: SuiteRun) => (promised ? promiseCells(run) : [run.summary, run.finding]);
  return [
    { type: 'title', text: `Suite ${suite.name}` },
    line(summaryOf(suite)),
    ...madeOn(suite).map(line),
    table(
      ['claim', ...titles, 'verdict'].map(left),
      suite.runs.map((run) => [
        claimOf(run),
        ...cells(run),
        [verdict(run.judgement, VERDICTS[run.judgement]), ...linkTo(run)],
      ]),
    ),
    section('Each hypothesis', [
      table(
        ['scenario', '', 'check', 'expected', 'observed'].map(left),
        suite.runs.flatMap(({ scenario, hypothesis }) =>
          hypothesis.map(({ check, judgement, expected, observed }) => [
            scenario,
            verdict(judgement),
            check,
            expected,
            observed,
          ]),
        ),
      ),
    ]),
    {
      type: 'code',
      language: 'sh',
      label: `Started ${suite.startedAt}, pgquake ${suite.pgquakeVersion}. Run it again:`,
      lines: [suite.again],
    },
  ];
}

/** A scenario without a claim is represented by its summary. */
function claimOf({ claim, summary }: SuiteRun): string {
  return claim ?? summary;
}

function linkTo({ run }: SuiteRun): Inline[] {
  if (run === undefined) return [];
  return [' (', { is: 'link', to: `../${encodeURIComponent(run)}/report.md`, text: 'report' }, ')'];
}

function madeOn({ runs }: Suite): string[] {
  const said = [...new Set(runs.flatMap((run) => run.madeOn ?? []))];
  // Leave out a run that did not learn its servers' version if another run did.
  const all = said.filter((one) => !said.some((other) => other !== one && other.startsWith(`${one}, `)));
  return all.length === 0 ? [] : [`Made on ${all.join('; ')}.`];
}

function summaryOf({ runs, planned, durationMs }: Suite): string {
  const counted = (['pass', 'fail', 'unknown'] as const).flatMap((judgement) => {
    const count = runs.filter((run) => run.judgement === judgement).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? VERDICTS[judgement] : PLURAL[judgement]}`];
  });
  const missing = planned - runs.length;
  if (missing > 0) counted.push(`${missing} not run`);
  return `${formatCount(planned, 'scenario')} in ${formatDuration(durationMs)}: ${counted.join(', ')}.`;
}
