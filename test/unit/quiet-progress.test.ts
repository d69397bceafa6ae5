/** Under --quiet a run says what went wrong, and nothing else. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { quietProgress } from '../../src/cli/quiet-progress.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ROOT } from '../../tools/docs/page.ts';
import { failedReport, passedReport } from '../support/sample-report.ts';

const scenario = parseScenario(
  readFileSync(join(ROOT, 'scenarios/one-worker.yaml'), 'utf8'),
  'one-worker.yaml',
  vocabulary,
);

function said(play: (progress: ReturnType<typeof quietProgress>) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  play(quietProgress(scenario, stream));
  return text;
}

test('a run that passes says nothing', () => {
  const text = said((progress) => {
    for (const event of passedReport.timeline) progress.event(event);
    progress.counts('read', 'fail', 3);
    progress.close();
  });
  expect(text).toBe('');
});

test('what went wrong is said, and so is a note', () => {
  const text = said((progress) => {
    for (const event of failedReport.timeline) progress.event(event);
    progress.note('Ctrl-C: healing');
  });
  expect(text.split('\n')).toEqual([
    'heal  worker2, worker3, worker4 NOT healed: worker3 does not accept SQL: ECONNREFUSED',
    'settle  placements still differ 30 s after the load stopped',
    'reads  worker3/B could not be read: connect ECONNREFUSED 127.0.0.1:40004',
    'Ctrl-C: healing',
    '',
  ]);
});
