/**
 * Losses, divergence, doubled, corrupted and stale rows planted at random, and found exactly; and nothing
 * found where nothing was planted, whatever became of single operations.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentIntact } from '../../src/checks/content-intact.ts';
import { messagesReadable } from '../../src/checks/messages-readable.ts';
import { noDuplicates } from '../../src/checks/no-duplicates.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { noStaleReads } from '../../src/checks/no-stale-reads.ts';
import { replicasAgree } from '../../src/checks/replicas-agree.ts';
import { ledgerFigures } from '../../src/measure/ledger.ts';
import type { Operation, Outcome } from '../../src/model/history.ts';
import { buildHistory, type HistorySpec, timesOf } from '../support/history-builder.ts';
import { runs } from '../support/properties.ts';

const SHORT = { steadyMs: 200, faultMs: 600, settleMs: 100, partitionKeys: 6, partitions: 3, workers: 3 } as const;
const times = timesOf(SHORT);

/** What became of an operation; most succeed. */
const fates = fc.array(
  fc.record({
    outcome: fc.oneof(
      { weight: 8, arbitrary: fc.constant<Outcome>('ok') },
      fc.constantFrom<Outcome>('fail', 'unknown', 'unsent'),
    ),
    latencyMs: fc.double({ min: 0.1, max: 300, noNaN: true }),
    /** Of a write that ended `unknown`: whether it took place. */
    happened: fc.boolean(),
  }),
  { minLength: 1, maxLength: 50 },
);

type Fates = typeof fates extends fc.Arbitrary<infer T> ? T : never;

const fateOf = (list: Fates, { id }: Operation) => list[(id * 7) % list.length] as Fates[number];

function withFates(list: Fates, spec: HistorySpec = {}): HistorySpec {
  return {
    ...SHORT,
    answer: (operation) => {
      const { outcome, latencyMs } = fateOf(list, operation);
      const settled = outcome === 'unknown' && operation.kind !== 'write' ? 'fail' : outcome;
      return { outcome: settled, settledAt: operation.intendedAt + latencyMs };
    },
    ...spec,
  };
}

const ledgerChecks = [noLostWrites, replicasAgree, contentIntact, noDuplicates, noStaleReads];

test('no false alarm, whatever became of single operations', () => {
  fc.assert(
    fc.property(fates, (list) => {
      const history = buildHistory(
        withFates(list, {
          finalKeys: ({ coordinator, placements }) => {
            for (const operation of unknownWrites(list)) {
              coordinator.add(operation.key as string);
              for (const [source, keys] of placements)
                if (source.endsWith(partitionOf(operation))) keys.add(operation.key as string);
            }
          },
        }),
      );
      for (const check of ledgerChecks) expect(check.check(history, {}).judgement).not.toBe('fail');
      const { acknowledged, unknown, unknownPresent, written } = ledgerFigures(history);
      const writes = [...history.operations].filter(({ kind, outcome }) => kind === 'write' && outcome !== 'unsent');
      expect({ acknowledged, unknown, unknownPresent, written }).toEqual({
        acknowledged: writes.filter(({ outcome }) => outcome === 'ok').length,
        unknown: writes.filter(({ outcome }) => outcome === 'unknown').length,
        unknownPresent: writes.filter((o) => o.outcome === 'unknown' && fateOf(list, o).happened).length,
        written: writes.length,
      });
    }),
    { numRuns: runs(200) },
  );

  function unknownWrites(list: Fates): Operation[] {
    const { operations } = buildHistory(withFates(list));
    return [...operations].filter((o) => o.outcome === 'unknown' && o.kind === 'write' && fateOf(list, o).happened);
  }
});

function differences(one: ReadonlySet<string>, two: ReadonlySet<string>): number {
  return [...one].filter((key) => !two.has(key)).length + [...two].filter((key) => !one.has(key)).length;
}

const partitionOf = ({ partition = 0 }: Operation) => `/${'ABC'[partition]}`;

describe('planted faults are found exactly', () => {
  test('messages deleted from some or all of the final reads', () => {
    const deletions = fc.array(
      fc.record({ key: fc.nat(), from: fc.constantFrom('everywhere', 'coordinator', 'first', 'second') }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(fates, deletions, (list, planted) => {
        const remaining = { coordinator: new Set<string>(), placements: new Map<string, Set<string>>() };
        let before: readonly string[] = [];
        const history = buildHistory(
          withFates(list, {
            finalKeys: ({ coordinator, placements }) => {
              before = [...coordinator];
              for (const { key, from } of planted) {
                const text = before[key % before.length] as string;
                const holders = [...placements.values()].filter((keys) => keys.has(text));
                if (from === 'everywhere' || from === 'coordinator') coordinator.delete(text);
                if (from === 'everywhere') for (const keys of holders) keys.delete(text);
                if (from === 'first') holders[0]?.delete(text);
                if (from === 'second') holders[1]?.delete(text);
              }
              remaining.coordinator = coordinator;
              remaining.placements = new Map(placements);
            },
          }),
        );

        const sets = [remaining.coordinator, ...remaining.placements.values()];
        const lost = before.filter((key) => sets.every((keys) => !keys.has(key)));
        const ledger = ledgerFigures(history).lost;
        expect(ledger.count).toBe(lost.length);
        expect(ledger.witnesses).toHaveLength(Math.min(8, lost.length));
        expect(lost).toEqual(expect.arrayContaining([...ledger.witnesses]));
        const acknowledged = before.some((key) => key.startsWith('1:'));
        expect(noLostWrites.check(history, {}).judgement).toBe(
          lost.length > 0 ? 'fail' : acknowledged ? 'pass' : 'unknown',
        );

        const partitionNames = ['A', 'B', 'C'];
        const divergent = partitionNames.flatMap((name) => {
          const [one, two] = [...remaining.placements]
            .filter(([source]) => source.endsWith(`/${name}`))
            .map(([, keys]) => keys);
          const count = differences(one as Set<string>, two as Set<string>);
          return count > 0 ? [`shard ${name} differs in ${count} ${count === 1 ? 'message' : 'messages'}`] : [];
        });
        const agree = replicasAgree.check(history, {});
        expect(agree.judgement).toBe(divergent.length > 0 ? 'fail' : 'pass');
        if (divergent.length > 0) expect(agree.observed).toBe(divergent.join(', '));
      }),
      { numRuns: runs(200) },
    );
  });

  test('rows doubled, corrupted or left out in single reads', () => {
    const anomalies = fc.array(
      fc.record({
        at: fc.nat({ max: 60 }),
        what: fc.constantFrom('missing', 'duplicated', 'corrupted'),
        seq: fc.nat({ max: 5 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fates, anomalies, (list, planted) => {
        const spec = withFates(list);
        const plantedIn = (operation: Operation) =>
          operation.kind === 'write' ? [] : planted.filter(({ at }) => at === operation.id % 61);
        const history = buildHistory({
          ...spec,
          answer: (operation) => {
            const anomaly: Record<string, string[]> = {};
            for (const { what, seq } of plantedIn(operation)) anomaly[what] = [...(anomaly[what] ?? []), `0:${seq}`];
            return { ...spec.answer?.(operation), ...(Object.keys(anomaly).length > 0 ? { anomaly } : {}) };
          },
        });
        // What a read that failed would have returned is of no interest.
        const answered = [...history.operations].filter(({ outcome }) => outcome === 'ok');
        const seen = answered.flatMap(plantedIn);
        const count = (what: string) => seen.filter((one) => one.what === what).length;
        const ledger = ledgerFigures(history);
        expect(ledger.duplicated.count).toBe(count('duplicated'));
        expect(ledger.corrupted.count).toBe(count('corrupted'));
        expect(ledger.staleReads.count > 0).toBe(count('missing') > 0);
        for (const [check, what] of [
          [noDuplicates, 'duplicated'],
          [contentIntact, 'corrupted'],
          [noStaleReads, 'missing'],
        ] as const) {
          // The final reads show something too, but for staleness.
          const since = answered.some(({ kind, settledAt }) => kind !== 'write' && settledAt >= times.askedMs);
          const clean = what === 'missing' && !since ? 'unknown' : 'pass';
          expect(check.check(history, {}, { asked: false }).judgement).toBe(count(what) > 0 ? 'fail' : clean);
        }
      }),
      { numRuns: runs(200) },
    );
  });

  test('rooms that could not be read', () => {
    fc.assert(
      fc.property(
        fates,
        fc.uniqueArray(fc.integer({ min: 1, max: 6 })),
        fc.integer({ min: 0, max: 30 }),
        (list, dead, min) => {
          const spec = withFates(list);
          const history = buildHistory({
            ...spec,
            answer: (operation) => {
              const fate = spec.answer?.(operation);
              const hit =
                fate?.outcome === 'ok' && operation.partitionKey !== undefined && dead.includes(operation.partitionKey);
              return hit ? { ...fate, outcome: 'fail' } : fate;
            },
          });
          const reads = [...history.operations].filter(
            ({ kind, outcome, sentAt, settledAt }) =>
              kind === 'read' && outcome !== 'unsent' && sentAt >= times.effectMs && settledAt <= times.healAskedMs,
          );
          const partitionKeys = [1, 2, 3, 4, 5, 6].map((partitionKey) =>
            reads.filter((read) => read.partitionKey === partitionKey),
          );
          const scanned = [...history.operations].some(
            ({ kind, outcome, sentAt, settledAt }) =>
              kind === 'scan' && outcome === 'ok' && sentAt >= times.effectMs && settledAt <= times.healAskedMs,
          );
          const untried = partitionKeys.filter((ofKey) => ofKey.length === 0).length;
          const answered = partitionKeys.filter((ofKey) => ofKey.some(({ outcome }) => outcome === 'ok')).length;
          const readable = 5 * (answered + (scanned ? untried : 0));
          const possible = 5 * (answered + untried);
          const finding = messagesReadable.check(history, messagesReadable.params.parse({ min }));
          expect(finding.judgement).toBe(readable >= min ? 'pass' : possible < min ? 'fail' : 'unknown');
          const nothingRead = untried === partitionKeys.length && !scanned;
          expect(finding.observed).toContain(
            nothingRead ? 'no message was read in this time' : `${readable} of 30 messages readable`,
          );
        },
      ),
      { numRuns: runs(200) },
    );
  });
});
