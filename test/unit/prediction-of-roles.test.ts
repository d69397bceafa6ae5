/** The promise of the engine `streaming` for the loss of a primary, judged on histories: kept, broken and unknown. */

import { describe, expect, test } from 'vitest';
import { prediction } from '../../src/checks/prediction.ts';
import type { StreamingSpec } from '../../src/engines/streaming/spec.ts';
import { streaming } from '../../src/engines/streaming.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { History } from '../../src/model/history.ts';
import type { Roles } from '../../src/model/roles.ts';
import { nodeNames } from '../../src/model/topology.ts';
import {
  type ActSpec,
  buildHistory,
  changing,
  type HistorySpec,
  REFUSED,
  timesOf,
} from '../support/history-builder.ts';
import { ring, undivided } from '../support/sharded.ts';
import { ownOfStreaming } from '../support/streaming-topology.ts';

const members = nodeNames(undivided(3));
const placement = {
  partitions: ring(undivided(3)),
  partitionOfKey: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [i + 1, 0])),
};
const BY_HAND: StreamingSpec = { members: 3, synchronous: 'off', manager: 'by-hand', promoteAfterMs: 1_000 };
const NOBODY: StreamingSpec = { ...BY_HAND, manager: 'none' };
const PRIMARY_IS = (primary: string): Roles =>
  Object.fromEntries(members.map((name) => [name, { role: name === primary ? 'primary' : 'standby' }]));

interface Struck extends HistorySpec {
  readonly spec: StreamingSpec;
  /** Who is primary when each act strikes; pg1 by default. */
  readonly primaries?: readonly string[];
  readonly acts: readonly ActSpec[];
}

/** Each act is predicted by the engine itself, as a run does it: at the strike, from the roles at that time. */
function struck({ spec, primaries = [], ...history }: Struck): History {
  const withPredictions = (events: TimedEvent[]) =>
    events.flatMap((event): TimedEvent[] => {
      if (event.type !== 'fault-asked') return [event];
      const { targets, effect, at, act } = event;
      const lost = effect === 'frozen' ? { down: [], frozen: targets } : { down: targets };
      const { partitions } = streaming.expect(
        { placement, roles: PRIMARY_IS(primaries[act] ?? 'pg1'), own: ownOfStreaming(spec) },
        { down: new Set(lost.down), frozen: new Set(lost.frozen ?? []) },
      );
      return [{ at, type: 'predicted', ...lost, partitions }, event];
    });
  const onMembers = changing('cluster-formed', (event) => ({ ...event, engine: 'streaming', placement }));
  return buildHistory({
    workers: 3,
    replication: 3,
    partitions: 1,
    ...history,
    events: (events) => onMembers(withPredictions(events)),
  });
}

const judged = (history: History) => prediction.check(history, {});
const FAULT_MS = 8_000;
const { effectMs } = timesOf({ faultMs: FAULT_MS });
/** Nothing is served from the strike on, for as long. */
const outFor =
  (ms: number): NonNullable<HistorySpec['answer']> =>
  ({ intendedAt }) =>
    intendedAt >= effectMs && intendedAt < effectMs + ms ? REFUSED : undefined;
const primaryKilled = { acts: [{ targets: ['pg1'], effect: 'down' }], faultMs: FAULT_MS } as const;

describe('a primary is killed, and a standby can replace it', () => {
  test('served again within what was promised', () => {
    expect(judged(struck({ spec: BY_HAND, ...primaryKilled, answer: outFor(3_900) }))).toMatchObject({
      judgement: 'pass',
      expected: expect.stringContaining('from 4 s after'),
    });
  });

  test('and is not replaced: nothing is served when the promised time is over', () => {
    const { judgement, observed, evidence } = judged(
      struck({ spec: BY_HAND, ...primaryKilled, answer: outFor(8_000) }),
    );
    expect({ judgement, observed }).toEqual({
      judgement: 'fail',
      observed: '2 of 2 predictions were wrong',
    });
    expect(evidence).toEqual([
      expect.stringMatching(/^all rows: predicted readable, 0 of \d+ ok$/),
      expect.stringMatching(/^all rows: predicted writable, 0 of \d+ ok$/),
    ]);
  });

  test('and the fault is over before the promised time: nothing to judge', () => {
    const short = { ...primaryKilled, faultMs: 3_000 };
    expect(judged(struck({ spec: BY_HAND, ...short, answer: outFor(2_900) }))).toMatchObject({
      judgement: 'unknown',
      observed: '2 of 2 predictions could not be tested',
    });
  });

  test('and only reads are tried: half of it cannot be judged', () => {
    const kinds = [
      { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 100, deadlineMs: 1_000 },
    ] as const;
    expect(judged(struck({ spec: BY_HAND, ...primaryKilled, kinds, answer: outFor(3_000) }))).toMatchObject({
      judgement: 'unknown',
      observed: '1 of 2 predictions could not be tested',
      evidence: ['all rows: predicted writable, never tried'],
    });
  });
});

test('the load goes through a proxy that sees the new primary later: probes by the predicted route decide', () => {
  const routes = [
    { name: 'direct', access: 'write' },
    { name: 'proxy', access: 'write' },
  ] as const;
  const outByLoad = (route: string, probe: NonNullable<HistorySpec['probe']>) => {
    const kinds = (['read', 'write'] as const).map(
      (access) => ({ name: access, access, scope: 'partition', ratePerSecond: 100, deadlineMs: 1_000, route }) as const,
    );
    const history = struck({ spec: BY_HAND, ...primaryKilled, kinds, answer: outFor(FAULT_MS), probe });
    const events = history.events.map((event) => (event.type === 'cluster-formed' ? { ...event, routes } : event));
    return judged({ ...history, events }).judgement;
  };
  expect(outByLoad('proxy', outFor(3_900))).toBe('pass');
  expect(outByLoad('proxy', outFor(FAULT_MS))).toBe('fail');
  // By one route they contradict each other.
  expect(outByLoad('direct', outFor(3_900))).toBe('fail');
});

describe('a primary is lost, and no node replaces it', () => {
  test('one success is a difference', () => {
    const served = struck({ spec: NOBODY, ...primaryKilled });
    expect(judged(served)).toMatchObject({ judgement: 'fail', observed: '2 of 2 predictions were wrong' });
    expect(judged(served).evidence[0]).toMatch(/^all rows: predicted not readable, [1-9]\d* of \d+ ok$/);
    expect(judged(struck({ spec: NOBODY, ...primaryKilled, answer: outFor(FAULT_MS) })).judgement).toBe('pass');
  });

  test('frozen, its clients wait; an answer is a difference', () => {
    const frozen = { acts: [{ targets: ['pg1'], effect: 'frozen' }], faultMs: FAULT_MS } as const;
    expect(judged(struck({ spec: NOBODY, ...frozen, answer: outFor(FAULT_MS) })).judgement).toBe('pass');
    expect(judged(struck({ spec: NOBODY, ...frozen })).evidence[0]).toMatch(
      /^all rows: predicted reads stalled, [1-9]/,
    );
  });
});

test('a synchronous primary without its standbys serves reads and stalls writes', () => {
  const spec: StreamingSpec = { ...NOBODY, synchronous: 'on' };
  const standbysKilled = { acts: [{ targets: ['pg2', 'pg3'], effect: 'down' }], faultMs: FAULT_MS } as const;
  const stalling: NonNullable<HistorySpec['answer']> = (one) =>
    one.kind === 'write' ? outFor(FAULT_MS)(one) : undefined;
  expect(judged(struck({ spec, ...standbysKilled, answer: stalling })).judgement).toBe('pass');
  expect(judged(struck({ spec, ...standbysKilled }))).toMatchObject({
    judgement: 'fail',
    evidence: [expect.stringMatching(/^all rows: predicted writes stalled, [1-9]\d* of \d+ ok$/)],
  });
});

test('the same node is lost twice, first as a standby, then as the primary: each time what it was then', () => {
  const twice = {
    spec: NOBODY,
    primaries: ['pg1', 'pg2'],
    acts: [
      { targets: ['pg2'], effect: 'down', forMs: 3_000 },
      { targets: ['pg2'], effect: 'down', atMs: 4_000, forMs: 3_000 },
    ],
    faultMs: FAULT_MS,
  } as const;
  const secondOut: NonNullable<HistorySpec['answer']> = ({ intendedAt }) =>
    intendedAt >= effectMs + 4_000 && intendedAt < effectMs + 7_000 ? REFUSED : undefined;
  expect(judged(struck({ ...twice, answer: secondOut }))).toMatchObject({ judgement: 'pass', evidence: { length: 4 } });
  expect(judged(struck(twice))).toMatchObject({ judgement: 'fail', observed: '2 of 4 predictions were wrong' });
});

test('what changes roles and leaves every node up is not predicted', () => {
  const history = buildHistory({ acts: [{ fault: 'switchover', targets: ['pg1'] }] });
  expect(judged(history)).toMatchObject({ judgement: 'unknown', observed: 'nothing was predicted' });
});
