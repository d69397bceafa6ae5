/** `toPass` of pgquake/vitest, and its messages. */

import { expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import type { Experiment } from '../../src/quake.ts';
import '../../src/vitest.ts';
import { failedReport, passedReport } from '../support/sample-report.ts';

const experiment = (report: Report): Experiment => ({
  verdict: { judgement: report.judgement, results: report.results },
  report,
  folder: 'reports/some-run',
  failure: undefined,
});

test('a run that passes', async () => {
  await expect(Promise.resolve(experiment(passedReport))).resolves.toPass();
  expect(() => expect(experiment(passedReport)).not.toPass()).toThrow(/not to pass; its verdict is pass/);
});

test('the message for a failed run has what was expected and observed, and the folder', () => {
  expect(() => expect(experiment(failedReport)).toPass()).toThrow(/its verdict is fail/);
  const failed = failedReport.results.find(({ judgement }) => judgement === 'fail');
  expect(() => expect(experiment(failedReport)).toPass()).toThrow(`expected ${failed?.expected}; observed`);
  expect(() => expect(experiment(failedReport)).toPass()).toThrow('reports: reports/some-run');
});

test('a run that could not be judged does not pass', () => {
  expect(() => expect(experiment({ ...passedReport, judgement: 'unknown' })).toPass()).toThrow(
    /its verdict is unknown/,
  );
});

test('any other value is refused', () => {
  expect(() => expect({}).toPass()).toThrow(/use \.resolves/);
});
