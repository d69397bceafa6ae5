import { expect, test } from 'vitest';
import { hostKeptUp } from '../../src/checks/host-kept-up.ts';
import { hostFigures } from '../../src/measure/host.ts';
import type { HostSample, RunEvent, TimedEvent } from '../../src/model/event.ts';
import type { History } from '../../src/model/history.ts';
import {
  HostMonitor,
  parseProcessorTicks,
  parseRunnable,
  parseWaitedMs,
  thisHost,
} from '../../src/run/host-monitor.ts';
import { buildHistory } from '../support/history-builder.ts';

test('the files of Linux are read', () => {
  expect(parseProcessorTicks('cpu  100 5 20 800 10 1 4 60 0 0\ncpu0 1 2\n')).toEqual({
    busy: 130,
    stolen: 60,
    total: 1_000,
  });
  // The reading process itself is running.
  expect(parseRunnable('3.45 4.39 3.39 10/481 31512\n')).toBe(9);
  expect(parseWaitedMs('some avg10=51.62 avg60=43.49 avg300=50.04 total=673188421\nfull avg10=0.00 total=0\n')).toBe(
    673_188.421,
  );
  expect(thisHost.ticks().total).toBeGreaterThan(0);
});

test('a sample has the machine load of one second', () => {
  let at = 0;
  let ticks = { busy: 0, stolen: 0, total: 0 };
  const queue = [1, 5, 3];
  const events: RunEvent[] = [];
  using monitor = new HostMonitor({
    clock: { nowMs: () => at },
    recorder: { event: (event) => events.push(event) },
    source: {
      ticks: () => ticks,
      runnable: () => queue.shift(),
      waitedMs: (name) => (name === 'cpu' ? at / 4 : undefined),
    },
  });
  at = 100;
  monitor.look();
  at = 600;
  monitor.look();
  ticks = { busy: 120, stolen: 40, total: 200 };
  at = 1_000;
  monitor.look();
  expect(events).toEqual([
    { type: 'host', forMs: 1_000, busy: 0.6, stolen: 0.2, runnable: 3, pressure: { cpu: 0.25 }, lateMs: 400 },
  ]);
});

const MACHINE = { system: 'Linux 6.8.0 x64', processors: 2, memoryBytes: 8e9, loadAverage: 0.5 };

const CALM = { busy: 0.4, runnable: 1.2, pressure: { cpu: 0.2 } };

/** A control run with these samples. */
function onHost(samples: readonly Partial<HostSample>[]): History {
  const history = buildHistory();
  const from =
    history.events.find((event) => event.type === 'phase-started' && event.phase === 'steady-state')?.at ?? 0;
  const end = history.events.find(({ type }) => type === 'load-kept')?.at ?? 0;
  // By default the machine stays calm to the end.
  const rest =
    samples.length === 0 ? [] : Array.from({ length: Math.ceil((end - from) / 1_000) - samples.length }, () => CALM);
  const events = [...samples, ...rest].map((sample, i): TimedEvent => {
    return { at: from + (i + 1) * 1_000, type: 'host', forMs: 1_000, busy: 0.5, stolen: 0, lateMs: 1, ...sample };
  });
  return {
    ...history,
    run: { ...history.run, machine: MACHINE },
    events: [...history.events, ...events].toSorted((a, b) => a.at - b.at),
  };
}

const STARVED = { busy: 1, runnable: 6.3, pressure: { cpu: 0.97 } };

test('a calm machine kept up', () => {
  const history = onHost([CALM, CALM, CALM, CALM]);
  expect(hostKeptUp.check(history, {})).toMatchObject({
    judgement: 'pass',
    observed: '2 processors 40 % busy, 1.2 tasks running or waiting, 0 % stolen, on average',
  });
  expect(hostFigures(history)).toMatchObject({ processors: 2, sampledMs: 10_000, starvedMs: 0 });
});

test.each([
  ['processors busy with twice as many tasks', STARVED, '6.3 tasks for 2 processors'],
  ['the same on a kernel that tells no pressure', { busy: 1, runnable: 6.3 }, '6.3 tasks for 2 processors'],
  ['processor time stolen by other machines', { ...CALM, stolen: 0.3 }, '30 % of the processor time stolen'],
])('a starved machine: %s', (_name, sample, reason) => {
  expect(hostKeptUp.check(onHost([sample, sample, sample, CALM]), {})).toMatchObject({
    judgement: 'pass',
    excuses: expect.any(Array),
    observed: expect.stringMatching(/^starved for 3 s of 10 s: /),
    evidence: [expect.stringContaining(reason), expect.anything(), expect.anything()],
  });
});

test.each([
  [1, { judgement: 'pass' }],
  [2, { judgement: 'pass', excuses: expect.any(Array) }],
  [4, { judgement: 'pass', excuses: expect.any(Array) }],
  [5, { judgement: 'unknown' }],
  [10, { judgement: 'unknown' }],
])('%i of 10 seconds starved', (seconds, { judgement, excuses }: { judgement: string; excuses?: unknown }) => {
  const finding = hostKeptUp.check(onHost(Array.from({ length: seconds }, () => STARVED)), {});
  expect(finding.judgement).toBe(judgement);
  expect(finding.excuses).toEqual(excuses);
});

test.each([
  ['one busy second', [STARVED, CALM, CALM, CALM]],
  [
    'busy processors without a queue',
    [
      { ...STARVED, runnable: 2.4 },
      { ...STARVED, runnable: 3 },
    ],
  ],
  [
    'a queue of niced work that leaves the processors to others',
    [
      { ...STARVED, pressure: { cpu: 0.75 } },
      { ...STARVED, pressure: { cpu: 0.75 } },
    ],
  ],
  [
    'tasks that wait for a disk',
    [
      { ...STARVED, busy: 0.3 },
      { ...STARVED, busy: 0.3 },
    ],
  ],
])('not a starved machine: %s', (_name, samples) => {
  expect(hostKeptUp.check(onHost(samples), {}).judgement).toBe('pass');
});

test.each([
  [[2, 3], /^only 7\.3\d* s of \d+\.\d* s of load were sampled: /, { judgement: 'pass', excuses: expect.any(Array) }],
  [[5], undefined, { judgement: 'pass' }],
  [[2, 3, 4, 5, 6], /^only 4\.3\d* s of \d+\.\d* s of load were sampled: /, { judgement: 'unknown' }],
] as const)('what was not sampled may have been starved: without the seconds %j', (missing, observed, expected) => {
  const whole = onHost([CALM]);
  const samples = whole.events.filter(({ type }) => type === 'host');
  const gone = new Set(missing.map((i) => samples[i]));
  const history = { ...whole, events: whole.events.filter((event) => !gone.has(event)) };
  const finding = hostKeptUp.check(history, {});
  expect(finding).toMatchObject(expected);
  expect('excuses' in finding).toBe('excuses' in expected);
  if (observed) expect(finding.observed).toMatch(observed);
});

test('a run without a sample is unknown; a run of an earlier version is not checked', () => {
  const none = onHost([]);
  expect(hostKeptUp.check(none, {}).judgement).toBe('unknown');
  const always = hostKeptUp.always as (history: History) => boolean;
  expect(always(none)).toBe(true);
  expect(always(buildHistory())).toBe(false);
});

test('a run whose load was not sustained is judged by its ramp', () => {
  const history = onHost([]);
  const begun = history.events.findIndex((event) => event.type === 'phase-started' && event.phase === 'steady-state');
  const at = history.events[begun]?.at ?? 0;
  const sample = (i: number): TimedEvent => {
    return { at: at + i * 1_000, type: 'host', forMs: 1_000, stolen: 0, lateMs: 1, ...STARVED };
  };
  const cut: History = {
    ...history,
    events: [
      ...history.events.slice(0, begun),
      { at, type: 'phase-started', phase: 'ramp' },
      ...[1, 2, 3, 4].map(sample),
      { at: at + 4_000, type: 'phase-ended', phase: 'ramp' },
    ],
  };
  expect(hostFigures(cut)).toMatchObject({ sampledMs: 4_000, starvedMs: 4_000 });
  expect(hostKeptUp.check(cut, {})).toMatchObject({
    judgement: 'unknown',
    observed: expect.stringMatching(/^starved for 4 s of 4 s/),
  });
});
