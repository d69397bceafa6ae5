/** What settings promised for a loss, judged on built histories: kept, broken and unknown. */

import { describe, expect, test } from 'vitest';
import { withinPromise } from '../../src/checks/within-promise.ts';
import { promisePatroni } from '../../src/engines/patroni/promise.ts';
import type { StreamingSpec } from '../../src/engines/streaming/spec.ts';
import { streaming } from '../../src/engines/streaming.ts';
import { figuresOf } from '../../src/measure/figures.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { History, Operation } from '../../src/model/history.ts';
import type { Lost } from '../../src/model/loss.ts';
import type { Promised } from '../../src/model/promise.ts';
import { nodeNames } from '../../src/model/topology.ts';
import { type HistorySpec, REFUSED, timesOf } from '../support/history-builder.ts';
import { ring, undivided } from '../support/sharded.ts';
import { ownOfStreaming } from '../support/streaming-topology.ts';
import { failedOver, type NodeDoes, type WitnessedSpec, witnessedHistory } from '../support/witnessed-history.ts';

const FAULT_MS = 8_000;
const { askedMs, effectMs, healAskedMs, loadEndMs } = timesOf({ faultMs: FAULT_MS });
const placement = { partitions: ring(undivided(3)), partitionOfKey: {} };
const BY_HAND: StreamingSpec = { members: 3, synchronous: 'off', manager: 'by-hand', promoteAfterMs: 1_000 };
const SYNCHRONOUS: StreamingSpec = { ...BY_HAND, synchronous: 'on' };
const NOBODY: StreamingSpec = { ...BY_HAND, manager: 'none' };
const KILLED: Lost = { what: 'node', node: 'pg1', how: 'killed' };
const FROZEN: Lost = { ...KILLED, how: 'frozen' };

function promiseOf(spec: StreamingSpec, lost: Lost): Promised {
  const { promise } = streaming.expect({ placement, own: ownOfStreaming(spec) }, { down: new Set(), lost: [lost] });
  if (!promise) throw new Error(`nothing is promised for ${nodeNames(undivided(3))}`);
  return promise;
}

interface Run {
  readonly promise: Promised | undefined;
  readonly lost?: Lost;
  /** How long writes fail from the strike on. */
  readonly outMs?: number;
  readonly does?: readonly NodeDoes[];
  readonly keeps?: WitnessedSpec['keeps'];
  readonly final?: WitnessedSpec['final'] | null;
  readonly history?: HistorySpec;
}

const PROMOTED_MS = effectMs + 1_500;

function run({ promise, lost = KILLED, outMs = 2_000, does, keeps, final, history }: Run): History {
  const out = ({ kind, intendedAt }: Operation) =>
    kind.includes('write') && intendedAt >= effectMs && intendedAt < effectMs + outMs ? REFUSED : undefined;
  const said: TimedEvent[] = promise ? [{ at: askedMs - 1, type: 'promised', act: 0, lost: [lost], promise }] : [];
  const end = final === undefined ? { node: 'pg2', timeline: 2 } : final;
  return witnessedHistory({
    does: does ?? failedOver(effectMs, PROMOTED_MS, loadEndMs),
    ...(end === null ? {} : { final: end }),
    ...(keeps ? { keeps } : {}),
    more: said,
    history: { faultMs: FAULT_MS, answer: out, probe: out, ...history },
  });
}

const judged = (of: Run) => withinPromise.check(run(of), {});
const PROMISE = promiseOf(SYNCHRONOUS, KILLED);

describe('how long writes are out', () => {
  test('within the interval', () => {
    const finding = judged({ promise: PROMISE });
    expect(finding).toMatchObject({
      judgement: 'pass',
      expected: 'write outage via direct 500 ms to 4 s; acknowledged writes at risk: none; two primaries: never',
    });
    expect(finding.observed).toMatch(
      /^write outage via direct 2 s ± \d+ ms; acknowledged writes lost none; two primaries never$/,
    );
    expect(finding.evidence[0]).toMatch(
      /^write outage via direct: 2 s ± \d+ ms; promised: 500 ms to 4 s, because the manager by-hand counts 1 s/,
    );
  });

  test('for longer', () => {
    const finding = judged({ promise: PROMISE, outMs: 4_200 });
    expect(finding.judgement).toBe('fail');
    expect(finding.observed).toMatch(
      /^write outage via direct 4\.2 s ± \d+ ms: longer than the promised maximum of 4 s$/,
    );
  });

  test('for about the limit: unknown', () => {
    expect(judged({ promise: PROMISE, outMs: 4_000 })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('the limit lies within the uncertainty'),
    });
  });

  test('for less, with one primary at a time: the fault was weaker than intended', () => {
    expect(judged({ promise: PROMISE, outMs: 0 })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining(
        'shorter than the promised minimum of 500 ms: the fault was weaker than intended',
      ),
    });
  });

  test('for less, because there were two primaries', () => {
    const does: NodeDoes[] = [
      { node: 'pg1', fromMs: 1_000, toMs: loadEndMs, does: 'acknowledges' },
      { node: 'pg2', fromMs: 1_000, toMs: PROMOTED_MS, does: 'standby' },
      { node: 'pg2', fromMs: PROMOTED_MS, toMs: loadEndMs, does: 'acknowledges', timeline: 2 },
      { node: 'pg3', fromMs: 1_000, toMs: loadEndMs, does: 'standby' },
    ];
    const finding = judged({ promise: PROMISE, outMs: 0, does });
    expect(finding.judgement).toBe('fail');
    expect(finding.observed).toContain('shorter than the promised minimum of 500 ms: there were two primaries');
    expect(finding.observed).toMatch(/two primaries for 9\.\d+ s to 9\.\d+ s: longer than promised/);
  });

  test('until healed: for as long as the fault, not less', () => {
    const promise = promiseOf(NOBODY, KILLED);
    const does = failedOver(effectMs, loadEndMs, loadEndMs);
    const final = { node: 'pg1', timeline: 1 };
    expect(judged({ promise, outMs: FAULT_MS + 200, does, final }).judgement).toBe('pass');
    expect(judged({ promise, outMs: 3_000, does, final })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('3 s ± 22 ms: shorter than the promised minimum of 7 s'),
    });
  });

  test('a fault that is healed sooner takes writes out no longer', () => {
    const acts = [{ targets: ['pg1'], forMs: 300 }];
    expect(judged({ promise: PROMISE, outMs: 350, history: { acts } }).judgement).toBe('pass');
  });

  test('to the end of the run: it lasted at least that long', () => {
    const promise = { ...PROMISE, writesOut: [{ route: 'direct', minMs: 0, maxMs: 60_000, why: 'it may' }] };
    const out = { promise, outMs: 60_000, does: failedOver(effectMs, PROMOTED_MS, loadEndMs) };
    expect(judged(out)).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('still open when the load stopped'),
    });
  });

  test('by a route without writes', () => {
    const promise = {
      ...PROMISE,
      writesOut: [...PROMISE.writesOut, { route: 'proxy', minMs: 0, maxMs: 1, why: 'it is quick' }],
    };
    expect(judged({ promise })).toMatchObject({
      judgement: 'unknown',
      observed: 'write outage via proxy not seen: nothing was written by this route',
    });
  });
});

describe('acknowledged writes that are gone', () => {
  const before = {
    keeps: (row: { node: string; settledAt: number }) => row.node !== 'pg1' || row.settledAt < effectMs - 500,
  };
  const after: Pick<Run, 'does' | 'keeps'> = {
    does: [
      { node: 'pg1', fromMs: 1_000, toMs: effectMs, does: 'acknowledges' },
      { node: 'pg1', fromMs: healAskedMs, toMs: healAskedMs + 1_200, does: 'acknowledges' },
      { node: 'pg2', fromMs: 1_000, toMs: PROMOTED_MS, does: 'standby' },
      { node: 'pg2', fromMs: PROMOTED_MS, toMs: loadEndMs, does: 'acknowledges', timeline: 2 },
      { node: 'pg3', fromMs: 1_000, toMs: loadEndMs, does: 'standby' },
    ],
    keeps: ({ node, settledAt }) => node !== 'pg1' || settledAt < effectMs,
  };

  test('before the strike: at risk, or not', () => {
    expect(judged({ promise: promiseOf(BY_HAND, KILLED), ...before })).toMatchObject({
      judgement: 'pass',
      observed: expect.stringMatching(/acknowledged writes lost 10 writes up to 4\d\d ms before the strike/),
    });
    expect(judged({ promise: PROMISE, ...before })).toMatchObject({
      judgement: 'fail',
      observed: expect.stringMatching(/10 writes up to 4\d\d ms before the strike: writes that old are not at risk/),
    });
  });

  test('by an old primary that continues: within what is at risk, or more', () => {
    const promise = promiseOf(BY_HAND, FROZEN);
    expect(judged({ promise, ...after })).toMatchObject({
      judgement: 'pass',
      observed: expect.stringMatching(/lost 24 writes over 1\.15 s after it; two primaries for 1\.1/),
    });
    const shorter = { ...promise, lost: { ...promise.lost, afterMs: 1_000 } };
    expect(judged({ promise: shorter, ...after }).judgement).toBe('fail');
    expect(judged({ promise: { ...promise, lost: { ...promise.lost, afterMs: 0 } }, ...after })).toMatchObject({
      judgement: 'fail',
      observed: expect.stringContaining('acknowledged after the strike over more time than promised'),
    });
  });

  test('by the node that took its place: at no risk, whatever the interval', () => {
    const keeps: Run['keeps'] = ({ node }) => node === 'pg1';
    const stolen = { promise: promiseOf(BY_HAND, FROZEN), keeps, final: { node: 'pg1', timeline: 3 } };
    expect(judged(stolen)).toMatchObject({
      judgement: 'fail',
      observed: expect.stringMatching(
        /\d+ writes over 9\.\d+ s that pg2 had acknowledged: what pg2 acknowledges after the strike is not at risk/,
      ),
    });
  });

  test('of the load', () => {
    const finalKeys: NonNullable<HistorySpec['finalKeys']> = ({ coordinator, placements }) => {
      for (const keys of [coordinator, ...placements.values()]) keys.delete('1:3');
    };
    expect(judged({ promise: PROMISE, history: { finalKeys } })).toMatchObject({
      judgement: 'fail',
      observed: expect.stringMatching(/lost 1 write up to 1\.\d+ s before the strike: writes that old/),
    });
  });

  test('under Patroni, older than ttl: only bytes bound them, which were not counted', () => {
    const settings = {
      ttlMs: 20_000,
      loopWaitMs: 1_000,
      retryTimeoutMs: 3_000,
      primaryStartTimeoutMs: 300_000,
      synchronousMode: false,
      synchronousModeStrict: false,
      failsafeMode: false,
      maximumLagOnFailoverBytes: 1_048_576,
    };
    const roles = { pg1: { role: 'primary' }, pg2: { role: 'standby' } } as const;
    const promise = promisePatroni(settings, { roles, dcs: ['etcd1'], routes: [{ name: 'direct' }] }, [
      KILLED,
    ]) as Promised;
    const quick = { ...promise, writesOut: PROMISE.writesOut };
    expect(judged({ promise: quick, ...before }).judgement).toBe('pass');
    expect(judged({ promise: { ...quick, lost: { ...quick.lost, beforeMs: 300 } }, ...before })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('which were not counted'),
    });
  });

  test('without a final read', () => {
    const events = (all: TimedEvent[]) => all.filter(({ type }) => type !== 'final-read' && type !== 'placement-read');
    expect(judged({ promise: PROMISE, final: null, history: { events } })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('acknowledged writes lost not known: no final read was made'),
    });
  });
});

test('a message that was there before the run is at no risk, whatever is promised', () => {
  const finalKeys: HistorySpec['finalKeys'] = ({ coordinator, placements }) => {
    for (const found of [coordinator, ...placements.values()]) found.delete('0:3');
  };
  expect(judged({ promise: promiseOf(BY_HAND, KILLED), history: { finalKeys } })).toMatchObject({
    judgement: 'fail',
    observed: '1 initial message lost: the promise puts no initial message at risk',
    evidence: expect.arrayContaining(['0:3 lost']),
  });
});

describe('without anything to judge', () => {
  test('nothing was promised', () => {
    expect(judged({ promise: undefined })).toMatchObject({
      judgement: 'unknown',
      observed: 'nothing was promised for the faults of this run',
    });
  });

  test('the fault did not take effect', () => {
    const events = (all: TimedEvent[]) => all.filter(({ type }) => type !== 'fault-in-effect');
    expect(judged({ promise: PROMISE, history: { events } })).toMatchObject({
      judgement: 'unknown',
      observed: 'no fault took effect',
    });
  });

  test('no witness wrote: two primaries are not known', () => {
    const { witness: _, ...history } = run({ promise: PROMISE });
    expect(withinPromise.check(history, {})).toMatchObject({
      judgement: 'unknown',
      observed: 'two primaries not known: the witness could not see',
    });
  });
});

test('a second strike while the first lasts is judged by what was promised for both', () => {
  const acts = [
    { targets: ['pg3'], effect: 'down' as const },
    { targets: ['pg1'], effect: 'down' as const, atMs: 2_000, forMs: FAULT_MS - 2_000 },
  ];
  const standby: Lost = { ...KILLED, node: 'pg3' };
  const both: TimedEvent[] = [
    { at: askedMs - 1, type: 'promised', act: 0, lost: [standby], promise: promiseOf(BY_HAND, standby) },
    { at: askedMs + 1_999, type: 'promised', act: 1, lost: [standby, KILLED], promise: promiseOf(BY_HAND, KILLED) },
  ];
  const out = ({ kind, intendedAt }: Operation) =>
    kind.includes('write') && intendedAt >= effectMs + 2_000 && intendedAt < effectMs + 4_500 ? REFUSED : undefined;
  const history = witnessedHistory({
    does: failedOver(effectMs + 2_000, effectMs + 4_000, loadEndMs),
    final: { node: 'pg2', timeline: 2 },
    more: both,
    history: { faultMs: FAULT_MS, acts, answer: out, probe: out },
  });
  expect(figuresOf(history).promises).toMatchObject([
    { act: 0, writesOut: [{ outMs: 0 }] },
    { act: 1, writesOut: [{ outMs: expect.closeTo(2_500, -2) }] },
  ]);
  expect(withinPromise.check(history, {}).judgement).toBe('pass');
});
