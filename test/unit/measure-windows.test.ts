import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lane, lateAboveMs } from '../../src/measure/lane.ts';
import { windowsOfRun } from '../../src/measure/windows.ts';
import type { ServiceWindow } from '../../src/model/figures.ts';
import type { Outcome } from '../../src/model/history.ts';
import { oneWorker, threeWorkers } from '../histories/runs.ts';
import { buildHistory, REFUSED, timesOf, within } from '../support/history-builder.ts';
import { runs } from '../support/properties.ts';

interface Seen {
  readonly intendedAt: number;
  readonly settledAt: number;
  readonly outcome: Exclude<Outcome, 'unsent'>;
}

const LATE_MS = 100;
const SPACING_MS = 10;

function windowsOf(operations: readonly Seen[]): ServiceWindow[] {
  const lane = new Lane({ kind: 'read', lateAboveMs: LATE_MS, spacingMs: SPACING_MS, partitionsToHit: 0 });
  for (const operation of operations) lane.add(operation);
  return lane.end();
}

/** `.` good, `l` late, `f` failed, `u` unknown; one every 10 ms. */
function row(pattern: string, spacingMs = SPACING_MS): Seen[] {
  return [...pattern].map((letter, i) => ({
    intendedAt: i * spacingMs,
    settledAt: i * spacingMs + (letter === 'l' ? LATE_MS + 1 : 2),
    outcome: letter === 'f' ? 'fail' : letter === 'u' ? 'unknown' : 'ok',
  }));
}

const brief = (windows: readonly ServiceWindow[]) =>
  windows.map(({ type, fromMs, toMs, ok, failed }) => `${type} ${fromMs}-${toMs} ok ${ok} failed ${failed}`);

describe('windows of one row of operations', () => {
  test('only a window that never ends is marked as open', () => {
    expect(windowsOf(row('ff...fff')).map(({ open }) => open)).toEqual([undefined, undefined, true]);
    expect(windowsOf(row('.ff.'))[0]).not.toHaveProperty('open');
  });

  test.each([
    ['all is well', '..........', []],
    ['one late answer is no window', '...l......', []],
    ['one failure is a brownout', '...f......', ['brownout 30-40 ok 0 failed 1']],
    ['two failures in a row are an outage', '...ff.....', ['outage 30-50 ok 0 failed 2']],
    ['fail and unknown are both failures', '...fu.....', ['outage 30-50 ok 0 failed 2']],
    ['two late answers near each other are a brownout', '..l..l....', ['brownout 20-60 ok 4 failed 0']],
    [
      'failures with successes between them are a brownout, and outages where two meet',
      '..f.f.ff.f..',
      ['brownout 20-60 ok 2 failed 2', 'outage 60-80 ok 0 failed 2', 'brownout 80-100 ok 1 failed 1'],
    ],
    ['late answers end an outage', '..fffll...', ['outage 20-50 ok 0 failed 3', 'brownout 50-70 ok 2 failed 0']],
    ['what never ends lasts until its last answer', '....fff', ['outage 40-62 ok 0 failed 3']],
    ['what fails from the start begins there', 'ff...', ['outage 0-20 ok 0 failed 2']],
    [
      '500 ms of good ones do not part a disturbance',
      `ff${'.'.repeat(50)}ff.`,
      ['outage 0-20 ok 0 failed 2', 'brownout 20-520 ok 50 failed 0', 'outage 520-540 ok 0 failed 2'],
    ],
    ['more do', `f.${'.'.repeat(51)}ff.`, ['brownout 0-10 ok 0 failed 1', 'outage 530-550 ok 0 failed 2']],
    ['a blip long after an outage is still no window', `ff${'.'.repeat(60)}l.`, ['outage 0-20 ok 0 failed 2']],
  ])('%s', (_, pattern, expected) => {
    expect(brief(windowsOf(row(pattern)))).toEqual(expected);
  });

  test('the uncertainty is the wider spacing at the two edges', () => {
    const at = [0, 10, 40, 50, 55, 60].map((intendedAt, i): Seen => {
      const failed = i === 2 || i === 3;
      return { intendedAt, settledAt: intendedAt + 2, outcome: failed ? 'fail' : 'ok' };
    });
    expect(windowsOf(at)).toMatchObject([{ fromMs: 40, toMs: 55, durationMs: 15, uncertaintyMs: 30 }]);
  });

  const rows = fc
    .array(
      fc.record({
        letter: fc.oneof({ weight: 6, arbitrary: fc.constant('.') }, fc.constantFrom('l', 'f', 'u')),
        spacing: fc.constantFrom(1, 10, 10, 40, 260),
        repeat: fc.constantFrom(1, 1, 2, 60),
      }),
      { maxLength: 60 },
    )
    .map((parts) => {
      let atMs = 0;
      return parts.flatMap(({ letter, spacing, repeat }) =>
        row(letter.repeat(repeat)).map((operation) => {
          atMs += spacing;
          return { ...operation, intendedAt: atMs, settledAt: atMs + operation.settledAt - operation.intendedAt };
        }),
      );
    });

  test('agree with an oracle that looks at everything at once', () => {
    fc.assert(
      fc.property(rows, (operations) => {
        expect(windowsOf(operations)).toEqual(windowsByBruteForce(operations));
      }),
      { numRuns: runs(1_000) },
    );
  });
});

/** The definition, read literally, with the whole row in hand. */
function windowsByBruteForce(row: readonly Seen[]): ServiceWindow[] {
  const late = row.map((o) => o.outcome === 'ok' && o.settledAt - o.intendedAt > LATE_MS);
  const bad = row.flatMap((o, i) => (o.outcome !== 'ok' || late[i] ? [i] : []));
  const at = (i: number) => (row[i] as Seen).intendedAt;
  const spacing = (i: number) => (i === 0 ? SPACING_MS : at(i) - at(i - 1));

  const clusters: number[][] = [];
  for (const i of bad) {
    const previous = clusters.at(-1)?.at(-1);
    const sameDisturbance = previous !== undefined && (previous + 1 === i || at(i) - at(previous + 1) <= 500);
    if (sameDisturbance) clusters.at(-1)?.push(i);
    else clusters.push([i]);
  }

  return clusters.flatMap((cluster) => {
    const first = cluster[0] as number;
    const last = cluster.at(-1) as number;
    if (cluster.length === 1 && late[first]) return [];
    const inOutage = (i: number) => {
      if (row[i]?.outcome === 'ok') return false;
      return (i > 0 && row[i - 1]?.outcome !== 'ok') || (i + 1 < row.length && row[i + 1]?.outcome !== 'ok');
    };
    const windows: ServiceWindow[] = [];
    for (let from = first; from <= last; ) {
      let to = from + 1;
      while (to <= last && inOutage(to) === inOutage(from)) to++;
      const lastAnswer = Math.max(...cluster.map((i) => (row[i] as Seen).settledAt), at(row.length - 1));
      const toMs = to < row.length ? at(to) : lastAnswer;
      const members = row.slice(from, to);
      windows.push({
        type: inOutage(from) ? 'outage' : 'brownout',
        kind: 'read',
        seenBy: 'load',
        fromMs: at(from),
        toMs,
        durationMs: toMs - at(from),
        uncertaintyMs: Math.max(spacing(from), spacing(Math.min(to, row.length - 1))),
        ...(to < row.length ? {} : { open: true as const }),
        ok: members.filter((o) => o.outcome === 'ok').length,
        failed: members.filter((o) => o.outcome !== 'ok').length,
      });
      from = to;
    }
    return windows;
  });
}

describe('windows of a run', () => {
  const { effectMs } = timesOf();

  test('an outage of one shard is an outage of that shard and a brownout of its kind', () => {
    const inFault = within(effectMs, effectMs + 1_000);
    const history = buildHistory({
      answer: (operation) =>
        operation.kind === 'read' && operation.partition === 1 && inFault(operation) ? REFUSED : undefined,
    });
    const windows = windowsOfRun(history, () => LATE_MS).windows;
    expect(windows.map(({ type, kind, partition }) => [type, kind, partition])).toEqual([
      ['brownout', 'read', undefined],
      ['outage', 'read', 'B'],
    ]);
    const [whole, partition] = windows;
    expect(whole?.uncertaintyMs).toBeCloseTo(10, 6);
    expect(partition).toMatchObject({ failed: 25, ok: 0 });
    expect(partition?.durationMs).toBeCloseTo(1_000, 6);
    expect(partition?.uncertaintyMs).toBeCloseTo(40, 6);
  });

  test('if two of four shards are down, failures in a row are one brownout of the kind', () => {
    const windows = windowsOfRun(threeWorkers(), () => LATE_MS).windows;
    const ofReads = windows.filter(({ kind }) => kind === 'read').map(({ type, partition }) => [type, partition]);
    expect(ofReads).toEqual([
      ['brownout', undefined],
      ['outage', 'B'],
      ['outage', 'C'],
    ]);
  });

  test('fifty failures in a row are an outage, though one shard was never tried', () => {
    const history = buildHistory({
      answer: (operation) => {
        if (operation.kind !== 'read' || !within(effectMs, effectMs + 1_000)(operation)) return undefined;
        return operation.partition === 3 ? { outcome: 'unsent' } : REFUSED;
      },
    });
    const whole = windowsOfRun(history, () => LATE_MS).windows.filter(({ partition }) => partition === undefined);
    expect(whole.map(({ type, failed }) => [type, failed])).toEqual([['outage', 75]]);
  });

  test('if all shards are down, it is an outage of the kind', () => {
    const windows = windowsOfRun(oneWorker(), () => LATE_MS).windows;
    expect(windows.map(({ type, kind, partition }) => [type, kind, partition])).toEqual([
      ['outage', 'write', undefined],
      ['outage', 'write', 'A'],
      ['outage', 'write', 'B'],
      ['outage', 'write', 'C'],
      ['outage', 'write', 'D'],
    ]);
  });

  test('a scan needs every shard, so two that fail are an outage', () => {
    const windows = windowsOfRun(threeWorkers(), () => LATE_MS).windows.filter(({ kind }) => kind === 'scan');
    expect(windows.map(({ type }) => type)).toEqual(['outage']);
  });

  test('an unsent operation is not a failure', () => {
    const history = buildHistory({
      answer: (operation) => (operation.id % 3 === 0 ? { outcome: 'unsent' } : undefined),
    });
    expect(windowsOfRun(history, () => LATE_MS).windows).toEqual([]);
  });

  test('late is five times the p99 of the steady state, and never below 100 ms', () => {
    expect(lateAboveMs(3)).toBe(100);
    expect(lateAboveMs(40)).toBe(200);
    expect(lateAboveMs(undefined)).toBe(100);
  });
});
