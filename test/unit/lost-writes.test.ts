/** How much may be lost: by count and by time, of the load and by the node that had acknowledged it. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lostWrites } from '../../src/checks/lost-writes.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { KeySet, parseKey } from '../../src/model/key-ranges.ts';
import { buildHistory } from '../support/history-builder.ts';

/** A history in which these writes of the load are gone, and pg1 is read with the even ones before it is rewound. */
function losing(seqs: readonly number[]) {
  const keys = seqs.map((seq) => `1:${seq}`);
  const branch = new KeySet();
  for (const seq of seqs) if (seq % 2 === 0) branch.add(1, seq);
  const read = { rows: 0, present: branch.toRanges(), duplicated: [], corrupted: [] };
  return buildHistory({
    finalKeys: ({ coordinator, placements }) => {
      for (const found of [coordinator, ...placements.values()]) for (const key of keys) found.delete(key);
    },
    events: (events) => [...events, { at: 10_400, type: 'fork-read', node: 'pg1', timeline: 1, read }],
  });
}

const judged = (seqs: readonly number[], max: unknown) =>
  lostWrites.check(losing(seqs), lostWrites.params.parse({ max }), { asked: true });

describe('lost-writes', () => {
  test('names the node that had acknowledged them, and counts those of an unknown node', () => {
    const { judgement, observed } = judged([10, 11, 12], 0);
    expect(judgement).toBe('fail');
    expect(observed).toMatch(/2 acknowledged by pg1 from .* to .*, 1 acknowledged by a node that was not read from/);
  });

  test('a limit of time counts from the first to the last acknowledgement', () => {
    // 50 writes a second: 50 of them lie a second apart.
    expect(judged([10, 60], '1s').judgement).toBe('pass');
    expect(judged([10, 61], '1s').judgement).toBe('fail');
  });

  test('agrees with no-lost-writes if nothing may be lost, and with a simple count otherwise', () => {
    const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 6 });
    fc.assert(
      fc.property(seqs, fc.integer({ min: 0, max: 6 }), (lost, max) => {
        const history = losing(lost);
        const acknowledged = [...history.operations].filter(
          ({ kind, outcome }) => kind === 'write' && outcome === 'ok',
        );
        const gone = acknowledged.filter(({ key }) => lost.includes(parseKey(key as string).seq)).length;
        expect(judged(lost, max).judgement).toBe(gone > max ? 'fail' : 'pass');
        expect(judged(lost, 0).judgement).toBe(noLostWrites.check(history, {}, { asked: true }).judgement);
      }),
      { numRuns: 30 },
    );
  });

  test.each([[-1], ['soon'], [1.5], [{ of: 1 }], ['25h']])('max: %j is refused in words', (max) => {
    const { error } = lostWrites.params.safeParse({ max });
    expect(error?.issues[0]?.message).toMatch(/^expected a count such as 0, or a span of time such as 15s, found /);
  });
});
