/** How often a scenario passes, from some runs of it. */

import { describe, expect, test } from 'vitest';
import { timesLine, timesOf } from '../../src/cli/times.ts';
import { shareInterval } from '../../src/model/share-interval.ts';

describe('the interval of a share', () => {
  // Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [29, 29, 0.883, 1],
  ])('%i of %i', (count, of, low, high) => {
    const interval = shareInterval(count, of);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });
});

describe('several runs', () => {
  test('in one line; those that could not be judged count neither way', () => {
    const judgements = [...Array<'pass'>(9).fill('pass'), 'fail', 'unknown'] as const;
    expect(timesLine('mine', judgements)).toBe(
      'mine: 11 runs, 9 passed, 1 failed, 1 could not be judged; it passes 90 % of the time (95 % interval 60 % to 98 %)',
    );
  });

  test('none of which could be judged have no share', () => {
    expect(timesLine('mine', ['unknown'])).toBe('mine: 1 run, 0 passed, 0 failed, 1 could not be judged');
  });

  test.each([0, 1.5, 1_001, Number.NaN])('%d times are refused', (times) => {
    expect(() => timesOf(times)).toThrow(`--times: expected a whole number from 1 to 1000, found ${times}`);
  });
});
