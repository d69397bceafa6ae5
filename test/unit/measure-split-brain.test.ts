/** Two primaries, as the witness saw them: from when to when, and whose rows are gone. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roleFigures } from '../../src/measure/roles.ts';
import { splitBrainMs, twoPrimaries } from '../../src/measure/split-brain.ts';
import { BREAK_MS, writeSpans } from '../../src/measure/write-spans.ts';
import type { History } from '../../src/model/history.ts';
import { parseKey } from '../../src/model/key-ranges.ts';
import { buildHistory } from '../support/history-builder.ts';
import { failedOver, MEMBERS, type NodeDoes, WOKEN, witnessedHistory } from '../support/witnessed-history.ts';

const final = { node: 'pg2', timeline: 2 };

describe('spans of acknowledged writes', () => {
  test('end when a node falls silent, and start again on the same timeline', () => {
    const spans = writeSpans(witnessedHistory({ does: WOKEN })).filter(({ node }) => node === 'pg1');
    expect(spans.map(({ timeline, fromMs, toMs }) => ({ timeline, fromMs, toMs }))).toEqual([
      { timeline: 1, fromMs: 1_002, toMs: 2_902 },
      { timeline: 1, fromMs: 6_000, toMs: 7_952 },
    ]);
  });

  test('a write that had waited for a frozen node opens its span no sooner than the last failure was sent', () => {
    const [, second] = writeSpans(witnessedHistory({ does: WOKEN })).filter(({ node }) => node === 'pg1');
    expect(second).toMatchObject({ earliestMs: 4_100, fromMs: 6_000, surelyToMs: 7_950 });
  });

  test('end when the timeline changes without a pause', () => {
    const does: readonly NodeDoes[] = [
      { node: 'pg1', fromMs: 1_000, toMs: 3_000, does: 'acknowledges' },
      { node: 'pg1', fromMs: 3_000, toMs: 4_000, does: 'acknowledges', timeline: 3 },
    ];
    expect(writeSpans(witnessedHistory({ does })).map(({ timeline }) => timeline)).toEqual([1, 3]);
  });
});

describe('two primaries', () => {
  test('none if the old one never acknowledges again', () => {
    const history = witnessedHistory({ does: failedOver(3_000, 4_000, 9_000), final });
    expect(twoPrimaries(history)).toEqual([]);
  });

  test('none in a clean handover, however close', () => {
    const does = failedOver(3_000, 3_003, 9_000);
    expect(twoPrimaries(witnessedHistory({ does, final }))).toEqual([]);
  });

  test('a frozen primary that resumes: from its first answer to its last, with the rows of each', () => {
    const keeps = ({ node, settledAt }: { node: string; settledAt: number }) => node === 'pg2' || settledAt < 3_000;
    const [pair, ...others] = twoPrimaries(witnessedHistory({ does: WOKEN, final, keeps }));
    expect(others).toEqual([]);
    expect(pair).toMatchObject({ fromMs: 6_000, toMs: 7_952, atLeastMs: 1_950, atMostMs: 3_852 });
    expect(pair?.sides).toEqual([
      {
        node: 'pg1',
        timeline: 1,
        acknowledged: 40,
        lost: 40,
        rows: ['1:40', '1:41', '1:42', '1:43', '1:44', '1:45', '1:46', '1:47'],
      },
      { node: 'pg2', timeline: 2, acknowledged: 40, lost: 0, rows: expect.arrayContaining(['2:41']) },
    ]);
  });

  test('one answer that came late may be a handover: at least nothing, at most until it came', () => {
    const does: readonly NodeDoes[] = [
      { node: 'pg1', fromMs: 1_000, toMs: 3_000, does: 'acknowledges' },
      { node: 'pg1', fromMs: 3_000, toMs: 3_010, does: 'acknowledges', tookMs: 400 },
      { node: 'pg2', fromMs: 3_200, toMs: 9_000, does: 'acknowledges', timeline: 2 },
    ];
    expect(twoPrimaries(witnessedHistory({ does, final }))).toMatchObject([{ atLeastMs: 0, atMostMs: 200 }]);
  });

  test('losses are unknown if the final primary was not read', () => {
    const [pair] = twoPrimaries(witnessedHistory({ does: WOKEN }));
    expect(pair?.sides.map(({ lost }) => lost)).toEqual([null, null]);
  });

  test('three at one time count once', () => {
    const at = (node: string, fromMs: number, toMs: number): NodeDoes => ({ node, fromMs, toMs, does: 'acknowledges' });
    const pairs = twoPrimaries(
      witnessedHistory({ does: [at('pg1', 1_000, 5_000), at('pg2', 2_000, 4_000), at('pg3', 3_000, 6_000)] }),
    );
    expect(pairs).toHaveLength(3);
    expect(splitBrainMs(pairs)).toEqual({ atLeastMs: 4_950 - 2_002, atMostMs: 4_952 - 2_000 });
  });

  test('without a witness there are no figures of roles', () => {
    expect(roleFigures(buildHistory())).toBeUndefined();
  });

  test('the rows that each node acknowledged, and over how long the lost ones', () => {
    const keeps = ({ node, settledAt }: { node: string; settledAt: number }) => node === 'pg2' || settledAt < 3_000;
    expect(roleFigures(witnessedHistory({ does: WOKEN, final, keeps }))?.witness).toEqual([
      { node: 'pg1', acknowledged: 79, lost: 40, lostForMs: 1_952 },
      { node: 'pg2', acknowledged: 100, lost: 0, lostForMs: 0 },
      { node: 'pg3', acknowledged: 0, lost: 0, lostForMs: 0 },
    ]);
  });
});

/**
 * By the millisecond: a node surely takes writes from an answer of its to a write that it was sent and answered later, if
 * no second went by without an answer in between.
 */
function surelyTwoMs(history: History): number {
  const answers = MEMBERS.map((_, i) =>
    [...(history.witness ?? [])]
      .filter(({ partitionKey, key, outcome }) => partitionKey === i + 1 && key !== undefined && outcome === 'ok')
      .map(({ sentAt, settledAt, key }) => ({ sentAt, settledAt, seq: parseKey(key as string).seq }))
      .sort((a, b) => a.settledAt - b.settledAt),
  );
  const surely = (of: (typeof answers)[number], ms: number) => {
    const before = of.findLastIndex(({ settledAt }) => settledAt <= ms);
    if (before < 0) return false;
    for (let i = before; i < of.length; i++) {
      const one = of[i] as (typeof of)[number];
      if (i > before && one.settledAt - (of[i - 1] as typeof one).settledAt > BREAK_MS) return false;
      if (i > before && one.sentAt > ms) return true;
    }
    return false;
  };
  let total = 0;
  for (let ms = 0; ms < 10_000; ms++) if (answers.filter((of) => surely(of, ms)).length > 1) total++;
  return total;
}

test('the time with two primaries equals a count by the millisecond', { timeout: 30_000 }, () => {
  const stretch = fc.record({
    node: fc.constantFrom(...MEMBERS),
    fromMs: fc.integer({ min: 1_000, max: 8_000 }),
    forMs: fc.integer({ min: 50, max: 2_500 }),
    everyMs: fc.integer({ min: 20, max: 700 }),
    tookMs: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(stretch, { minLength: 1, maxLength: 4 }), (stretches) => {
      const does = stretches.map(
        ({ forMs, ...one }): NodeDoes => ({
          ...one,
          toMs: one.fromMs + forMs,
          does: 'acknowledges',
        }),
      );
      const history = witnessedHistory({ does });
      const { atLeastMs, atMostMs } = splitBrainMs(twoPrimaries(history));
      expect(Math.abs(atLeastMs - surelyTwoMs(history))).toBeLessThan(12);
      expect(atMostMs).toBeGreaterThanOrEqual(atLeastMs);
    }),
    { numRuns: 60 },
  );
});
