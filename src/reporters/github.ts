/** A run for GitHub Actions: annotations at the scenario's lines, and a summary of the step. Pure. */

import { isAbsolute, relative, resolve } from 'node:path';
import { SPANS } from '../model/figures.ts';
import type { Report } from '../model/report.ts';
import { formatDuration, formatShare } from '../model/units.ts';
import type { CheckResult } from '../model/verdict.ts';
import { type Block, left, line, right, section, table } from './document.ts';
import { documentMarkdown, MARKS } from './document-markdown.ts';
import { clip, plainText } from './escape.ts';
import { evidence } from './report/report-hypothesis.ts';
import { checkWords, number, recoveryWords, SPAN_NAMES } from './report-words.ts';

/** The longest text; a step's summary may have 1 MiB. */
const MAX_TEXT = 500;
const MAX_EVIDENCE = 5;

/** The folders of the job. */
interface Workspace {
  /** The root of the repository, to which the paths of annotations are relative. */
  readonly root: string;
  /** The folder to which the scenario's places are relative. */
  readonly folder: string;
}

/** One workflow command for each check that did not pass, or one for the verdict if all passed. */
export function githubAnnotations({ run, judgement, finding, results }: Report, workspace: Workspace): string[] {
  if (judgement === 'pass') return [command('notice', { title: `pgquake: ${run.scenario} passed` }, finding)];
  return results
    .filter((result) => result.judgement !== 'pass')
    .map((result) => {
      const { expected, observed, evidence } = result;
      const text = [`${observed} (expected: ${expected})`, ...evidence.slice(0, MAX_EVIDENCE)];
      return command(
        result.judgement === 'fail' ? 'error' : 'warning',
        { ...placeOf(result, workspace), title: `pgquake: ${run.scenario}: ${checkWords(result)}` },
        ...text.map((line) => clip(line, MAX_TEXT)),
      );
    });
}

/** GitHub cannot annotate a file outside of the repository. */
function placeOf({ place }: CheckResult, { root, folder }: Workspace): { file?: string; line?: string } {
  const [, file, line] = /^(.*):(\d+)$/.exec(place ?? '') ?? [];
  if (file === undefined || line === undefined) return {};
  const path = relative(root, resolve(folder, file));
  return path.startsWith('..') || isAbsolute(path) ? {} : { file: path, line };
}

function command(name: string, properties: Readonly<Record<string, string>>, ...lines: readonly string[]): string {
  const given = Object.entries(properties).map(([key, value]) => `${key}=${escaped(value).replace(/[:,]/g, percent)}`);
  return `::${name} ${given.join(',')}::${lines.map(escaped).join('%0A')}`;
}

function escaped(text: string): string {
  return plainText(text).replace(/%/g, percent);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Markdown for `GITHUB_STEP_SUMMARY`, which shows no files and so no picture; the artifact has it. */
export function githubSummary(report: Report): string {
  const { run, judgement, finding, results, figures } = report;
  const blocks: Block[] = [
    section(`${MARKS[judgement]} ${judgement.toUpperCase()}: ${run.scenario}`, [
      ...(run.claim === undefined ? [] : [{ type: 'quote', text: run.claim } as const]),
      line(finding),
      {
        type: 'results',
        results: results.filter((result) => !result.always || result.judgement !== 'pass'),
      },
      ...results.flatMap((result) => evidence({ ...result, most: MAX_EVIDENCE })),
      ...(figures.availability.length === 0 ? [] : [service(report)]),
      { type: 'code', language: 'sh', lines: [run.again] },
    ]),
  ];
  return `${documentMarkdown(blocks)}\n`;
}

function service({ figures }: Report): Block {
  const rows = SPANS.flatMap((span) =>
    figures.availability
      .filter((one) => one.span === span)
      .map(({ kind, figures: { share, intended } }) => {
        const latency = figures.latency.find((one) => one.kind === kind && one.span === span)?.figures;
        const recovery = span === 'fault' ? figures.recovery.find((one) => one.kind === kind) : undefined;
        return [
          SPAN_NAMES[span],
          kind,
          number(intended),
          formatShare(share),
          latency ? formatDuration(latency.p99Ms) : 'n/a',
          recovery ? recoveryWords(recovery) : '',
        ];
      }),
  );
  return table([left('span'), left('operation'), ...['intended', 'available', 'p99', 'recovery'].map(right)], rows);
}
