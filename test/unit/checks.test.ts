import { describe, expect, test } from 'vitest';
import { availability } from '../../src/checks/availability.ts';
import type { Check, ScenarioFacts } from '../../src/checks/check.ts';
import { contentIntact } from '../../src/checks/content-intact.ts';
import { faultTookEffect } from '../../src/checks/fault-took-effect.ts';
import { healed } from '../../src/checks/healed.ts';
import { latency } from '../../src/checks/latency.ts';
import { loadKeptItsSchedule } from '../../src/checks/load-kept-its-schedule.ts';
import { messagesReadable } from '../../src/checks/messages-readable.ts';
import { noDuplicates } from '../../src/checks/no-duplicates.ts';
import { noLeftovers } from '../../src/checks/no-leftovers.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { noStaleReads } from '../../src/checks/no-stale-reads.ts';
import { noUnexpectedRows } from '../../src/checks/no-unexpected-rows.ts';
import { outage } from '../../src/checks/outage.ts';
import { prediction } from '../../src/checks/prediction.ts';
import { recoveryTime } from '../../src/checks/recovery-time.ts';
import { replicasAgree } from '../../src/checks/replicas-agree.ts';
import { sessionGuarantees } from '../../src/checks/session-guarantees.ts';
import {
  type IdleSlot,
  LEFTOVERS,
  type PreparedTransaction,
  type RunEvent,
  type TimedEvent,
} from '../../src/model/event.ts';
import type { History, Operation } from '../../src/model/history.ts';
import { control, oneWorker, threeWorkers } from '../histories/runs.ts';
import { buildHistory, changing, type HistorySpec, KINDS, REFUSED, timesOf } from '../support/history-builder.ts';

const { effectMs, healAskedMs, askedMs, loadEndMs } = timesOf();

/** Runs a check with its parameters as a scenario writes them. */
function run(check: Check, history: History, written: Readonly<Record<string, unknown>> = {}) {
  return check.check(history, check.params.parse(written));
}

const answering = (answer: NonNullable<HistorySpec['answer']>, spec: HistorySpec = {}) =>
  buildHistory({ ...spec, answer });
const without = (...types: readonly TimedEvent['type'][]) =>
  buildHistory({ events: (events) => events.filter((event) => !types.includes(event.type)) });
const inFullEffect = ({ intendedAt }: Operation) => intendedAt >= effectMs && intendedAt < healAskedMs;
const unsent = () => ({ outcome: 'unsent' as const });

describe('messages-readable', () => {
  const partitions = { readable: ['A', 'D'], unreadable: ['B', 'C'] };

  test('passes when every room was read whole while the fault was in full effect', () => {
    expect(run(messagesReadable, oneWorker())).toMatchObject({
      judgement: 'pass',
      expected: 'all 40 messages readable during the fault',
      observed: '40 of 40 messages readable',
    });
  });

  test('fails and says which messages of which shards were unreadable', () => {
    const finding = run(messagesReadable, threeWorkers(), { min: 40 });
    expect(finding).toMatchObject({
      judgement: 'fail',
      observed: '20 of 40 messages readable, 20 asked for and not answered on shards B, C',
    });
    expect(finding.evidence).toEqual([
      'shard B (worker2, worker3): rooms 2, 6: 10 messages, e.g. messages 0:6-10, 0:26-30 (writer 0, sequence numbers); none of 100 reads answered',
      'shard C (worker3, worker4): rooms 3, 7: 10 messages, e.g. messages 0:11-15, 0:31-35 (writer 0, sequence numbers); none of 100 reads answered',
      'scans: 0 of 40 answered',
      'seen from 3.010 s to 7.010 s of the run',
    ]);
  });

  test('passes when exactly the shards that should be are unreadable', () => {
    const finding = run(messagesReadable, threeWorkers(), { shards: partitions });
    expect(finding).toMatchObject({
      judgement: 'pass',
      expected: 'shards A, D readable, shards B, C unreadable during the fault',
    });
    expect(run(messagesReadable, threeWorkers(), { min: 20, max: 20 }).judgement).toBe('pass');
  });

  test('fails when a shard that should be unreadable answers, and when more is readable than allowed', () => {
    expect(run(messagesReadable, oneWorker(), { shards: partitions }).judgement).toBe('fail');
    expect(run(messagesReadable, oneWorker(), { max: 39 }).judgement).toBe('fail');
    expect(run(messagesReadable, threeWorkers(), { shards: { readable: ['B'] } }).judgement).toBe('fail');
  });

  test('a complete scan speaks for rooms that no read tried', () => {
    const history = answering(({ kind, partitionKey }) =>
      kind === 'read' && partitionKey === 2 ? unsent() : undefined,
    );
    expect(run(messagesReadable, history)).toMatchObject({
      judgement: 'pass',
      observed: '40 of 40 messages readable, 5 of them seen only by scans',
    });
    const doubled = answering(({ kind, partitionKey }) => {
      if (kind === 'scan') return { anomaly: { duplicated: ['0:1'] } };
      return kind === 'read' && partitionKey === 2 ? unsent() : undefined;
    });
    expect(run(messagesReadable, doubled).judgement).toBe('unknown');
    const onlyScans = answering(({ kind, partition }) => (kind === 'read' && partition === 1 ? REFUSED : undefined));
    expect(run(messagesReadable, onlyScans, { shards: { unreadable: ['B'] } }).judgement).toBe('fail');
  });

  test('is unknown when rooms were never tried and they would decide', () => {
    const history = answering(({ kind, partitionKey }) =>
      kind === 'scan' ? REFUSED : kind === 'read' && partitionKey === 2 ? unsent() : undefined,
    );
    const finding = run(messagesReadable, history);
    expect(finding).toMatchObject({
      judgement: 'unknown',
      observed: '35 of 40 messages readable, 5 messages not tried in this time',
    });
    expect(finding.evidence[0]).toBe('shard B (worker2, worker3): room 2: no read began and finished within this time');
    expect(run(messagesReadable, history, { min: 35 }).judgement).toBe('pass');
    expect(run(messagesReadable, history, { max: 39 }).judgement).toBe('unknown');
    expect(run(messagesReadable, history, { max: 34 }).judgement).toBe('fail');
    expect(run(messagesReadable, history, { shards: { readable: ['B'] } }).judgement).toBe('unknown');
    expect(run(messagesReadable, history, { shards: { readable: ['A'] } }).judgement).toBe('pass');
  });

  test('a shard that was never tried is not shown to be unreadable', () => {
    const history = answering(({ kind, partition }) =>
      kind === 'scan' ? REFUSED : kind === 'read' && partition === 1 ? unsent() : undefined,
    );
    expect(run(messagesReadable, history, { shards: { unreadable: ['B'] } }).judgement).toBe('unknown');
  });

  test('one success in many reads makes a room readable; one wrong answer makes it unreadable', () => {
    const once = (partial: Partial<Operation>, otherwise?: Partial<Operation>) => {
      let seen = 0;
      return answering((operation) => {
        if (operation.kind !== 'read' || operation.partitionKey !== 3 || !inFullEffect(operation)) return undefined;
        return ++seen === 10 ? partial : otherwise;
      });
    };
    expect(run(messagesReadable, once({}, REFUSED)).judgement).toBe('pass');
    const short = run(messagesReadable, once({ verified: 4 }));
    expect(short).toMatchObject({
      judgement: 'fail',
      observed: '35 of 40 messages readable, 5 answered wrong on shard C',
    });
    expect(short.evidence).toContain(
      'shard C (worker3, worker4): room 3: 1 answer left out, doubled or corrupted messages',
    );
    expect(run(messagesReadable, once({ anomaly: { duplicated: ['0:11'] } })).judgement).toBe('fail');
    expect(run(messagesReadable, once({ verified: 4, anomaly: { corrupted: ['0:11'] } })).judgement).toBe('fail');
    // A write that a read has not seen yet is another check's matter.
    expect(run(messagesReadable, once({ anomaly: { missing: ['1:4'], missingCount: 1 } })).judgement).toBe('pass');
  });

  test('a scan that was answered and returned too little fails it', () => {
    let scans = 0;
    const history = answering((operation) =>
      operation.kind === 'scan' && inFullEffect(operation) && ++scans === 5 ? { verified: 38 } : undefined,
    );
    const finding = run(messagesReadable, history);
    expect(finding).toMatchObject({
      judgement: 'fail',
      observed: '40 of 40 messages readable, a scan returned only 38',
    });
    expect(finding.evidence).toContain('scans: 40 of 40 answered; the best returned 40, the worst 38 of 40 messages');
    expect(run(messagesReadable, history, { min: 38 }).judgement).toBe('pass');
  });

  test('only operations sent and settled in full effect count', () => {
    const history = answering((operation) =>
      inFullEffect(operation) ? { ...REFUSED, settledAt: loadEndMs } : undefined,
    );
    expect(run(messagesReadable, history).judgement).toBe('unknown');
  });

  test('each time of a rolling failure is judged, and the worst decides', () => {
    const history = answering(
      ({ kind, partition, intendedAt }) =>
        kind === 'read' && partition === 2 && intendedAt > effectMs + 2_000 && intendedAt < effectMs + 3_000
          ? REFUSED
          : undefined,
      {
        acts: [
          { targets: ['worker1'], forMs: 1_500 },
          { targets: ['worker2'], atMs: 2_000, forMs: 1_000 },
        ],
      },
    );
    expect(run(messagesReadable, history)).toMatchObject({
      judgement: 'fail',
      observed:
        '30 of 40 messages readable by reads of their rooms, 10 not answered on shard C, although scans returned them',
    });
  });

  test('can be asked of the other parts of the run', () => {
    const broken = answering(({ kind, partitionKey, intendedAt }) =>
      kind === 'read' && partitionKey === 1 && intendedAt < askedMs ? REFUSED : undefined,
    );
    expect(run(messagesReadable, broken, { during: 'steady-state' })).toMatchObject({
      judgement: 'fail',
      expected: 'all 40 messages readable in the steady state',
    });
    expect(run(messagesReadable, broken, { during: 'settle' }).judgement).toBe('pass');
  });

  test('is unknown without a fault in effect, a cluster, or such a part of the run', () => {
    expect(run(messagesReadable, without('fault-in-effect')).observed).toBe('no fault was in full effect');
    expect(run(messagesReadable, without('cluster-formed')).judgement).toBe('unknown');
    expect(run(messagesReadable, without('phase-started'), { during: 'settle' }).judgement).toBe('unknown');
  });

  test('asking nothing of the shards asks for all messages', () => {
    expect(run(messagesReadable, threeWorkers(), { shards: {} }).judgement).toBe('fail');
  });

  const facts: ScenarioFacts = { kinds: ['read'], partitions: ['A', 'B'], messages: 500 };
  test.each([
    [{ min: 501 }, [{ path: ['min'], message: 'min is 501, but the data set has 500 messages' }]],
    [{ min: 3, max: 2 }, [{ path: ['min'], message: 'min is 3, which is more than max, 2' }]],
    [
      { shards: { readable: ['A', 'E'] } },
      [{ path: ['shards', 'readable', 1], message: 'there is no partition "E"', known: ['A', 'B'] }],
    ],
    [
      { shards: { readable: ['A'], unreadable: ['B', 'A'] } },
      [{ path: ['shards', 'unreadable', 1], message: 'partition A cannot be both readable and unreadable' }],
    ],
    [{ min: 500, max: 500, shards: { readable: ['A'], unreadable: ['B'] } }, []],
  ])('%j is held against the scenario', (written, problems) => {
    expect(messagesReadable.validate?.(messagesReadable.params.parse(written), facts)).toEqual(problems);
  });
});

describe('availability', () => {
  const failing = (every: number) =>
    answering(({ kind, id }) => (kind === 'read' && id % every === 0 ? REFUSED : undefined));

  test('passes from the asked share on, and fails below', () => {
    expect(run(availability, failing(100), { of: 'read', min: '98.9%' })).toMatchObject({
      judgement: 'pass',
      observed: expect.stringMatching(/^99\.\d+ %: 39[67] of 40[01] ok$/),
    });
    expect(run(availability, failing(100), { of: 'read', max: '98%' })).toMatchObject({
      judgement: 'fail',
      expected: 'at most 98 % of read operations ok in the fault span',
    });
    expect(run(availability, failing(4), { of: 'read', max: '98%' }).judgement).toBe('pass');
    const finding = run(availability, failing(4), { of: 'read', min: '99%' });
    expect(finding.judgement).toBe('fail');
    expect(finding.expected).toBe('at least 99 % of read operations ok in the fault span');
    expect(finding.evidence.some((line) => line.startsWith('brownout of read, '))).toBe(true);
    expect(finding.evidence.at(-1)).toMatch(/^\d+ × fail, ECONNREFUSED: connect ECONNREFUSED/);
  });

  test('is unknown if nothing was intended', () => {
    const nothing = answering(({ kind }) => (kind === 'scan' ? unsent() : undefined));
    expect(run(availability, nothing, { of: 'scan', min: '1%' })).toMatchObject({
      judgement: 'unknown',
      observed: 'no scan was intended in the fault span; 40 could not be sent by the client',
    });
    const cut = buildHistory({ events: (events) => events.filter((event) => event.at < healAskedMs) });
    expect(run(availability, cut, { of: 'read', during: 'settle', min: '99%' }).judgement).toBe('unknown');
  });

  test('knows the kinds of the workload', () => {
    const facts = { kinds: ['read'], partitions: [], messages: 1 };
    const without = availability.params.parse({ of: 'read' });
    expect(availability.validate?.(without, facts)).toEqual([{ path: [], message: 'missing key "min", or "max"' }]);
    const crossed = availability.params.parse({ of: 'read', min: '99%', max: '1%' });
    expect(availability.validate?.(crossed, facts)).toEqual([
      { path: ['min'], message: 'min is 99 %, which is more than max, 1 %' },
    ]);
    const params = availability.params.parse({ of: 'raed', min: '99%' });
    expect(availability.validate?.(params, { kinds: ['read'], partitions: [], messages: 1 })).toEqual([
      { path: ['of'], message: 'there is no kind of operation "raed"', known: ['read'] },
    ]);
  });
});

describe('outage', () => {
  const refusedFor = (ms: number, kindOf = 'write') =>
    answering(({ kind, intendedAt }) =>
      kind === kindOf && intendedAt >= effectMs && intendedAt < effectMs + ms ? REFUSED : undefined,
    );

  test('passes without an outage, and up to the limit', () => {
    expect(run(outage, control(), { of: 'write', max: '0s' })).toMatchObject({
      judgement: 'pass',
      expected: 'no outage of write longer than 0 ms in the fault span',
      observed: 'no outage',
    });
    expect(run(outage, refusedFor(500), { of: 'write', max: '600ms' })).toMatchObject({
      judgement: 'pass',
      observed: 'one outage of 500 ms ± 20 ms',
    });
    expect(run(outage, refusedFor(500), { of: 'read', max: '0s' }).judgement).toBe('pass');
    expect(run(outage, refusedFor(500), { of: 'write', during: 'steady-state', max: '0s' }).judgement).toBe('pass');
  });

  test('fails beyond it, with the windows, the longest first', () => {
    const twice = answering(({ kind, intendedAt }) => {
      const at = intendedAt - effectMs;
      return kind === 'write' && ((at >= 0 && at < 200) || (at >= 1_000 && at < 1_500)) ? REFUSED : undefined;
    });
    const finding = run(outage, twice, { of: 'write', max: '400ms' });
    expect(finding).toMatchObject({ judgement: 'fail', observed: '2 outages, the longest of 500 ms ± 20 ms' });
    expect(finding.evidence).toEqual([
      expect.stringMatching(/^outage of write, 4\.\d+ s to 4\.\d+ s: 500 ms ± 20 ms, 25 failed$/),
      expect.stringMatching(/^outage of write, 3\.\d+ s to 3\.\d+ s: 200 ms ± 20 ms, 10 failed$/),
    ]);
    expect(run(outage, refusedFor(80), { of: 'write', max: '0s' }).judgement).toBe('fail');
  });

  test('is unknown if the limit lies within the uncertainty', () => {
    for (const max of ['490ms', '510ms']) {
      expect(run(outage, refusedFor(500), { of: 'write', max })).toMatchObject({
        judgement: 'unknown',
        observed: 'one outage of 500 ms ± 20 ms: the limit lies within the uncertainty',
      });
    }
  });

  test('is unknown if the load stopped before it ended, unless it was too long by then', () => {
    const history = answering(({ kind, intendedAt }) =>
      kind === 'write' && intendedAt >= healAskedMs - 100 ? REFUSED : undefined,
    );
    expect(run(outage, history, { of: 'write', max: '1m' })).toMatchObject({
      judgement: 'unknown',
      observed: 'one outage of 3.38 s ± 20 ms; one was still open when the load stopped',
    });
    const finding = run(outage, history, { of: 'write', max: '1s' });
    expect(finding.judgement).toBe('fail');
    expect(finding.evidence[0]).toMatch(/ failed, still open when the load stopped$/);
  });

  test('can be asked of one shard', () => {
    const partitionB = answering(({ kind, partition, intendedAt }) =>
      kind === 'write' && partition === 1 && intendedAt >= effectMs && intendedAt < effectMs + 1_000
        ? REFUSED
        : undefined,
    );
    expect(run(outage, partitionB, { of: 'write', max: '0s' }).judgement).toBe('pass');
    expect(run(outage, partitionB, { of: 'write', shard: 'A', max: '0s' }).judgement).toBe('pass');
    const finding = run(outage, partitionB, { of: 'write', shard: 'B', max: '0s' });
    expect(finding.judgement).toBe('fail');
    expect(finding.evidence[0]).toContain('outage of write on shard B');
  });

  test('is unknown if nothing was intended', () => {
    const nothing = answering(({ kind, partition }) => (kind === 'write' && partition === 1 ? unsent() : undefined));
    expect(run(outage, nothing, { of: 'write', max: '0s' }).judgement).toBe('pass');
    expect(run(outage, nothing, { of: 'write', shard: 'B', max: '0s' })).toMatchObject({
      judgement: 'unknown',
      observed: 'no write on shard B was intended in the fault span',
    });
    const cut = buildHistory({ events: (events) => events.filter((event) => event.at < healAskedMs) });
    expect(run(outage, cut, { of: 'read', during: 'settle', max: '0s' }).judgement).toBe('unknown');
  });

  test('knows the kinds and the shards', () => {
    const params = outage.params.parse({ of: 'raed', shard: 'E', max: '1s' });
    expect(outage.validate?.(params, { kinds: ['read'], partitions: ['A'], messages: 1 })).toEqual([
      { path: ['of'], message: 'there is no kind of operation "raed"', known: ['read'] },
      { path: ['shard'], message: 'there is no partition "E"', known: ['A'] },
    ]);
  });
});

describe('latency', () => {
  /** Of 400 reads in the fault span, every n-th takes 300 ms. */
  const slow = (every: number) =>
    answering(({ kind, intendedAt, id }) =>
      kind === 'read' && id % every === 0 ? { settledAt: intendedAt + 300 } : undefined,
    );

  test('passes up to the limit, and fails beyond', () => {
    expect(run(latency, slow(150), { of: 'read', max: '10ms' })).toMatchObject({
      judgement: 'pass',
      expected: 'p99 of read at most 10 ms in the fault span',
      observed: expect.stringMatching(/^p99 2 ms of 40[01] answers$/),
      evidence: [],
    });
    expect(run(latency, slow(50), { of: 'read', max: '10ms' })).toMatchObject({
      judgement: 'fail',
      observed: expect.stringMatching(/^p99 300 ms of 40[01] answers$/),
    });
    expect(run(latency, slow(50), { of: 'read', percentile: 'p90', max: '10ms' }).judgement).toBe('pass');
    expect(run(latency, slow(50), { of: 'read', percentile: 'max', max: '300ms' }).judgement).toBe('pass');
    expect(run(latency, slow(50), { of: 'read', percentile: 'max', max: '299ms' }).judgement).toBe('fail');
  });

  test('too few answers show no high percentile, but one that is too slow refutes it', () => {
    expect(run(latency, control(), { of: 'read', percentile: 'p99.9', max: '10ms' })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringMatching(/^p99.9 2 ms of \d+ answers, too few: it takes 1000$/),
    });
    expect(run(latency, slow(150), { of: 'read', percentile: 'p99.99', max: '10ms' }).judgement).toBe('fail');
  });

  test('p99.99 distinguishes one slow answer in 9,999 from one in 10,001', () => {
    const kinds = [{ ...(KINDS[0] as (typeof KINDS)[number]), ratePerSecond: 3_000 }];
    const one = (slowOnes: number) => {
      let seen = 0;
      return buildHistory({
        kinds,
        answer: (operation) =>
          inFullEffect(operation) && ++seen <= slowOnes ? { settledAt: operation.intendedAt + 300 } : undefined,
      });
    };
    const asked = { of: 'read', percentile: 'p99.99', max: '10ms' };
    expect(run(latency, one(1), asked)).toMatchObject({
      judgement: 'pass',
      observed: expect.stringMatching(/^p99.99 2 ms of 12,0\d\d answers$/),
    });
    expect(run(latency, one(2), asked).judgement).toBe('fail');
  });

  test('counts answers alone, says how many there were not, and is unknown without any', () => {
    const half = answering(({ kind, id }) => (kind === 'read' && id % 2 === 0 ? REFUSED : undefined));
    const finding = run(latency, half, { of: 'read', max: '10ms' });
    expect(finding.judgement).toBe('pass');
    expect(finding.evidence).toEqual([
      expect.stringMatching(/^\d+ of 40[01] had no answer in time and do not count here$/),
    ]);
    const none = answering(({ kind }) => (kind === 'read' ? REFUSED : undefined));
    expect(run(latency, none, { of: 'read', max: '10ms' })).toMatchObject({
      judgement: 'unknown',
      observed: 'no read was answered in the fault span',
    });
  });

  test('knows the kinds of the workload', () => {
    const params = latency.params.parse({ of: 'raed', max: '1s' });
    expect(latency.validate?.(params, { kinds: ['read'], partitions: [], messages: 1 })).toHaveLength(1);
    expect(latency.params.safeParse({ of: 'read', percentile: 'p98', max: '1s' }).success).toBe(false);
  });
});

describe('recovery-time', () => {
  test('passes up to the limit, and fails beyond', () => {
    expect(run(recoveryTime, oneWorker(), { of: 'write', max: '5s' })).toMatchObject({
      judgement: 'pass',
      observed: expect.stringMatching(/^4\.1[0-2]? s ± 20 ms$/),
    });
    const finding = run(recoveryTime, oneWorker(), { of: 'write', max: '4s' });
    expect(finding.judgement).toBe('fail');
    expect(finding.evidence).toEqual([expect.stringMatching(/^outage of write, 3\.\d+ s to 7\.\d+ s: 4\.1.* failed$/)]);
    expect(run(recoveryTime, oneWorker(), { of: 'read', max: '0s' })).toMatchObject({
      judgement: 'pass',
      observed: '0 s',
    });
  });

  test('fails if service never recovered and the run lasted longer than the limit', () => {
    const history = answering(({ kind, intendedAt }) =>
      kind === 'write' && intendedAt >= effectMs ? REFUSED : undefined,
    );
    expect(run(recoveryTime, history, { of: 'write', max: '5s' })).toMatchObject({
      judgement: 'fail',
      observed: 'not back to normal when the load stopped, 7.3 s after the fault took effect',
    });
    expect(run(recoveryTime, history, { of: 'write', max: '1m' }).judgement).toBe('unknown');
  });

  test('is unknown without a fault, and without operations after it', () => {
    expect(run(recoveryTime, control(), { of: 'write', max: '5s' }).judgement).toBe('unknown');
    const nothing = answering(({ kind }) => (kind === 'write' ? unsent() : undefined));
    expect(run(recoveryTime, nothing, { of: 'write', max: '5s' })).toMatchObject({
      judgement: 'unknown',
      observed: 'no write was intended after the fault',
    });
  });

  test('knows the kinds of the workload', () => {
    const params = recoveryTime.params.parse({ of: 'wriet', max: '1s' });
    expect(recoveryTime.validate?.(params, { kinds: ['write'], partitions: [], messages: 1 })).toHaveLength(1);
  });
});

describe('no-lost-writes', () => {
  const everywhere =
    (...keys: readonly string[]): NonNullable<HistorySpec['finalKeys']> =>
    ({ coordinator, placements }) => {
      for (const found of [coordinator, ...placements.values()]) for (const key of keys) found.delete(key);
    };

  test('passes when everything is found', () => {
    const finding = run(noLostWrites, oneWorker());
    expect(finding).toMatchObject({ judgement: 'pass', evidence: [] });
    expect(finding.observed).toMatch(/^all \d+ acknowledged writes and 40 initial messages found$/);
  });

  test('fails when an acknowledged write or an initial message is in no final read, and names it', () => {
    const finding = run(noLostWrites, buildHistory({ finalKeys: everywhere('1:7', '0:3') }));
    expect(finding.judgement).toBe('fail');
    expect(finding.observed).toMatch(/^1 of \d+ acknowledged writes and 1 of 40 initial messages lost$/);
    expect(finding.evidence).toEqual([
      expect.stringMatching(/^1:7 lost: room 7, shard C, acknowledged at 1\.\d{3} s$/),
      '0:3 lost: a message of the initial data set',
    ]);
  });

  test('a write that was not acknowledged is not lost', () => {
    const history = answering(({ key }) =>
      key === '1:7' ? { outcome: 'unknown' } : key === '1:8' ? REFUSED : undefined,
    );
    expect(run(noLostWrites, history)).toMatchObject({
      judgement: 'pass',
      evidence: ['1 write ended unknown: 0 of them committed, 1 not, 0 unresolved'],
    });
  });

  test('a write that only a placement has is not lost, but shown', () => {
    const finding = run(noLostWrites, buildHistory({ finalKeys: ({ coordinator }) => coordinator.delete('1:7') }));
    expect(finding.judgement).toBe('pass');
    expect(finding.evidence).toEqual(['1:7: on a placement, but not seen by clients']);
  });

  test('is unknown without final reads, without acknowledged writes, and if an unread placement may have it', () => {
    expect(run(noLostWrites, without('final-read', 'placement-read')).observed).toBe('no final read was made');
    const refused = answering(({ kind }) => (kind === 'write' ? REFUSED : undefined));
    expect(run(noLostWrites, refused)).toMatchObject({ judgement: 'unknown', observed: 'no write was acknowledged' });

    const unread = (types: readonly string[]) =>
      buildHistory({
        finalKeys: everywhere('1:7'),
        events: (events) =>
          events.filter(
            (event) => !types.includes(event.type) && !(event.type === 'placement-read' && event.node === 'worker4'),
          ),
      });
    expect(run(noLostWrites, unread(['final-read'])).judgement).toBe('unknown');
    expect(run(noLostWrites, unread(['final-read'])).evidence).toContain(
      'not read: all rows as clients read them, worker4/C, worker4/D',
    );
    // The coordinator's view is what clients get.
    expect(run(noLostWrites, unread([])).judgement).toBe('fail');
  });

  test('every placement together is as good as the coordinator', () => {
    const history = buildHistory({ finalKeys: everywhere('1:7'), events: changing('final-read', () => undefined) });
    expect(run(noLostWrites, history).judgement).toBe('fail');
  });
});

describe('no-unexpected-rows', () => {
  const adding =
    (...keys: readonly string[]): NonNullable<HistorySpec['finalKeys']> =>
    ({ coordinator }) => {
      for (const key of keys) coordinator.add(key);
    };

  test('passes when every row was sent', () => {
    expect(run(noUnexpectedRows, oneWorker())).toMatchObject({ judgement: 'pass', evidence: [] });
    const unknown = answering(({ key }) => (key === '1:7' ? { outcome: 'unknown' } : undefined), {
      finalKeys: adding('1:7'),
    });
    expect(run(noUnexpectedRows, unknown).judgement).toBe('pass');
  });

  test('fails on a row that was never sent, even on a single placement', () => {
    expect(run(noUnexpectedRows, buildHistory({ finalKeys: adding('1:100000', '0:41', '7:1') }))).toMatchObject({
      judgement: 'fail',
      observed: '3 rows never sent',
      evidence: expect.arrayContaining(['1:100000 unexpected: it was never sent']),
    });
    const onOne = buildHistory({ finalKeys: ({ placements }) => placements.get('worker2/B')?.add('2:5') });
    expect(run(noUnexpectedRows, onOne)).toMatchObject({ judgement: 'fail', observed: '1 row never sent' });
  });

  test('an unsent operation was never sent', () => {
    const history = answering(({ key }) => (key === '1:7' ? unsent() : undefined), { finalKeys: adding('1:7') });
    expect(run(noUnexpectedRows, history).observed).toBe('1 row never sent');
  });

  test('fails on a row whose write had certainly failed', () => {
    const history = answering(({ key }) => (key === '1:7' ? REFUSED : undefined), { finalKeys: adding('1:7') });
    expect(run(noUnexpectedRows, history)).toMatchObject({
      judgement: 'fail',
      observed: '1 row of writes that had failed',
      evidence: ['1:7 resurrected: its write had certainly failed'],
    });
  });

  test('rows of earlier runs are none of its business', () => {
    const ofRun = (writer: number) =>
      buildHistory({
        answer: ({ key }) => (key === undefined ? undefined : { key: key.replace('1:', '3:') }),
        finalKeys: adding('1:1', '2:9', '3:100000'),
        events: changing('load-kept', (event) => ({ ...event, writer })),
      });
    expect(run(noUnexpectedRows, ofRun(3)).observed).toBe('1 row never sent');
    expect(run(noUnexpectedRows, ofRun(1)).observed).toBe('3 rows never sent');
  });

  test('is unknown without a final read through the coordinator', () => {
    expect(run(noUnexpectedRows, without('final-read')).judgement).toBe('unknown');
    expect(run(noUnexpectedRows, without('final-read', 'placement-read')).judgement).toBe('unknown');
    expect(run(noUnexpectedRows, without('placement-read'))).toMatchObject({
      judgement: 'pass',
      evidence: [expect.stringMatching(/^not read: worker1\/A/)],
    });
  });
});

describe('session-guarantees', () => {
  const ofSessions = (anomalyOfFirst?: Operation['anomaly']) => {
    let first = true;
    return answering(({ kind }) => {
      if (kind === 'write') return { session: 3 };
      if (kind !== 'read') return undefined;
      const anomaly = first ? anomalyOfFirst : undefined;
      first = false;
      return { session: 3, ...(anomaly ? { anomaly } : {}) };
    });
  };

  test('passes when no read of a session broke them', () => {
    expect(run(sessionGuarantees, ofSessions())).toMatchObject({
      judgement: 'pass',
      expected: 'every session has read-your-writes and monotonic-reads',
      observed: expect.stringMatching(/^held in \d+ reads$/),
    });
  });

  test('fails on a write that its own session did not read back', () => {
    const history = ofSessions({ missing: ['1:2', '1:3'], missingCount: 2, ownMissing: ['1:2'], ownMissingCount: 1 });
    expect(run(sessionGuarantees, history)).toMatchObject({
      judgement: 'fail',
      observed: 'read-your-writes broken for 1 row',
      evidence: [
        expect.stringMatching(
          /^read-your-writes: session 3, read of room 1, sent at 1\.\d+ s: without 1:2, which it had written$/,
        ),
      ],
    });
    expect(run(sessionGuarantees, history, { guarantees: ['monotonic-reads'] }).judgement).toBe('pass');
  });

  test('fails on a row that a session had read before', () => {
    const history = ofSessions({ forgotten: ['1:2'], forgottenCount: 20 });
    expect(run(sessionGuarantees, history)).toMatchObject({
      judgement: 'fail',
      observed: 'monotonic-reads broken for 20 rows',
      evidence: [expect.stringContaining('monotonic-reads: session 3, read of room 1')],
    });
    expect(run(sessionGuarantees, history, { guarantees: ['read-your-writes'] }).judgement).toBe('pass');
  });

  test('a write of another session that is missing breaks neither', () => {
    expect(run(sessionGuarantees, ofSessions({ missing: ['1:2'], missingCount: 1 })).judgement).toBe('pass');
  });

  test('is unknown if no read names its session, or none was answered', () => {
    expect(run(sessionGuarantees, control())).toMatchObject({
      judgement: 'unknown',
      observed: 'no read of a session was answered',
    });
    const refused = answering(({ kind }) => (kind === 'read' ? { ...REFUSED, session: 3 } : undefined));
    expect(run(sessionGuarantees, refused).judgement).toBe('unknown');
  });

  test('at least one must be asked for', () => {
    expect(sessionGuarantees.params.safeParse({ guarantees: [] }).success).toBe(false);
  });
});

test('findings come with SQL to look again, for each place', () => {
  const history = buildHistory({
    finalKeys: ({ coordinator, placements }) => {
      for (const keys of [coordinator, ...placements.values()]) for (const key of ['1:7', '0:3']) keys.delete(key);
      placements.get('worker3/B')?.delete('0:6');
    },
    events: changing('placement-read', (event) => ({ ...event, relation: `messages_${event.partition}` })),
  });
  const rows = { table: 'messages', columns: 'room_id, body', key: 'writer, seq' };
  const located = { ...history, run: { ...history.run, rows } };
  expect(run(noLostWrites, located).evidence).toContain(
    'look again: SELECT room_id, body FROM messages WHERE (writer, seq) IN ((1, 7), (0, 3)); -- on coordinator',
  );
  expect(run(replicasAgree, located).evidence).toEqual([
    '0:6 of shard B: on worker2, not on worker3',
    'look again: SELECT room_id, body FROM messages_B WHERE (writer, seq) IN ((0, 6)); -- on worker2',
    'look again: SELECT room_id, body FROM messages_B WHERE (writer, seq) IN ((0, 6)); -- on worker3',
  ]);
});

describe('replicas-agree', () => {
  const placement = (source: string, change: (keys: Set<string>) => void): History =>
    buildHistory({ finalKeys: ({ placements }) => change(placements.get(source) as Set<string>) });

  test('passes when all placements of every shard hold the same', () => {
    expect(run(replicasAgree, oneWorker())).toMatchObject({
      judgement: 'pass',
      observed: 'all 8 placements of 4 shards agree, 100 ms after the load stopped',
    });
  });

  test('fails with the keys that differ, and the nodes that have them', () => {
    const finding = run(
      replicasAgree,
      placement('worker3/B', (keys) => keys.delete('0:6')),
    );
    expect(finding).toMatchObject({
      judgement: 'fail',
      observed: 'shard B differs in 1 message',
      evidence: ['0:6 of shard B: on worker2, not on worker3'],
    });
    expect(
      run(
        replicasAgree,
        placement('worker3/B', (keys) => keys.add('9:9')),
      ).evidence,
    ).toEqual(['9:9 of shard B: on worker3, not on worker2']);
  });

  test('names at most eight keys', () => {
    const finding = run(
      replicasAgree,
      placement('worker3/B', (keys) => keys.clear()),
    );
    expect(finding.evidence).toHaveLength(8);
    expect(finding.observed).toMatch(/^shard B differs in \d\d+ messages$/);
  });

  test('fails on a doubled or corrupted row, even if the keys agree', () => {
    const history = buildHistory({
      events: changing('placement-read', (event) =>
        event.node === 'worker1' && event.partition === 'A'
          ? { ...event, read: { ...event.read, corrupted: [{ key: '0:1', found: 'x', expected: 'y' }] } }
          : event,
      ),
    });
    expect(run(replicasAgree, history)).toMatchObject({
      judgement: 'fail',
      evidence: ['0:1: on worker1, shard A: found x; expected y'],
    });
  });

  test('is unknown when a placement could not be read, unless the others differ already', () => {
    const unread = (spec: HistorySpec) =>
      buildHistory({
        ...spec,
        events: changing('placement-read', (event) => (event.node === 'worker1' ? undefined : event)),
      });
    expect(run(replicasAgree, unread({}))).toMatchObject({
      judgement: 'unknown',
      observed: '2 placements could not be read',
      evidence: ['not read: worker1/A, worker1/D'],
    });
    const differing: HistorySpec = { finalKeys: ({ placements }) => placements.get('worker3/B')?.delete('0:6') };
    expect(run(replicasAgree, unread(differing)).judgement).toBe('fail');
    expect(run(replicasAgree, without('cluster-formed')).judgement).toBe('unknown');
  });
});

describe('prediction', () => {
  test('passes when every shard is as predicted', () => {
    expect(run(prediction, threeWorkers())).toMatchObject({
      judgement: 'pass',
      observed: 'every shard was as predicted',
    });
  });

  test('fails if a shard is not', () => {
    // In this run no write succeeds, though B and C were predicted to be writable.
    expect(run(prediction, oneWorker())).toMatchObject({
      judgement: 'fail',
      observed: '2 of 8 predictions were wrong',
      evidence: ['shard B: predicted writable, 0 of 37 ok', 'shard C: predicted writable, 0 of 38 ok'],
    });
  });

  test('a predicted stall has no success before its deadline; an answer contradicts it', () => {
    const frozen = (isStalled: (operation: Operation) => boolean) =>
      answering((operation) => (isStalled(operation) && inFullEffect(operation) ? REFUSED : undefined), {
        acts: [{ targets: ['worker1'], effect: 'frozen' }],
        predictions: [
          {
            down: ['worker1'],
            partitions: ['A', 'B', 'C', 'D'].map((partition) => ({ partition, readable: true, writable: true })),
          },
          {
            down: [],
            frozen: ['worker1'],
            partitions: ['A', 'B', 'C', 'D'].map((partition) =>
              partition === 'A'
                ? { partition, readable: false, writable: false, stalled: ['read', 'write'] as const }
                : { partition, readable: true, writable: true },
            ),
          },
        ],
      });
    expect(
      run(
        prediction,
        frozen(({ partition }) => partition === 0),
      ).judgement,
    ).toBe('pass');
    expect(
      run(
        prediction,
        frozen(({ partition, kind }) => partition === 0 && kind === 'read'),
      ),
    ).toMatchObject({
      judgement: 'fail',
      evidence: [expect.stringMatching(/^shard A: predicted writes stalled, [1-9]\d* of \d+ ok$/)],
    });
  });

  test('the first second of full effect does not count', () => {
    const afterwards = (ms: number) =>
      answering(
        (operation) => (operation.intendedAt >= effectMs + ms && inFullEffect(operation) ? REFUSED : undefined),
        {
          predictions: [
            {
              down: ['worker1'],
              partitions: ['A', 'B', 'C', 'D'].map((partition) => ({ partition, readable: false, writable: false })),
            },
          ],
        },
      );
    expect(run(prediction, afterwards(999)).judgement).toBe('pass');
    expect(run(prediction, afterwards(1_200)).judgement).toBe('fail');
  });

  test('is unknown if nothing was predicted, or nothing tried', () => {
    expect(run(prediction, buildHistory()).observed).toBe('nothing was predicted');
    expect(run(prediction, without('fault-in-effect')).judgement).toBe('unknown');
    const { events, run: info } = threeWorkers();
    const idle = buildHistory({
      acts: [{ targets: ['worker2', 'worker3', 'worker4'] }],
      answer: unsent,
      events: () => [...events],
    });
    expect(run(prediction, { ...idle, run: info }).observed).toBe('8 of 8 predictions could not be tested');
  });
});

describe('fault-took-effect', () => {
  test('passes with the proof, and without a planned fault', () => {
    expect(run(faultTookEffect, oneWorker())).toMatchObject({
      judgement: 'pass',
      evidence: ['node-stop on worker1: worker1: not running, SQL is refused'],
    });
    expect(run(faultTookEffect, control()).judgement).toBe('pass');
  });

  test('is unknown when one did not: nothing was tested', () => {
    const failed = buildHistory({
      events: changing('fault-in-effect', ({ at }) => ({
        at,
        type: 'fault-failed',
        act: 0,
        error: 'worker1 still runs',
      })),
    });
    expect(run(faultTookEffect, failed)).toMatchObject({
      judgement: 'unknown',
      observed: 'nothing was tested: node-stop on worker1 did not take effect',
      evidence: ['node-stop on worker1: worker1 still runs'],
    });
    expect(run(faultTookEffect, without('fault-in-effect')).judgement).toBe('unknown');
  });

  describe('a fault on traffic', () => {
    const meeting = (...met: Parameters<typeof withEvent>[0][]) =>
      buildHistory({ events: (events) => met.reduce((all, one) => withEvent(one)(all), events) });
    const withEvent = (event: RunEvent) => (events: readonly TimedEvent[]) => {
      const healing = events.findIndex(({ type }) => type === 'heal-asked');
      return events.toSpliced(healing, 0, { at: (events[healing]?.at ?? 0) - 1, ...event });
    };

    test('passes with the packets that met it', () => {
      expect(
        run(faultTookEffect, meeting({ type: 'fault-met', act: 0, counts: { worker1: 7 }, of: 'packets' })),
      ).toMatchObject({
        judgement: 'pass',
        evidence: [expect.any(String), 'node-stop on worker1: it met 7 packets on worker1'],
      });
    });

    test('is unknown if nothing met it on one of its targets: there it harmed nothing', () => {
      const counts = { worker1: 7, worker2: 0 };
      expect(run(faultTookEffect, meeting({ type: 'fault-met', act: 0, counts, of: 'packets' }))).toMatchObject({
        judgement: 'unknown',
        observed: 'nothing was tested: node-stop on worker1 did not take effect',
        evidence: [
          expect.any(String),
          expect.stringContaining('0 packets on worker2: a fault that meets nothing does no harm'),
        ],
      });
    });

    test('is unknown if that could not be seen', () => {
      expect(
        run(faultTookEffect, meeting({ type: 'fault-met-failed', act: 0, error: 'no answer in time' })),
      ).toMatchObject({
        judgement: 'unknown',
        evidence: [expect.any(String), expect.stringContaining('could not count what it met: no answer in time')],
      });
    });
  });

  test('is unknown when one of the plan was never asked for', () => {
    const history = buildHistory();
    expect(run(faultTookEffect, { ...history, run: { ...history.run, plannedActs: 2 } })).toMatchObject({
      judgement: 'unknown',
      observed: 'not everything was tested: fault 2 of the plan did not take effect',
    });
  });
});

describe('healed', () => {
  test('passes when each fault was seen to be undone', () => {
    expect(run(healed, oneWorker())).toMatchObject({
      judgement: 'pass',
      evidence: ['node-stop on worker1: worker1: accepts SQL'],
    });
    expect(run(healed, control()).judgement).toBe('pass');
  });

  test('is unknown, and loud, when one was not', () => {
    const failed = changing('healed', ({ at }) => ({ at, type: 'heal-failed', act: 0, error: 'does not start' }));
    expect(run(healed, buildHistory({ events: failed }))).toMatchObject({
      judgement: 'unknown',
      observed: 'NOT HEALED: node-stop on worker1',
      evidence: ['node-stop on worker1: does not start'],
    });
    expect(run(healed, without('healed')).judgement).toBe('unknown');
    expect(run(healed, without('heal-asked', 'healed')).judgement).toBe('unknown');
  });

  test('a cluster that has not recovered is not healed, and the evidence says what to do', () => {
    const verified = (left: string[]) =>
      buildHistory({ events: (events) => [...events, { at: 90_000, type: 'healing-verified', left, advice: 'look' }] });
    expect(run(healed, verified([])).judgement).toBe('pass');
    const left = ['worker1: slot a has no reader', 'worker2: 3 prepared transactions not finished'];
    expect(run(healed, verified(left))).toMatchObject({
      judgement: 'unknown',
      observed: 'NOT HEALED: the cluster has not recovered (worker1: slot a has no reader, and 1 more)',
      evidence: expect.arrayContaining([...left, 'what to do: look']),
    });
  });

  test('a fault that failed half-way and could not be undone is not healed', () => {
    const history = buildHistory({
      events: (events) =>
        events.map((event): TimedEvent => {
          if (event.type === 'fault-in-effect')
            return { at: event.at, type: 'fault-failed', act: 0, error: 'no proof' };
          return event.type === 'healed'
            ? { at: event.at, type: 'heal-failed', act: 0, error: 'does not start' }
            : event;
        }),
    });
    expect(run(healed, history)).toMatchObject({ judgement: 'unknown', observed: 'NOT HEALED: node-stop on worker1' });
  });

  test('a fault that failed before it did anything has nothing to heal', () => {
    const history = buildHistory({
      events: (events) =>
        events.flatMap((event): TimedEvent[] => {
          if (event.type === 'fault-in-effect')
            return [{ at: event.at, type: 'fault-failed', act: 0, error: 'no such node' }];
          return event.type === 'heal-asked' || event.type === 'healed' ? [] : [event];
        }),
    });
    expect(run(healed, history).judgement).toBe('pass');
  });
});

describe('no-leftovers', () => {
  const looked = (
    preparedTransactions: readonly PreparedTransaction[],
    slots: { readonly idleSlots?: readonly IdleSlot[] } = { idleSlots: [] },
  ) => {
    const history = control();
    const event = { at: 1, type: 'leftovers' as const, preparedTransactions, ...slots };
    return { ...history, events: [...history.events, event] };
  };

  test('passes when every node was looked at and none is left', () => {
    expect(run(noLeftovers, looked([])).judgement).toBe('pass');
  });

  test('fails with the node and the transaction', () => {
    const result = run(noLeftovers, looked([{ node: 'worker1', gid: 'citus_0_1', ageMs: 1_500 }]));
    expect(result).toMatchObject({
      judgement: 'fail',
      observed: '1 prepared transaction left',
      evidence: ['worker1: citus_0_1, prepared for 1.5 s'],
    });
  });

  test('fails with the node and the slot without a reader', () => {
    const slot = { node: 'worker2', name: 'pgquake_worker2_worker1', keptBytes: 3 * 2 ** 20 };
    expect(run(noLeftovers, looked([], { idleSlots: [slot] }))).toMatchObject({
      judgement: 'fail',
      observed: '1 idle replication slot left',
      evidence: ['worker2: slot pgquake_worker2_worker1, keeps 3 MiB of WAL'],
    });
    expect(run(noLeftovers, looked([{ node: 'worker1', gid: 'x', ageMs: 1 }], { idleSlots: [slot] })).observed).toBe(
      '1 prepared transaction and 1 idle replication slot left',
    );
  });

  test('is unknown when pgquake did not or could not look', () => {
    expect(run(noLeftovers, control()).judgement).toBe('unknown');
    expect(run(noLeftovers, looked([], {}))).toMatchObject({
      judgement: 'unknown',
      observed: 'idle slots were not checked',
    });
    const history = control();
    const failed = { at: 1, type: 'final-read-failed' as const, source: LEFTOVERS, error: 'refused' };
    expect(run(noLeftovers, { ...history, events: [...history.events, failed] })).toMatchObject({
      judgement: 'unknown',
      observed: 'pgquake could not look: refused',
    });
  });
});

describe('load-kept-its-schedule', () => {
  const kept = (change: object) =>
    buildHistory({ events: changing('load-kept', (event) => ({ ...event, ...change })) });

  test('passes within its limits', () => {
    expect(run(loadKeptItsSchedule, control()).judgement).toBe('pass');
    const atTheLimits = { intended: 1_000, unsent: 10, latenessP99Ms: 100, eventLoopDelayMaxMs: 250 };
    expect(run(loadKeptItsSchedule, kept(atTheLimits)).judgement).toBe('pass');
  });

  test.each([
    [{ intended: 1_000, unsent: 11 }, '11 of 1,000 not sent (1.1 %)'],
    // The shortest deadline is 1 s.
    [{ latenessP99Ms: 101 }, 'p99 lateness 101 ms'],
    [{ eventLoopDelayMaxMs: 1_100 }, 'load thread late by 1.1 s'],
    [{ intended: 0 }, 'nothing was due'],
  ])('is unknown beyond them: %j', (change, observed) => {
    expect(run(loadKeptItsSchedule, kept(change))).toMatchObject({ judgement: 'unknown', observed });
  });

  test('passes after a pause of less than a second, but excuses failures in it', () => {
    const paused = (ms: number) => kept({ eventLoopDelayMaxMs: ms, stalls: [{ fromMs: 3_000, toMs: 3_000 + ms }] });
    expect(run(loadKeptItsSchedule, paused(250))).not.toHaveProperty('excuses');
    expect(run(loadKeptItsSchedule, paused(251))).toMatchObject({
      judgement: 'pass',
      excuses: [{ fromMs: 3_000, toMs: 3_251 }],
    });
  });

  test.each([[undefined], [[]], [[{ fromMs: 3_000, toMs: 3_100 }]]])(
    'is unknown after a pause that nobody can place: %j',
    (stalls) => {
      expect(run(loadKeptItsSchedule, kept({ eventLoopDelayMaxMs: 251, stalls }))).toMatchObject({
        judgement: 'unknown',
        observed: 'load thread late by 251 ms',
      });
    },
  );

  test('is unknown when the load generator said nothing', () => {
    expect(run(loadKeptItsSchedule, without('load-kept')).judgement).toBe('unknown');
  });
});

describe.each([
  [contentIntact, { corrupted: ['0:3'] }, 'with wrong content', '0:3: wrong content in scan, sent at'],
  [noDuplicates, { duplicated: ['0:3'] }, 'returned more than once', '0:3: twice in scan, sent at'],
  [noStaleReads, { missing: ['1:2'], missingCount: 9 }, 'left out messages', 'scan, sent at 1.050 s: without 1:2 ...'],
] as const)('$name', (check, anomaly, observed, evidence) => {
  test('passes on a clean run', () => {
    expect(run(check, oneWorker()).judgement).toBe('pass');
  });

  test('fails on a single row of a single read', () => {
    let first = true;
    const history = answering(({ kind }) => {
      if (kind !== 'scan' || !first) return undefined;
      first = false;
      return { anomaly };
    });
    const finding = run(check, history);
    expect(finding.judgement).toBe('fail');
    expect(finding.observed).toContain(observed);
    expect(finding.evidence).toEqual([expect.stringContaining(evidence)]);
  });

  test('is unknown when no read was answered', () => {
    const history = buildHistory({
      answer: () => REFUSED,
      events: (events) => events.filter(({ type }) => type !== 'final-read' && type !== 'placement-read'),
    });
    expect(run(check, history)).toMatchObject({ judgement: 'unknown', observed: 'no read was answered' });
  });
});

test.each([
  [
    contentIntact,
    { corrupted: [{ key: '0:3', found: 'a', expected: 'b' }] },
    'of worker2, shard B: found a; expected b',
  ],
  [noDuplicates, { duplicated: ['0:3'] }, '0:3: twice in the final read of worker2, shard B'],
] as const)('$name looks at the final reads too', (check, odd, evidence) => {
  const history = buildHistory({
    events: changing('placement-read', (event) =>
      event.node === 'worker2' && event.partition === 'B' ? { ...event, read: { ...event.read, ...odd } } : event,
    ),
  });
  const finding = run(check, history);
  expect(finding.judgement).toBe('fail');
  expect(finding.evidence).toEqual([expect.stringContaining(evidence)]);
});

test('a read that left out messages of the initial data set is stale', () => {
  let first = true;
  const history = answering(({ kind }) => {
    if (kind !== 'read' || !first) return undefined;
    first = false;
    return { verified: 3 };
  });
  expect(run(noStaleReads, history)).toMatchObject({
    judgement: 'fail',
    evidence: [expect.stringMatching(/^read of room 1, sent at 1\.\d{3} s: only 3 initial messages$/)],
  });
});

test('a control run passes all that every run is asked', () => {
  for (const check of [faultTookEffect, healed, loadKeptItsSchedule, contentIntact, noDuplicates, noUnexpectedRows]) {
    expect(check.always).toBe(true);
    expect(run(check, control())).toMatchObject({ judgement: 'pass' });
  }
  for (const { name } of KINDS) expect(run(availability, control(), { of: name, min: '100%' }).judgement).toBe('pass');
});
