/** What prepared transactions hid: acknowledged and late is not lost; what never comes is. */

import { describe, expect, test } from 'vitest';
import type { Check } from '../../src/checks/check.ts';
import { noLeftovers } from '../../src/checks/no-leftovers.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { noStaleReads } from '../../src/checks/no-stale-reads.ts';
import { replicasAgree } from '../../src/checks/replicas-agree.ts';
import { ledgerFigures } from '../../src/measure/ledger.ts';
import { LEFTOVERS, type PreparedTransaction, type TimedEvent } from '../../src/model/event.ts';
import type { History } from '../../src/model/history.ts';
import { KeySet, parseKey } from '../../src/model/key-ranges.ts';
import { buildHistory, type FinalKeys, timesOf } from '../support/history-builder.ts';

const { loadEndMs } = timesOf();
/** Written to partition key 1 (partition A, on worker1 and worker2) and partition key 2 (partition B, on worker2 and worker3). */
const OF_A = '1:1';
const OF_B = '1:2';
const DOUBT_AT = loadEndMs + 20;
const ENDED_AT = loadEndMs + 90;

interface Story {
  /** Missing in the reads made while transactions were prepared, by `coordinator` or `worker1/A`. */
  readonly hiddenFirst?: Readonly<Record<string, readonly string[]>>;
  /** Not in the final reads either. */
  readonly hiddenInTheEnd?: Readonly<Record<string, readonly string[]>>;
  readonly ended?: readonly { readonly node: string; readonly gid: string; readonly keys: readonly string[] }[];
  readonly left?: readonly PreparedTransaction[];
  readonly askedAt?: number;
  readonly events?: (events: TimedEvent[]) => TimedEvent[];
}

const minus = (keys: ReadonlySet<string>, hidden: readonly string[] = []) =>
  new Set([...keys].filter((key) => !hidden.includes(key)));

function tell({ hiddenFirst = {}, hiddenInTheEnd = {}, ended = [], left = [], askedAt, events }: Story): History {
  let first: FinalKeys | undefined;
  const without = (keys: FinalKeys, hidden: NonNullable<Story['hiddenFirst']>): FinalKeys => ({
    coordinator: minus(keys.coordinator, hidden.coordinator),
    placements: new Map([...keys.placements].map(([place, found]) => [place, minus(found, hidden[place])])),
  });
  return buildHistory({
    finalKeys: (keys) => {
      first = without(keys, hiddenFirst);
      for (const [place, hidden] of Object.entries(hiddenInTheEnd)) {
        const found = place === 'coordinator' ? keys.coordinator : keys.placements.get(place);
        for (const key of hidden) found?.delete(key);
      }
    },
    events: (regular) => {
      const read = (found: ReadonlySet<string>) => {
        const present = new KeySet();
        for (const text of found) present.add(parseKey(text).writer, parseKey(text).seq);
        return { rows: found.size, present: present.toRanges(), duplicated: [], corrupted: [] };
      };
      const added: TimedEvent[] = [
        { at: DOUBT_AT, type: 'recovery-awaited', preparedTransactions: [], limitMs: 75_000 },
        { at: DOUBT_AT, type: 'read-in-doubt', node: 'coordinator', read: read(first?.coordinator ?? new Set()) },
        ...[...(first?.placements ?? [])].map(([place, found]): TimedEvent => {
          const [node = '', partition = ''] = place.split('/');
          return { at: DOUBT_AT, type: 'read-in-doubt', node, partition, read: read(found) };
        }),
        {
          at: ENDED_AT,
          type: 'recovery-ended',
          ended: ended.map((one) => ({ ...one, preparedAt: 1_010, endedAt: ENDED_AT })),
          left,
          waitedMs: ENDED_AT - DOUBT_AT,
          ...(askedAt === undefined ? {} : { askedAt }),
        },
        { at: ENDED_AT, type: 'leftovers', preparedTransactions: left, idleSlots: [] },
      ];
      const all = [...regular, ...added].sort((a, b) => a.at - b.at);
      return events ? events(all) : all;
    },
  });
}

const run = (check: Check, history: History) => check.check(history, check.params.parse({}));

const LATE: Story = {
  hiddenFirst: { coordinator: [OF_A], 'worker1/A': [OF_A] },
  ended: [{ node: 'worker1', gid: 'citus_0_9', keys: [OF_A] }],
};

describe('acknowledged, invisible for a while, visible at the end', () => {
  test('nothing is lost, and the check says which writes were invisible, for how long, by which transaction', () => {
    const finding = run(noLostWrites, tell(LATE));
    expect(finding.judgement).toBe('pass');
    expect(finding.observed).toMatch(
      /found; 1 of them were invisible for up to 9\.\d+ s, until prepared transactions ended$/,
    );
    expect(finding.evidence).toContainEqual(
      expect.stringMatching(
        /^1:1: acknowledged at 1\.\d+ s, visible 9\.\d+ s later; prepared as citus_0_9 on worker1$/,
      ),
    );
  });

  test('the first read of the end is a stale read', () => {
    const finding = run(noStaleReads, tell(LATE));
    expect(finding.judgement).toBe('fail');
    expect(finding.observed).toMatch(/^1 message stayed invisible after the load had stopped, up to 9\.\d+ s after/);
  });

  test('placements agree at the end; the check says how long they differed', () => {
    const finding = run(replicasAgree, tell(LATE));
    expect(finding).toMatchObject({ judgement: 'pass' });
    expect(finding.observed).toContain('; they differed for 70 ms, until prepared transactions ended');
    expect(finding.evidence).toContain('shard A differed in 1 message while transactions were prepared');
  });

  test('transactions that the engine ended by itself are not left; those that it ended on request count as left', () => {
    expect(run(noLeftovers, tell(LATE))).toMatchObject({
      judgement: 'pass',
      observed: 'none on any node; 1 transaction stayed prepared for up to 9.39 s, then ended by themselves',
    });
    expect(run(noLeftovers, tell({ ...LATE, askedAt: ENDED_AT - 1 }))).toMatchObject({
      judgement: 'fail',
      observed: expect.stringContaining('1 prepared transaction ended only when pgquake asked the engine to end them'),
    });
  });

  test('the ledger lists them apart from lost writes', () => {
    const { lost, late } = ledgerFigures(tell(LATE));
    expect(lost.count).toBe(0);
    expect(late).toMatchObject({
      count: 1,
      witnesses: [OF_A],
      prepared: [{ key: OF_A, node: 'worker1', gid: 'citus_0_9' }],
    });
    expect(late?.forMs).toBeCloseTo(ENDED_AT - 1_017, 0);
  });

  test('without the transaction the final read is when it was visible', () => {
    const { late } = ledgerFigures(tell({ ...LATE, ended: [] }));
    expect(late).toMatchObject({ count: 1, prepared: [] });
    expect(late?.forMs).toBeGreaterThan(ENDED_AT - 1_007);
  });
});

describe('an acknowledged write that never becomes visible', () => {
  const everywhere = { coordinator: [OF_A], 'worker1/A': [OF_A], 'worker2/A': [OF_A] };
  const standing = { node: 'worker1', gid: 'citus_0_9', ageMs: 80_000 };

  test('is lost when no transaction is prepared any more', () => {
    const story = { hiddenFirst: everywhere, hiddenInTheEnd: everywhere, ended: LATE.ended ?? [] };
    expect(run(noLostWrites, tell(story))).toMatchObject({
      judgement: 'fail',
      observed: expect.stringMatching(/^1 of \d+ acknowledged writes lost$/),
    });
    expect(ledgerFigures(tell(story)).late?.count).toBe(0);
  });

  test('is not judged while a prepared transaction may hold it', () => {
    const story = { hiddenFirst: everywhere, hiddenInTheEnd: everywhere, left: [standing] };
    expect(run(noLostWrites, tell(story))).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringMatching(/not found, and a prepared transaction on worker1 has not ended$/),
    });
    expect(run(noLeftovers, tell(story))).toMatchObject({ judgement: 'fail', observed: '1 prepared transaction left' });
  });

  test('is lost when the prepared transaction is on another node, or wrote another relation', () => {
    for (const other of [
      { ...standing, node: 'worker4' },
      { ...standing, relations: [] },
    ]) {
      const story = { hiddenFirst: everywhere, hiddenInTheEnd: everywhere, left: [other] };
      expect(run(noLostWrites, tell(story)).judgement).toBe('fail');
    }
  });

  test('of two, one lost for certain: that decides', () => {
    const both = { ...everywhere, coordinator: [OF_A, OF_B], 'worker2/B': [OF_B], 'worker3/B': [OF_B] };
    const story = { hiddenFirst: both, hiddenInTheEnd: both, left: [standing] };
    expect(run(noLostWrites, tell(story)).judgement).toBe('fail');
  });

  test('is not judged if pgquake could not look for prepared transactions', () => {
    const story: Story = {
      hiddenInTheEnd: everywhere,
      events: (events) =>
        events.map((event) =>
          event.type === 'leftovers'
            ? { at: event.at, type: 'final-read-failed', source: LEFTOVERS, error: 'worker3: refused' }
            : event,
        ),
    };
    expect(run(noLostWrites, tell(story))).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('pgquake could not look for prepared transactions (worker3: refused)'),
    });
  });

  test('placements that differ on a node with a prepared transaction are not judged; elsewhere they fail', () => {
    const lacking = { 'worker1/A': [OF_A] };
    const story = { hiddenFirst: lacking, hiddenInTheEnd: lacking, left: [standing] };
    expect(run(replicasAgree, tell(story))).toMatchObject({
      judgement: 'unknown',
      observed: 'shard A differs in 1 message, and a prepared transaction on worker1 has not ended',
    });
    const elsewhere = { ...story, left: [{ ...standing, node: 'worker2' }] };
    expect(run(replicasAgree, tell(elsewhere)).judgement).toBe('fail');
    expect(run(replicasAgree, tell({ ...story, left: [] })).judgement).toBe('fail');
  });
});
