/** Output of a recorded run for the documentation, rendered by the code that renders it for users. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { openProgress } from '../../src/cli/progress.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Report } from '../../src/model/report.ts';
import { terminalSummary } from '../../src/reporters/terminal.ts';
import { timeline } from '../../src/reporters/timeline.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ROOT } from './page.ts';

const NAME = 'one-worker';
/** The picture's path for the README, from the root. */
export const PICTURE = `docs/${NAME}.svg`;
const FOLDER = join(ROOT, 'test/recorded', NAME);
const COLUMNS = 100;

const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');
const report = (): Report => JSON.parse(read('report.json')) as Report;

/** @param what `run`: all terminal output. `progress`: the part before the verdict. */
export function recordedPage(what: string): string {
  const lines =
    what === 'progress' ? progressLines() : [`$ ${report().run.again}`, ...progressLines(), ...summaryLines()];
  return ['```text', ...lines, '```'].join('\n');
}

/** The picture of the recorded run, identical to its `timeline.svg`. */
export function recordedPicture(): string {
  return timeline.render(report())['timeline.svg'] as string;
}

/** The lines as in CI, without the counts. */
function progressLines(): string[] {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk).trimEnd());
      done();
    },
  });
  const scenario = parseScenario(read('scenario.yaml'), `${NAME}.yaml`, vocabulary);
  const progress = openProgress(scenario, { stream, env: { CI: 'true' }, now: () => 0, ticker: () => () => undefined });
  for (const event of report().timeline) progress.event(event);
  progress.close();
  return lines;
}

function summaryLines(): string[] {
  const { run } = report();
  const plain = (text: string) => text;
  const colors = { bold: plain, dim: plain, green: plain, red: plain, yellow: plain };
  return terminalSummary(report(), { colors, columns: COLUMNS, folder: `reports/${run.id}` });
}
