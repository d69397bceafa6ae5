/** A history that lacks operations: what their absence may have caused does not fail, and what the others prove does. */

import { describe, expect, test } from 'vitest';
import { checks } from '../../src/catalog.ts';
import { judge } from '../../src/judge.ts';
import { ledgerFigures } from '../../src/measure/ledger.ts';
import type { RunEvent, TimedEvent } from '../../src/model/event.ts';
import type { History, Operation, OperationLog } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { HypothesisItem } from '../../src/model/scenario.ts';
import { buildHistory, type HistorySpec, promisedAt, REFUSED, timesOf, within } from '../support/history-builder.ts';
import { failedOver, type WitnessedSpec, witnessedHistory } from '../support/witnessed-history.ts';

const { effectMs, healAskedMs, healedMs, loadEndMs } = timesOf();
const inFault = within(effectMs, healAskedMs);

interface Failing {
  readonly check: string;
  readonly what: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly history: () => History;
  /** What becomes of the failure where operations are missing. */
  readonly cut: 'fail' | 'unknown';
}

const answering = (answer: NonNullable<HistorySpec['answer']>) => () => buildHistory({ answer });
const refusing = (kind: string) => answering((one) => (one.kind === kind && inFault(one) ? REFUSED : undefined));
/** What the fifth read says. */
const read = (anomaly: Operation['anomaly'], more: Partial<Operation> = {}) =>
  answering((one) => (one.id === 5 ? { ...more, anomaly } : undefined));
const withEvents =
  (...added: readonly RunEvent[]) =>
  () =>
    buildHistory({
      events: (events) => [...events, ...added.map((event) => ({ at: 11_000, ...event }) as TimedEvent)],
    });
const gone = (key: string) => () =>
  buildHistory({
    finalKeys: ({ coordinator, placements }) => {
      for (const keys of [coordinator, ...placements.values()]) keys.delete(key);
    },
  });
const failover =
  (more: Partial<WitnessedSpec> = {}) =>
  () =>
    witnessedHistory({
      does: failedOver(effectMs, effectMs + 1_000, loadEndMs),
      final: { node: 'pg2', timeline: 2 },
      ...more,
    });
const PROMISED = promisedAt(effectMs - 11);
const writesOut: HistorySpec = {
  answer: (one) => (one.kind === 'write' && one.sentAt >= effectMs && one.sentAt < healedMs ? REFUSED : undefined),
};

const FAILING: readonly Failing[] = [
  { check: 'messages-readable', what: 'a read without an answer', history: refusing('read'), cut: 'unknown' },
  {
    check: 'availability',
    what: 'too few of the operations ok',
    params: { of: 'read', min: '95%' },
    history: refusing('read'),
    cut: 'unknown',
  },
  { check: 'outage', what: 'a long one', params: { of: 'read', max: '1s' }, history: refusing('read'), cut: 'unknown' },
  {
    check: 'recovery-time',
    what: 'a long one',
    params: { of: 'write', max: '1s' },
    history: refusing('write'),
    cut: 'unknown',
  },
  ...(['p99', 'max'] as const).map((percentile): Failing => {
    const slow = answering((one) => (inFault(one) ? { settledAt: one.intendedAt + 500 } : undefined));
    const params = { of: 'read', percentile, max: '100ms' };
    const cut = percentile === 'max' ? 'fail' : 'unknown';
    return { check: 'latency', what: percentile, params, history: slow, cut };
  }),
  { check: 'no-lost-writes', what: 'an acknowledged write that is gone', history: gone('1:5'), cut: 'fail' },
  { check: 'lost-writes', what: 'an acknowledged write that is gone', history: gone('1:5'), cut: 'fail' },
  {
    check: 'failover-time',
    what: 'no write at the new primary',
    params: { max: '1s' },
    history: failover({ history: { answer: (one) => (one.sentAt >= effectMs ? REFUSED : undefined) } }),
    cut: 'unknown',
  },
  {
    check: 'within-promise',
    what: 'writes lost',
    history: failover({
      more: [PROMISED],
      keeps: ({ node, settledAt }) => node !== 'pg1' || settledAt < effectMs - 500,
    }),
    cut: 'fail',
  },
  {
    check: 'within-promise',
    what: 'writes out for too long',
    history: failover({ more: [PROMISED], history: writesOut }),
    cut: 'unknown',
  },
  {
    check: 'split-brain',
    what: 'two nodes that acknowledged at once',
    history: failover({
      does: [
        ...failedOver(effectMs, effectMs + 1_000, loadEndMs),
        { node: 'pg1', fromMs: effectMs + 2_000, toMs: effectMs + 3_000, does: 'acknowledges' },
      ],
    }),
    cut: 'fail',
  },
  {
    check: 'rejoined',
    what: 'a node that did not come back',
    params: { within: '1s' },
    history: failover({
      more: [
        {
          at: healedMs + 500,
          type: 'roles-seen',
          roles: { pg2: { role: 'primary', timeline: 2 }, pg3: { role: 'unknown' } },
        },
      ],
    }),
    cut: 'fail',
  },
  {
    check: 'no-leftovers',
    what: 'an idle slot',
    history: withEvents({
      type: 'leftovers',
      preparedTransactions: [],
      idleSlots: [{ node: 'worker1', name: 'slot', keptBytes: 1 }],
    }),
    cut: 'fail',
  },
  {
    check: 'no-stale-reads',
    what: 'a read that left out a message',
    history: read({ missing: ['1:1'], missingCount: 1 }),
    cut: 'fail',
  },
  {
    check: 'no-stale-reads',
    what: 'one that left it out for too long',
    params: { max: '1s' },
    history: answering((one) =>
      one.kind === 'read' && one.sentAt > effectMs ? { anomaly: { missing: ['1:1'], missingCount: 1 } } : undefined,
    ),
    cut: 'fail',
  },
  {
    check: 'no-stale-reads',
    what: 'a message whose acknowledgement is not in the history',
    params: { max: '1s' },
    history: read({ missing: ['1:99999'], missingCount: 1 }),
    cut: 'unknown',
  },
  {
    check: 'session-guarantees',
    what: 'a row that a session had read before',
    history: read({ forgotten: ['1:1'] }, { session: 3 }),
    cut: 'fail',
  },
  { check: 'no-duplicates', what: 'a row twice', history: read({ duplicated: ['1:1'] }), cut: 'fail' },
  { check: 'content-intact', what: 'wrong content', history: read({ corrupted: ['1:1'] }), cut: 'fail' },
  {
    check: 'no-unexpected-rows',
    what: 'a row never sent',
    history: () => buildHistory({ finalKeys: ({ coordinator }) => coordinator.add('1:99999') }),
    cut: 'unknown',
  },
  {
    check: 'no-unexpected-rows',
    what: 'a row whose write had failed',
    history: () =>
      buildHistory({
        answer: (one) => (one.key === '1:5' ? REFUSED : undefined),
        finalKeys: ({ coordinator }) => coordinator.add('1:5'),
      }),
    cut: 'fail',
  },
  {
    check: 'replicas-agree',
    what: 'a row on one placement alone',
    history: () => buildHistory({ finalKeys: ({ placements }) => placements.get('worker2/B')?.delete('1:2') }),
    cut: 'fail',
  },
  {
    check: 'prediction',
    what: 'a shard that was predicted readable',
    history: () =>
      buildHistory({
        predictions: [
          {
            down: ['worker1'],
            partitions: ['A', 'B', 'C', 'D'].map((partition) => ({ partition, readable: true, writable: true })),
          },
        ],
        answer: (one) => (one.kind === 'read' && one.partition === 1 && inFault(one) ? REFUSED : undefined),
      }),
    cut: 'unknown',
  },
  {
    check: 'workers-serve',
    what: 'an idle worker, if its counts explain all answers',
    history: withEvents({
      type: 'work-of-workers',
      workers: [900, 900, 900, 0].map((count, i) => ({ node: `worker${i + 1}`, reads: count, writes: count })),
    }),
    cut: 'unknown',
  },
  {
    check: 'storage-overhead',
    what: 'more than may be',
    params: { max: 3 },
    history: withEvents({
      type: 'storage',
      oneCopyBytes: 1,
      copies: ['A1', 'A2', 'B2', 'B3', 'C3', 'C4', 'D4', 'D1'].map(([partition = '', worker]) => {
        return { partition, node: `worker${worker}`, bytes: 1 };
      }),
    }),
    cut: 'fail',
  },
  {
    check: 'reads-scale',
    what: 'no more reads from four workers',
    params: { min: 2 },
    history: withEvents({
      type: 'read-scaling',
      cores: 16,
      steps: [1, 4].map((workers) => ({
        workers,
        served: ['worker1', 'worker2', 'worker3', 'worker4'].slice(0, workers),
        ok: 100,
        failed: 0,
        forMs: 1_000,
      })),
    }),
    cut: 'fail',
  },
];

/** These answer `unknown` at worst. */
const NEVER_FAIL = ['fault-took-effect', 'healed', 'host-kept-up', 'load-kept-its-schedule'];

const withoutLast = (log: OperationLog): OperationLog => OperationTable.inOrder([...log].slice(0, -5));

function cut({ operations, ...rest }: History): History {
  return { ...rest, operations: withoutLast(operations) };
}

function resultOf(history: History, { check: name, params = {} }: Pick<Failing, 'check' | 'params'>) {
  const check = checks.find((one) => one.name === name);
  const place = { file: 'x.yaml', line: 1, column: 1 };
  const item = { check: name, params: check?.params.parse(params), written: params, place } as HypothesisItem;
  const { judgement, results } = judge(history, [item], checks);
  return { judgement, result: results.find((one) => one.check === name), results };
}

describe('where operations are missing in the history', () => {
  test('every check says whether its failure stands', () => {
    const known = new Set([...FAILING.map(({ check }) => check), ...NEVER_FAIL]);
    expect([...known].sort()).toEqual(checks.map(({ name }) => name).sort());
  });

  test.each(FAILING)('$check: $what is $cut', (row) => {
    expect(resultOf(row.history(), row).result).toMatchObject({ judgement: 'fail' });
    const { result, results } = resultOf(cut(row.history()), row);
    expect(result).toMatchObject({ judgement: row.cut });
    expect(results.at(-1)).toMatchObject({ check: 'run-completed', judgement: 'unknown' });
  });

  test('a run in which all went well is unknown, and its report counts no unexpected row', () => {
    const history = cut(buildHistory());
    const { judgement, result } = resultOf(history, { check: 'no-unexpected-rows' });
    expect([judgement, result?.judgement]).toEqual(['unknown', 'unknown']);
    expect(result?.evidence).toEqual([]);
    expect(ledgerFigures(history).unexpected).toBeUndefined();
    expect(ledgerFigures(buildHistory()).unexpected?.count).toBe(0);
  });

  test('a check that declares nothing does not fail', () => {
    const mine = { ...checks[0], name: 'mine', check: () => ({ judgement: 'fail', observed: 'no' }) };
    const item = { check: 'mine', params: {}, written: {}, place: { file: 'x.yaml', line: 1, column: 1 } };
    const judged = (history: History) => judge(history, [item as HypothesisItem], [mine as never]).results[0];
    expect(judged(buildHistory())?.judgement).toBe('fail');
    expect(judged(cut(buildHistory()))).toMatchObject({
      judgement: 'unknown',
      observed: 'no; not held against the cluster, because operations are missing in the history',
    });
  });
});
