import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatKey, KeySet, parseKey } from '../../src/model/key-ranges.ts';

describe('keys as text', () => {
  test.each([
    ['1:42', { writer: 1, seq: 42 }],
    ['0:1', { writer: 0, seq: 1 }],
    ['7:-3', { writer: 7, seq: -3 }],
  ])('%s is parsed and written again', (text, key) => {
    expect(parseKey(text)).toEqual(key);
    expect(formatKey(key.writer, key.seq)).toBe(text);
  });

  test.each(['', '42', ':42', '1:', 'a:b', '1:2.5'])('%j is no key', (text) => {
    expect(() => parseKey(text)).toThrow('expected a key such as 1:42');
  });
});

describe('KeySet', () => {
  test('writes consecutive keys as ranges, by writer', () => {
    const set = new KeySet();
    for (let seq = 412; seq >= 1; seq--) set.add(1, seq);
    set.add(1, 414);
    set.add(0, 9);
    expect(set.toRanges()).toEqual({ '0': '9', '1': '1-412,414' });
    expect(set.size).toBe(414);
    expect(set.has(1, 412)).toBe(true);
    expect(set.has(1, 413)).toBe(false);
    expect(set.has(2, 1)).toBe(false);
  });

  test('a range that goes over the borders of words and pages stays one range', () => {
    const text = { '1': '1-10000,10002-20000', '3': '4095-4096' };
    const set = KeySet.fromRanges(text);
    expect(set.toRanges()).toEqual(text);
    expect(set.size).toBe(19_999 + 2);
  });

  test('reads several texts as their union, and empty ones as nothing', () => {
    const set = KeySet.fromRanges({ '1': '1-3' }, { '1': '3-5', '0': '' }, {});
    expect(set.toRanges()).toEqual({ '1': '1-5' });
    expect(set.size).toBe(5);
  });

  test.each(['1-', 'x', '1,,2', '1 2'])('refuses %j', (ranges) => {
    expect(() => KeySet.fromRanges({ '1': ranges })).toThrow('expected ranges such as 1-412,414');
  });

  test('two million dense keys are one range', () => {
    const set = new KeySet();
    for (let seq = 1; seq <= 2_000_000; seq++) set.add(1, seq);
    expect(set.toRanges()).toEqual({ '1': '1-2000000' });
    expect(KeySet.fromRanges(set.toRanges()).size).toBe(2_000_000);
  });

  /** Long enough to fill whole words, and now and then whole pages, with gaps between them. */
  const length = fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 150 }), weight: 9 },
    { arbitrary: fc.integer({ min: 4_000, max: 9_000 }), weight: 1 },
  );
  const ranges = fc.array(fc.tuple(fc.integer({ min: -100, max: 4_300 }), length), { maxLength: 20 });

  test('ranges of any length and place are as their keys one by one', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const oracle = new Set(list.flatMap(([first, length]) => Array.from({ length }, (_, i) => first + i)));
        const set = KeySet.fromRanges({
          '1': list.map(([first, length]) => `${first}-${first + length - 1}`).join(','),
        });
        expect(set.size).toBe(oracle.size);
        const sorted = [...oracle].sort((a, b) => a - b);
        expect(Array.from(set.keys(), ({ seq }) => seq)).toEqual(sorted);
        expect(set.toRanges()['1'] ?? '').toBe(rangesByBruteForce(sorted));
      }),
    );
  });

  test('whole pages are shared by sets, and none changes another', () => {
    const [one, other] = [KeySet.fromRanges({ '1': '0-20000' }), KeySet.fromRanges({ '1': '0-20000' })];
    one.add(1, 20_001);
    expect(one.without(KeySet.fromRanges({ '1': '5-20001' })).toRanges()).toEqual({ '1': '0-4' });
    expect([other.size, other.toRanges()]).toEqual([20_001, { '1': '0-20000' }]);
  });

  test('one set without another is what a filter leaves', () => {
    fc.assert(
      fc.property(ranges, ranges, fc.constantFrom(1, 2), (one, other, writerOfOther) => {
        const text = (list: typeof one) => list.map(([first, length]) => `${first}-${first + length - 1}`).join(',');
        const set = KeySet.fromRanges({ '1': text(one), '3': '7' });
        const minus = KeySet.fromRanges({ [writerOfOther]: text(other) });
        const rest = set.without(minus);
        const expected = [...set.keys()].filter(({ writer, seq }) => !minus.has(writer, seq));
        expect([...rest.keys()]).toEqual(expected);
        expect(rest.size).toBe(expected.length);
        expect(set.has(3, 7)).toBe(true);
      }),
    );
  });

  function rangesByBruteForce(sorted: readonly number[]): string {
    const firsts = sorted.filter((seq, i) => sorted[i - 1] !== seq - 1);
    const lasts = sorted.filter((seq, i) => sorted[i + 1] !== seq + 1);
    return firsts.map((first, i) => (first === lasts[i] ? `${first}` : `${first}-${lasts[i]}`)).join(',');
  }

  const keys = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 2 }),
      fc.oneof(
        fc.integer({ min: -40, max: 140 }),
        fc.integer({ min: 4_050, max: 4_140 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      ),
    ),
    { maxLength: 300 },
  );

  test('agrees with a plain Set, whatever is added, and survives its text', () => {
    fc.assert(
      fc.property(keys, keys, (added, asked) => {
        const set = new KeySet();
        for (const [writer, seq] of added) set.add(writer, seq);
        const oracle = new Set(added.map(([writer, seq]) => formatKey(writer, seq)));
        const again = KeySet.fromRanges(set.toRanges());
        for (const candidate of [set, again]) {
          expect(candidate.size).toBe(oracle.size);
          for (const [writer, seq] of [...added, ...asked]) {
            expect(candidate.has(writer, seq)).toBe(oracle.has(formatKey(writer, seq)));
          }
          expect(Array.from(candidate.keys(), ({ writer, seq }) => formatKey(writer, seq)).sort()).toEqual(
            [...oracle].sort(),
          );
        }
        expect(again.toRanges()).toEqual(set.toRanges());
      }),
    );
  });
});
