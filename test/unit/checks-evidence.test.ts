/**
 * What a check does where there is nothing to judge, where there is half of it, and where another source contradicts
 * it. Every check of the catalogue has a row of each; one without them fails here.
 */

import { describe, expect, test } from 'vitest';
import { checks } from '../../src/catalog.ts';
import { LEFTOVERS, type RunEvent, type TimedEvent } from '../../src/model/event.ts';
import type { History, Operation, OperationKind } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { SeenRole } from '../../src/model/roles.ts';
import type { Judgement } from '../../src/model/verdict.ts';
import { oneWorker, threeWorkers } from '../histories/runs.ts';
import {
  buildHistory,
  changing,
  type HistorySpec,
  KINDS,
  promisedAt,
  REFUSED,
  timesOf,
  within,
} from '../support/history-builder.ts';
import { failedOver, type WitnessedSpec, witnessedHistory } from '../support/witnessed-history.ts';

const { askedMs, effectMs, healAskedMs, healedMs, loadEndMs } = timesOf();
const inFault = within(effectMs, healAskedMs);

interface Row {
  readonly history: () => History;
  readonly expected: Judgement;
  /** Part of what was observed. */
  readonly says: string | RegExp;
}

interface Rows {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly nothing: Row;
  readonly half: Row;
  readonly contradicted: Row;
}

const unknown = (says: Row['says'], history: Row['history']): Row => ({ history, expected: 'unknown', says });
const fails = (says: Row['says'], history: Row['history']): Row => ({ history, expected: 'fail', says });

const answering =
  (answer: HistorySpec['answer'], spec: HistorySpec = {}) =>
  () =>
    buildHistory({ ...spec, ...(answer ? { answer } : {}) });
const without =
  (...types: readonly TimedEvent['type'][]) =>
  () =>
    buildHistory({ events: (events) => events.filter(({ type }) => !types.includes(type)) });
const withEvents =
  (...added: readonly RunEvent[]) =>
  () =>
    buildHistory({
      events: (events) => [...events, ...added.map((event) => ({ at: 11_000, ...event }) as TimedEvent)],
    });

/** A coordinator that answers no client, without final reads. */
const deaf = () =>
  buildHistory({
    answer: () => REFUSED,
    events: (events) => events.filter(({ type }) => type !== 'final-read' && type !== 'placement-read'),
  });

const PROMISED = promisedAt(askedMs - 1);

const refusedReads = (when: (operation: Operation) => boolean) =>
  answering((one) => (one.kind !== 'write' && when(one) ? REFUSED : undefined));
const refusedScans = answering((one) => (one.kind === 'scan' && one.settledAt >= askedMs ? REFUSED : undefined));
const probesOut = () => buildHistory({ probe: (one) => (inFault(one) ? REFUSED : undefined) });
const loadOut = (kind: string) => () =>
  buildHistory({ probe: () => undefined, answer: (one) => (one.kind === kind && inFault(one) ? REFUSED : undefined) });

/** Scans are long: one is under way when the fault strikes, and it fails. The ones after it are quick. */
const struckScanFailed = answering((one) => {
  if (one.kind !== 'scan') return undefined;
  return one.sentAt < askedMs && one.sentAt > askedMs - 150 ? { ...REFUSED, settledAt: effectMs + 100 } : undefined;
});

const slowKind = (kind: string, ratePerSecond: number): readonly OperationKind[] =>
  KINDS.map((one) => (one.name === kind ? { ...one, ratePerSecond } : one));

const sessions = (answer?: HistorySpec['answer']) =>
  answering((one) => ({ session: one.kind === 'write' ? 2 : 3, ...answer?.(one) }));

const work = (...workers: readonly (readonly [reads: number, writes: number])[]): RunEvent => ({
  type: 'work-of-workers',
  workers: workers.map(([reads, writes], i) => ({ node: `worker${i + 1}`, reads, writes })),
});

const placementsOf = (bytes: (at: number) => number) =>
  ['A1', 'A2', 'B2', 'B3', 'C3', 'C4', 'D4', 'D1'].map((at, i) => ({
    partition: at[0] as string,
    node: `worker${at[1]}`,
    bytes: bytes(i),
  }));

const scaling = (...steps: readonly (readonly [workers: number, ok: number, failed: number])[]): RunEvent => ({
  type: 'read-scaling',
  cores: 16,
  steps: steps.map(([workers, ok, failed]) => ({
    workers,
    served: ['worker1', 'worker2', 'worker3', 'worker4'].slice(0, workers),
    ok,
    failed,
    forMs: 1_000,
  })),
});

/** A machine with processors to spare; other machines may take them. */
const sampled =
  (seconds: readonly number[], stolen = 0) =>
  () => {
    const { run, events, operations, probes } = buildHistory();
    const samples = seconds.map(
      (second): TimedEvent => ({ at: second * 1_000, type: 'host', forMs: 1_000, busy: 0.5, stolen, lateMs: 1 }),
    );
    const machine = { system: 'Linux 6.8.0 x64', processors: 4, memoryBytes: 8e9, loadAverage: 0.5 };
    return {
      run: { ...run, machine },
      events: [...events, ...samples].sort((a, b) => a.at - b.at),
      operations,
      probes,
    };
  };

/** pg1 is struck, pg2 takes its place a second later, on timeline 2. */
const failover =
  (more: Partial<WitnessedSpec> = {}) =>
  () =>
    witnessedHistory({
      does: failedOver(effectMs, effectMs + 1_000, loadEndMs),
      final: { node: 'pg2', timeline: 2 },
      ...more,
    });
const dropping = (history: () => History, drop: (event: TimedEvent) => boolean) => () => {
  const { events, ...rest } = history();
  return { ...rest, events: events.filter((event) => !drop(event)) };
};
/** A node that says what it is, as all nodes are looked at. */
const seen = (at: number, pg3: SeenRole): TimedEvent => ({
  at,
  type: 'roles-seen',
  roles: {
    pg1: { role: 'standby', timeline: 2, state: 'streaming' },
    pg2: { role: 'primary', timeline: 2 },
    pg3,
  },
});
const streaming: SeenRole = { role: 'standby', timeline: 2, state: 'streaming' };
const noFinalReads = (event: TimedEvent) => event.type === 'final-read' || event.type === 'placement-read';

const noPrepared = { type: 'leftovers', preparedTransactions: [] } as const;

const ROWS: Readonly<Record<string, Rows>> = {
  'messages-readable': {
    nothing: unknown(
      'no message was read in this time',
      answering(() => ({ outcome: 'unsent' })),
    ),
    half: unknown(
      '35 of 40 messages readable, 5 messages not tried in this time',
      answering((one) =>
        one.kind === 'scan'
          ? REFUSED
          : one.partitionKey === 2 && one.kind === 'read'
            ? { outcome: 'unsent' }
            : undefined,
      ),
    ),
    contradicted: fails(
      /^35 of 40 messages readable by reads of their rooms, 5 not answered .* although scans returned them$/,
      answering((one) => (one.kind === 'read' && one.partitionKey === 3 && inFault(one) ? REFUSED : undefined)),
    ),
  },
  availability: {
    params: { of: 'read', min: '50%' },
    nothing: unknown(
      'no read was intended in the fault span',
      answering(() => ({ outcome: 'unsent' })),
    ),
    half: { history: refusedReads(({ id }) => id % 2 === 0), expected: 'pass', says: /^50\.\d+ %: 20\d of 40[01] ok$/ },
    contradicted: unknown('the probes saw an outage that the load did not see', probesOut),
  },
  outage: {
    params: { of: 'read', max: '1s' },
    nothing: unknown(
      'no read was intended in the fault span',
      answering(() => ({ outcome: 'unsent' })),
    ),
    half: unknown(
      'only one read was intended in the fault span: too few to see an outage',
      answering(undefined, { kinds: slowKind('read', 0.25) }),
    ),
    contradicted: fails('one outage of 4', loadOut('read')),
  },
  'recovery-time': {
    params: { of: 'write', max: '1s' },
    nothing: unknown('no fault took effect', without('fault-in-effect')),
    half: unknown(
      'no write succeeded in the steady state',
      answering((one) => (one.kind === 'write' && one.intendedAt < askedMs ? REFUSED : undefined)),
    ),
    contradicted: fails(/^4(\.\d+)? s ± /, probesOut),
  },
  latency: {
    params: { of: 'read', max: '1s' },
    nothing: unknown(
      'no read was answered in the fault span',
      refusedReads(() => true),
    ),
    half: unknown('too few: it takes 100', answering(undefined, { kinds: slowKind('read', 10) })),
    contradicted: unknown(
      'had no answer',
      refusedReads(({ id }) => id % 3 !== 0),
    ),
  },
  'no-lost-writes': {
    nothing: unknown('no final read was made', without('final-read', 'placement-read')),
    half: unknown('not found, but not everything could be read', () =>
      buildHistory({
        events: (events) =>
          events.filter((event) => event.type !== 'final-read' && !('partition' in event && event.partition === 'B')),
      }),
    ),
    contradicted: {
      history: () => buildHistory({ finalKeys: ({ coordinator }) => coordinator.delete('1:5') }),
      expected: 'pass',
      says: '1 of them only on a placement, not seen by clients',
    },
  },
  'lost-writes': {
    nothing: unknown('no final read was made', dropping(failover(), noFinalReads)),
    half: unknown("the witness's rows were not read on a primary at the end", () => {
      const { final: _, ...history } = { final: undefined, does: failedOver(effectMs, effectMs + 1_000, loadEndMs) };
      return witnessedHistory(history);
    }),
    // The load has lost nothing; what pg1 had acknowledged to the witness is gone.
    contradicted: fails(
      /^none of the load; of the witness, \d+ of \d+ that pg1 acknowledged lost$/,
      failover({ keeps: ({ node, settledAt }) => node !== 'pg1' || settledAt < effectMs - 500 }),
    ),
  },
  'failover-time': {
    params: { max: '5s' },
    nothing: unknown('no roles were recorded in this run', buildHistory),
    half: unknown(
      'no node took over',
      failover({ does: [{ node: 'pg1', fromMs: 1_000, toMs: loadEndMs, does: 'acknowledges' }] }),
    ),
    // The witness saw pg2 accept writes at once; none of the load ever got there.
    contradicted: fails(
      /^no write had reached pg2 when the load stopped, /,
      failover({
        history: { answer: (one) => (one.kind === 'write' && one.sentAt >= effectMs ? REFUSED : undefined) },
      }),
    ),
  },
  'within-promise': {
    nothing: unknown('nothing was promised for the faults of this run', buildHistory),
    half: unknown(
      'acknowledged writes lost not known: no final read was made',
      failover({
        more: [PROMISED],
        history: { events: (events) => events.filter(({ type }) => !/^(final|placement)-read$/.test(type)) },
      }),
    ),
    // Writes never stopped, and what pg1 acknowledged is gone.
    contradicted: fails(
      /^acknowledged writes lost \d+ writes up to/,
      failover({
        more: [PROMISED],
        keeps: ({ node, settledAt }) => node !== 'pg1' || settledAt < effectMs - 500,
      }),
    ),
  },
  'split-brain': {
    nothing: unknown('no witness wrote to the nodes in this run', buildHistory),
    half: unknown(
      'the witness did not ask pg3 after the first fault',
      failover({ does: failedOver(effectMs, effectMs + 1_000, loadEndMs).filter(({ node }) => node !== 'pg3') }),
    ),
    // By the roles that were seen there was one primary at any time.
    contradicted: fails(
      /^two primaries for \d/,
      failover({
        does: [
          ...failedOver(effectMs, effectMs + 1_000, loadEndMs),
          { node: 'pg1', fromMs: effectMs + 2_000, toMs: effectMs + 3_000, does: 'acknowledges' },
        ],
        more: [seen(effectMs + 1_000, streaming)],
      }),
    ),
  },
  rejoined: {
    params: { within: '10s' },
    nothing: unknown('no roles were recorded in this run', buildHistory),
    half: unknown(
      /^not within .* of healing: pg3 does not answer$/,
      failover({ more: [seen(healedMs + 500, { role: 'unknown' })] }),
    ),
    contradicted: unknown(
      /but pg3 takes writes at the end$/,
      failover({
        more: [
          seen(healedMs + 500, streaming),
          { at: loadEndMs, type: 'witness-read', node: 'pg3', role: 'primary', timeline: 1, present: {} },
        ],
      }),
    ),
  },
  'no-leftovers': {
    nothing: unknown('not checked', buildHistory),
    half: unknown('idle slots were not checked', withEvents(noPrepared)),
    contradicted: unknown(
      'pgquake could not look everywhere: worker2 does not answer',
      withEvents(
        { ...noPrepared, idleSlots: [] },
        { type: 'final-read-failed', source: LEFTOVERS, error: 'worker2 does not answer' },
      ),
    ),
  },
  'no-stale-reads': {
    nothing: unknown('no read was answered', deaf),
    // The final reads come after everything: they show nothing of what the load's reads would have missed.
    half: unknown(
      'no read of the load was answered after the first fault',
      refusedReads((one) => one.settledAt >= askedMs),
    ),
    contradicted: fails(
      '1 read left out messages',
      answering((one) => (one.id === 5 ? { anomaly: { missing: ['1:1'], missingCount: 1 } } : undefined)),
    ),
  },
  'session-guarantees': {
    nothing: unknown('no read of a session was answered', buildHistory),
    half: unknown('read-your-writes not tested: no read followed an acknowledged write', sessions()),
    contradicted: fails(
      'monotonic-reads broken for 1 row',
      sessions((one) => (one.id === 5 ? { session: 3, anomaly: { forgotten: ['1:1'] } } : undefined)),
    ),
  },
  'no-duplicates': {
    nothing: unknown('no read was answered', deaf),
    half: unknown('no scan was answered while a fault was in effect', refusedScans),
    contradicted: unknown(
      /^\d scans? w(as|ere) under way when a fault struck, and none was answered$/,
      struckScanFailed,
    ),
  },
  'content-intact': {
    nothing: unknown('no read was answered', deaf),
    half: unknown('no scan was answered while a fault was in effect', refusedScans),
    contradicted: unknown(
      /^\d scans? w(as|ere) under way when a fault struck, and none was answered$/,
      struckScanFailed,
    ),
  },
  'no-unexpected-rows': {
    nothing: unknown('no final read by clients was made', without('final-read', 'placement-read')),
    half: unknown('no final read by clients was made', without('final-read')),
    contradicted: unknown('the final reads found none of 40 initial messages', () =>
      buildHistory({
        finalKeys: ({ coordinator, placements }) => {
          for (const keys of [coordinator, ...placements.values()]) keys.clear();
        },
      }),
    ),
  },
  'replicas-agree': {
    nothing: unknown('every shard has one placement: there is nothing to compare', () =>
      buildHistory({ replication: 1 }),
    ),
    half: unknown('1 placement could not be read', () =>
      buildHistory({
        events: changing('placement-read', (event) =>
          event.node === 'worker2' && event.partition === 'B' ? undefined : event,
        ),
      }),
    ),
    contradicted: unknown('still differed 100 ms after the load stopped', () =>
      buildHistory({ events: changing('replicas-compared', (event) => ({ ...event, agree: false })) }),
    ),
  },
  prediction: {
    nothing: unknown('nothing was predicted', buildHistory),
    half: unknown('8 of 8 predictions could not be tested', () => {
      const { run, events } = oneWorker();
      return { run, events, operations: OperationTable.inOrder([]), probes: OperationTable.inOrder([]) };
    }),
    contradicted: fails(/predictions were wrong$/, () => {
      // By the probes all is as predicted; by the load no read of B is answered.
      const { run, events, operations } = buildHistory({
        probe: () => undefined,
        predictions: [
          {
            down: ['worker1'],
            partitions: ['A', 'B', 'C', 'D'].map((partition) => ({ partition, readable: true, writable: true })),
          },
        ],
        answer: (one) => (one.kind === 'read' && one.partition === 1 && inFault(one) ? REFUSED : undefined),
      });
      const { probes } = buildHistory({ probe: () => undefined });
      return { run, events, operations, probes };
    }),
  },
  'workers-serve': {
    nothing: unknown('it was not observed in this run', buildHistory),
    half: unknown('worker4 could not be counted', withEvents(work([80, 40], [80, 40], [80, 40]))),
    contradicted: unknown(
      /^reads?: |the workers counted 4 reads/,
      withEvents(work([1, 40], [1, 40], [1, 40], [1, 40])),
    ),
  },
  'storage-overhead': {
    params: { max: 3 },
    nothing: unknown('no placement was measured', withEvents({ type: 'storage', oneCopyBytes: 1, copies: [] })),
    half: unknown(
      'not measured, or empty: worker1/D',
      withEvents({ type: 'storage', oneCopyBytes: 9, copies: placementsOf(() => 1).slice(0, 7) }),
    ),
    contradicted: unknown(
      'not measured, or empty: worker2/B',
      withEvents({ type: 'storage', oneCopyBytes: 9, copies: placementsOf((i) => (i === 2 ? 0 : 1)) }),
    ),
  },
  'reads-scale': {
    params: { min: 2 },
    nothing: unknown('it was not observed in this run', buildHistory),
    half: unknown('there is nothing to compare', withEvents(scaling([1, 100, 0]))),
    contradicted: unknown('most reads failed', withEvents(scaling([1, 100, 0], [4, 300, 4_000]))),
  },
  'fault-took-effect': {
    nothing: unknown('nothing was tested', without('fault-in-effect')),
    half: unknown(/^not everything was tested: .*worker2 did not take effect$/, () =>
      buildHistory({
        acts: [{ targets: ['worker1'] }, { targets: ['worker2'] }],
        events: changing('fault-in-effect', (event) => (event.act === 1 ? undefined : event)),
      }),
    ),
    contradicted: unknown('nothing was tested', withEvents({ type: 'fault-failed', act: 0, error: 'it met nothing' })),
  },
  healed: {
    nothing: unknown(
      'faults were planned, but none was requested',
      without('fault-asked', 'fault-in-effect', 'heal-asked', 'healed'),
    ),
    half: unknown(/^NOT HEALED: node-stop on worker2$/, () =>
      buildHistory({
        acts: [{ targets: ['worker1'] }, { targets: ['worker2'] }],
        events: changing('healed', (event) => (event.act === 1 ? undefined : event)),
      }),
    ),
    contradicted: unknown('NOT HEALED', withEvents({ type: 'heal-failed', act: 0, error: 'it is down again' })),
  },
  'host-kept-up': {
    nothing: unknown('no sample of the machine was recorded', sampled([])),
    half: unknown(/^only 1 s of \d\.\d+ s of load were sampled: /, sampled([2])),
    contradicted: unknown('starved for 9 s of 9 s', sampled([2, 3, 4, 5, 6, 7, 8, 9, 10], 0.4)),
  },
  'load-kept-its-schedule': {
    nothing: unknown('the load generator did not report', without('load-kept')),
    half: unknown(/^the load generator did not report$/, () =>
      buildHistory({ events: changing('load-kept', (event) => ({ ...event, of: 'probes' })) }),
    ),
    contradicted: unknown(/^\d+ of \d+ scans not sent$/, () => {
      const { run, events, probes } = buildHistory();
      const { operations } = buildHistory({
        answer: (one) => (one.kind === 'scan' && inFault(one) ? { outcome: 'unsent' } : undefined),
      });
      return { run, events, probes, operations };
    }),
  },
};

test('every check of the catalogue has its rows, and nothing else has', () => {
  expect(Object.keys(ROWS).toSorted()).toEqual(checks.map(({ name }) => name).toSorted());
});

describe.each(checks.filter(({ name }) => ROWS[name]).map((check) => [check.name, check] as const))(
  '%s',
  (name, check) => {
    const { params = {}, ...rows } = ROWS[name] as Rows;
    test.each(Object.entries(rows))('%s to judge', (_, { history, expected, says }) => {
      const finding = check.check(history(), check.params.parse(params), { asked: true });
      expect(finding.observed).toMatch(says);
      expect(finding.judgement).toBe(expected);
    });
  },
);

describe('whole histories', () => {
  const paramsOf = (name: string) => ROWS[name]?.params ?? {};
  const judgements = (history: History) =>
    checks.map((check) => [
      check.name,
      check.check(history, check.params.parse(paramsOf(check.name)), { asked: true }).judgement,
    ]);
  const { run } = buildHistory();
  const none = OperationTable.inOrder([]);

  test('of an empty one nothing is known', () => {
    const empty: History = { run, events: [], operations: none, probes: none };
    expect(judgements(empty)).toEqual(checks.map(({ name }) => [name, 'unknown']));
  });

  test('of one that ends before the first fault no check passes but for the schedule', () => {
    const events = buildHistory().events.filter(({ at }) => at < askedMs);
    const half: History = { run, events, operations: none, probes: none };
    expect(judgements(half).filter(([, judgement]) => judgement === 'pass')).toEqual([]);
  });

  test('of one in which every operation failed no check that reads rest on passes', () => {
    const passed = judgements(deaf()).filter(([, judgement]) => judgement === 'pass');
    expect(passed.map(([name]) => name)).toEqual(['fault-took-effect', 'healed', 'load-kept-its-schedule']);
  });

  test('where half of it failed, what was seen is still judged', () => {
    const judged = Object.fromEntries(judgements(threeWorkers()));
    expect(judged).toMatchObject({ 'no-lost-writes': 'pass', 'replicas-agree': 'pass', prediction: 'pass' });
    expect(judged['no-duplicates']).toBe('unknown');
  });
});

test('a scan that a kill struck and that was answered puts no-duplicates to the test', () => {
  const history = answering((one) =>
    one.kind === 'scan' && one.sentAt < askedMs && one.sentAt > askedMs - 150
      ? { settledAt: effectMs + 100 }
      : one.kind === 'scan' && one.sentAt > askedMs && one.sentAt < healedMs
        ? REFUSED
        : undefined,
  )();
  const check = checks.find(({ name }) => name === 'no-duplicates');
  expect(check?.check(history, {}, { asked: true }).judgement).toBe('pass');
});

test('where a scan must be under way when a fault strikes, those that fall between do not do', () => {
  const check = checks.find(({ name }) => name === 'no-duplicates');
  const judged = (underWay: number | undefined, history: History) =>
    check?.check(history, check.params.parse({ 'under-way': underWay }), { asked: true });
  const struck = answering((one) =>
    one.kind === 'scan' && one.sentAt < askedMs && one.sentAt > askedMs - 150
      ? { settledAt: effectMs + 100 }
      : undefined,
  )();
  expect(judged(1, buildHistory())).toMatchObject({
    judgement: 'unknown',
    observed: 'expected 1 scan under way when a fault struck, found 0',
  });
  expect(judged(undefined, buildHistory())?.judgement).toBe('pass');
  expect(judged(1, struck)?.judgement).toBe('pass');
  expect(judged(9, struck)?.judgement).toBe('unknown');
});
