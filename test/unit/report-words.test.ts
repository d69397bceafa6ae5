import { expect, test } from 'vitest';
import { availability } from '../../src/checks/availability.ts';
import { figuresOf } from '../../src/measure/figures.ts';
import { describeWindow } from '../../src/measure/windows.ts';
import type { ServiceWindow } from '../../src/model/figures.ts';
import { subjectAsWritten } from '../../src/model/verdict.ts';
import { EventNarrator } from '../../src/reporters/event-words.ts';
import { latencyWords, longestOf, messagesReadWords, windowName } from '../../src/reporters/report-words.ts';
import { suiteText } from '../../src/reporters/suite.ts';
import { terminalSummary } from '../../src/reporters/terminal.ts';
import { buildHistory, REFUSED, timesOf } from '../support/history-builder.ts';
import { passedReport } from '../support/sample-report.ts';
import { sharded } from '../support/sharded.ts';

const PLAIN = (text: string) => text;
const colors = { bold: PLAIN, dim: PLAIN, green: PLAIN, red: PLAIN, yellow: PLAIN };
const { askedMs } = timesOf();

const window: ServiceWindow = {
  type: 'brownout',
  kind: 'write',
  seenBy: 'load',
  fromMs: 4_000,
  toMs: 4_020,
  durationMs: 20,
  uncertaintyMs: 20,
  ok: 0,
  failed: 1,
};

test.each([
  [9, ['1 ms', '', '', '', '', '9 ms', '9']],
  [10, ['1 ms', '2 ms', '', '', '', '9 ms', '10']],
  [999, ['1 ms', '2 ms', '3 ms', '', '', '9 ms', '999']],
  [9_999, ['1 ms', '2 ms', '3 ms', '4 ms', '', '9 ms', '9,999']],
  [10_000, ['1 ms', '2 ms', '3 ms', '4 ms', '5 ms', '9 ms', '10,000']],
])('of %i answers, the percentiles that they carry', (count, words) => {
  expect(latencyWords({ count, p50Ms: 1, p90Ms: 2, p99Ms: 3, p999Ms: 4, p9999Ms: 5, maxMs: 9 })).toEqual(words);
});

test('what only failed is no brownout', () => {
  expect(windowName(window)).toBe('one failure');
  expect(windowName({ ...window, failed: 3 })).toBe('failures');
  expect(windowName({ ...window, ok: 1 })).toBe('brownout');
  expect(describeWindow(window, undefined)).toBe('a single failure of write, 4.000 s to 4.020 s');
});

test('of many windows the longest are shown, in the order of time', () => {
  const windows = [5, 1, 9, 2, 7].map((durationMs, i) => ({ ...window, fromMs: i, durationMs }));
  expect(longestOf(windows, 3).map(({ durationMs }) => durationMs)).toEqual([5, 9, 7]);
});

test('a check is told from others of its kind', () => {
  expect(subjectAsWritten({ params: { of: 'read', shard: 'A', max: '1s' } })).toBe('of: read, shard: A');
  expect(subjectAsWritten({ params: { min: 500 } })).toBe('');
});

test('messages that nobody asked for are not said to be missing', () => {
  const partition = {
    ...(passedReport.figures.partitions[0] as NonNullable<(typeof passedReport.figures.partitions)[0]>),
  };
  expect(messagesReadWords({ ...partition, readableMessages: 15, untriedMessages: 110 })).toBe(
    '15 of 125, 110 never tried',
  );
  expect(messagesReadWords({ ...partition, readableMessages: 105, onlyScannedMessages: 20 })).toBe(
    '105 of 125, 20 by scans alone',
  );
});

test('an interruption is said once, and what attaches starts and removes nothing', () => {
  const topology = { ...sharded({ workers: 2, replication: 2, partitions: 2 }), attach: 'chat' };
  const narrator = new EventNarrator({ topology, plannedActs: 0 });
  expect(narrator.words({ at: 1, type: 'interrupted', reason: 'interrupted by SIGTERM' })).toMatchObject({
    what: 'interrupted by SIGTERM',
  });
  expect(narrator.words({ at: 1, type: 'phase-started', phase: 'provision' })?.what).toMatch(
    /^checking the servers of the cluster chat$/,
  );
  expect(narrator.words({ at: 1, type: 'phase-started', phase: 'dispose' })?.what).toMatch(/keeps running$/);
});

test('errors beside a share are those of its span', () => {
  const history = buildHistory({
    acts: [],
    answer: ({ kind, id, intendedAt }) =>
      kind !== 'read' ? undefined : intendedAt < askedMs ? REFUSED : id === 400 ? REFUSED : undefined,
  });
  const { evidence } = availability.check(history, availability.params.parse({ of: 'read', min: '100%' }));
  const errors = evidence.filter((line) => line.includes('ECONNREFUSED'));
  expect(errors).toEqual(['1 × fail, ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5433']);
});

test('what is slow without a window is not called undisturbed', () => {
  const figures = {
    ...passedReport.figures,
    windows: [],
    recovery: [{ kind: 'read', recoveryMs: 645, uncertaintyMs: 5 }],
  };
  const lines = terminalSummary({ ...passedReport, figures }, { colors, columns: 120, folder: 'reports/x' });
  expect(lines.find((line) => line.startsWith('  read'))).toMatch(
    /no outage, no brownout; but slower; back to normal 645 ms ± 5 ms after the fault$/,
  );
});

test('the terminal says where probes and load disagree', () => {
  const { disagreements } = figuresOf(
    buildHistory({
      probe: () => undefined,
      answer: ({ kind, intendedAt }) =>
        kind === 'read' && intendedAt >= askedMs && intendedAt < askedMs + 3_000 ? REFUSED : undefined,
    }),
  );
  const report = { ...passedReport, figures: { ...passedReport.figures, disagreements: disagreements ?? [] } };
  const text = terminalSummary(report, { colors, columns: 400, folder: 'reports/x' }).join('\n');
  expect(text).toMatch(
    /! Probes and load disagree on reads: the load saw an outage of 3 s \(\d+ of \d+ ok during the fault\), the probes no outage \(\d+ of \d+ ok during the fault\); what the load saw counts, because it is worse\./,
  );
});

test('a suite names its platform once', () => {
  const run = {
    scenario: 'a',
    summary: 'A.',
    judgement: 'pass' as const,
    finding: 'Fine.',
    hypothesis: [],
  };
  const lines = suiteText(
    {
      version: 1,
      name: 'claims',
      judgement: 'pass',
      startedAt: '2026-11-28T10:00:00.000Z',
      pgquakeVersion: '0.1.0',
      again: 'pgquake --suite claims',
      planned: 2,
      durationMs: 1_000,
      runs: [
        { ...run, madeOn: 'platform local, engine native, PostgreSQL 18.4', run: 'a' },
        { ...run, madeOn: 'platform local, engine native', run: 'b' },
      ],
    },
    { colors, columns: 100 },
  );
  expect(lines.filter((line) => line.includes('platform local'))).toEqual([
    'Made on platform local, engine native, PostgreSQL 18.4.',
  ]);
});
