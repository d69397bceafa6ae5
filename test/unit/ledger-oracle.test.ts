/**
 * The ledger against brute force: harm of every kind, planted at random into a simulated cluster, is found
 * exactly, and named as what it is.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentIntact } from '../../src/checks/content-intact.ts';
import { noDuplicates } from '../../src/checks/no-duplicates.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { noStaleReads } from '../../src/checks/no-stale-reads.ts';
import { noUnexpectedRows } from '../../src/checks/no-unexpected-rows.ts';
import { replicasAgree } from '../../src/checks/replicas-agree.ts';
import { sessionGuarantees } from '../../src/checks/session-guarantees.ts';
import { ledgerFigures } from '../../src/measure/ledger.ts';
import type { LedgerFigures, Witnessed } from '../../src/model/report.ts';
import { runs } from '../support/properties.ts';
import {
  bothGuaranteesTried,
  harmfulSteps,
  keyOf,
  type Row,
  simulate,
  type Trace,
  type TracedRead,
} from '../support/simulated-chat.ts';

test('every planted flaw is found, and nothing else', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(harmfulSteps, async (steps) => {
      const { history, trace } = await simulate(steps);
      const ledger = ledgerFigures(history);
      const expected = byBruteForce(trace);
      expect(countsOf(ledger)).toEqual(expected.counts);
      for (const [name, keys] of Object.entries(expected.keys)) {
        const found = ledger[name as keyof LedgerFigures] as Witnessed;
        expect(found.witnesses.length).toBe(Math.min(8, new Set(keys).size));
        expect(keys).toEqual(expect.arrayContaining([...found.witnesses]));
        if (keys.length > 0) seen.set(name, (seen.get(name) ?? 0) + 1);
      }

      const { counts } = expected;
      const empty = [trace.coordinator, ...trace.placements.map(({ rows }) => rows)].every((rows) => rows.length === 0);
      const judged = (bad: boolean, good: 'pass' | 'unknown' = 'pass') => (bad ? 'fail' : good);
      expect({
        lost: noLostWrites.check(history, {}).judgement,
        unexpected: noUnexpectedRows.check(history, {}).judgement,
        stale: noStaleReads.check(history, {}).judgement,
        duplicated: noDuplicates.check(history, {}).judgement,
        corrupted: contentIntact.check(history, {}).judgement,
        sessions: sessionGuarantees.check(history, sessionGuarantees.params.parse({})).judgement,
        replicas: replicasAgree.check(history, {}).judgement,
      }).toEqual({
        lost: judged(counts.lost > 0, counts.acknowledged > 0 ? 'pass' : 'unknown'),
        unexpected: judged(counts.unexpected + counts.resurrected > 0, empty ? 'unknown' : 'pass'),
        // The final reads come too late to be stale.
        stale: judged(counts.staleReads > 0, trace.reads.length > 0 ? 'pass' : 'unknown'),
        duplicated: judged(counts.duplicated > 0),
        corrupted: judged(counts.corrupted > 0),
        sessions: judged(
          counts.readYourWrites + counts.monotonicReads > 0,
          bothGuaranteesTried(history, trace) ? 'pass' : 'unknown',
        ),
        replicas: judged(counts.divergent > 0 || expected.spoiledPlacement, empty ? 'unknown' : 'pass'),
      });
    }),
    { numRuns: runs(2_000) },
  );
  // Every kind of harm was among them, many times.
  for (const name of Object.keys(byBruteForce((await simulate([])).trace).keys)) {
    expect(seen.get(name) ?? 0, name).toBeGreaterThan(5);
  }
}, 120_000);

const COUNTED = [
  'lost',
  'hidden',
  'receded',
  'resurrected',
  'unexpected',
  'divergent',
  'staleReads',
  'readYourWrites',
  'monotonicReads',
  'duplicated',
  'corrupted',
] as const;

function countsOf(ledger: LedgerFigures) {
  const { written, acknowledged, unknown, unknownPresent, unknownAbsent, staleForMs } = ledger;
  const counts = Object.fromEntries(COUNTED.map((name) => [name, ledger[name]?.count])) as Record<
    (typeof COUNTED)[number],
    number
  >;
  return { written, acknowledged, unknown, unknownPresent, unknownAbsent, staleForMs, ...counts };
}

/** The definitions, read literally, with all that happened in hand. */
function byBruteForce(trace: Trace) {
  const { writes, reads, initial, coordinator, placements, truth } = trace;
  const keysOf = (rows: readonly Row[]) => new Set(rows.map(keyOf));
  const sources = [coordinator, ...placements.map(({ rows }) => rows)];
  const shown = keysOf(coordinator);
  const anywhere = new Set(sources.flatMap((rows) => rows.map(keyOf)));
  const ended = (...outcomes: readonly string[]) => writes.filter(({ outcome }) => outcomes.includes(outcome));
  const owed = [...ended('ok').map(({ key }) => key), ...initial.map(keyOf)];
  const unknown = ended('unknown');
  const sent = new Set([...ended('ok', 'fail', 'unknown').map(({ key }) => key), ...initial.map(keyOf)]);

  const readsOf = reads.map((read) => ({ read, ...oddities(read, trace) }));
  const all = <K extends keyof ReturnType<typeof oddities>>(what: K) => readsOf.flatMap((one) => one[what]);
  const finals = sources.map((rows) => ({ duplicated: doubled(rows), corrupted: wrong(rows, truth) }));
  const staleFor = readsOf.flatMap(({ read, missing }) =>
    missing.flatMap((key) =>
      ended('ok')
        .filter((write) => write.key === key)
        .map(({ settledAt }) => read.sentAt - settledAt),
    ),
  );

  const keys = {
    lost: owed.filter((key) => !anywhere.has(key)),
    hidden: owed.filter((key) => anywhere.has(key) && !shown.has(key)),
    receded: unknown
      .filter(({ key, settledOrder }) => {
        const returned = reads.some((read) => read.settledOrder > settledOrder && keysOf(read.rows).has(key));
        return returned && !anywhere.has(key);
      })
      .map(({ key }) => key),
    resurrected: ended('fail')
      .map(({ key }) => key)
      .filter((key) => anywhere.has(key)),
    unexpected: [...anywhere].filter((key) => !sent.has(key)),
    divergent: [0, 1].flatMap((partition) => {
      const sets = placements.filter((one) => one.partition === partition).map(({ rows }) => keysOf(rows));
      return [...new Set(sets.flatMap((set) => [...set]))].filter((key) => sets.some((set) => !set.has(key)));
    }),
    staleReads: all('missing'),
    readYourWrites: all('ownMissing'),
    monotonicReads: all('forgotten'),
    duplicated: [...all('duplicated'), ...finals.flatMap((one) => one.duplicated)],
    corrupted: [...all('corrupted'), ...finals.flatMap((one) => one.corrupted)],
  };
  const lengths = Object.fromEntries(COUNTED.map((name) => [name, keys[name].length])) as Record<
    (typeof COUNTED)[number],
    number
  >;
  return {
    keys,
    counts: {
      ...lengths,
      written: ended('ok', 'fail', 'unknown').length,
      acknowledged: ended('ok').length,
      unknown: unknown.length,
      unknownPresent: unknown.filter(({ key }) => anywhere.has(key)).length,
      unknownAbsent: unknown.filter(({ key }) => !anywhere.has(key)).length,
      staleForMs: staleFor.length > 0 ? Math.max(...staleFor) : null,
      staleReads: readsOf.filter(({ missing }) => missing.length > 0).length,
    },
    spoiledPlacement: placements.some(({ rows }) => wrong(rows, truth).length > 0),
  };
}

function oddities({ partitionKey, session, sentOrder, rows }: TracedRead, { writes, reads, initial, truth }: Trace) {
  const returned = new Set(rows.map(keyOf));
  const acknowledged = writes.filter(
    (write) =>
      write.outcome === 'ok' &&
      write.settledOrder < sentOrder &&
      (partitionKey === undefined || write.partitionKey === partitionKey),
  );
  const before = initial.filter((row) => partitionKey === undefined || row[0] === partitionKey).map(keyOf);
  const seenBefore = reads
    .filter((read) => read.session === session && read.settledOrder < sentOrder)
    .flatMap((read) => read.rows.map(keyOf));
  const gone = (keys: readonly string[]) => [...new Set(keys)].filter((key) => !returned.has(key));
  return {
    missing: gone([...acknowledged.map(({ key }) => key), ...before]),
    ownMissing: gone(acknowledged.filter(({ member }) => member === session).map(({ key }) => key)),
    forgotten: gone(seenBefore),
    duplicated: doubled(rows),
    corrupted: wrong(rows, truth),
  };
}

function doubled(rows: readonly Row[]): string[] {
  return rows.map(keyOf).filter((key, i, keys) => keys.indexOf(key) < i);
}

/** Strangers' rows have the content that their key demands. */
function wrong(rows: readonly Row[], truth: ReadonlyMap<string, Row>): string[] {
  const first = rows.filter((row, i) => rows.findIndex((other) => keyOf(other) === keyOf(row)) === i);
  return first
    .filter((row) => (truth.has(keyOf(row)) ? row[4] !== truth.get(keyOf(row))?.[4] : row[4].endsWith('!')))
    .map(keyOf);
}
