/** Limits as the kernel writes them, in both versions of control groups. */

import { expect, test } from 'vitest';
import { parseLimits } from '../../src/platforms/docker/resources.ts';

const Infinite = Number.POSITIVE_INFINITY;

test.each([
  ['version 1', '10000 100000\n99999744\nnr_periods 3\nnr_throttled 1\nthrottled_time 39100114', [0.1, 1, 99_999_744]],
  [
    'version 1, without limits',
    '-1 100000\n9223372036854771712\nnr_periods 0\nnr_throttled 0',
    [Infinite, 0, Infinite],
  ],
  ['version 2', '50000 100000\n134217728\nusage_usec 12\nnr_periods 9\nnr_throttled 7', [0.5, 7, 134_217_728]],
  ['version 2, without limits', 'max 100000\nmax\nusage_usec 12\nnr_throttled 0\n', [Infinite, 0, Infinite]],
])('%s', (_, text, [cpuShare, throttled, memoryBytes]) => {
  expect(parseLimits(text)).toEqual({ cpuShare, throttled, memoryBytes });
});

test('something else is nothing', () => {
  expect(parseLimits('cat: memory.max: No such file or directory')).toBeUndefined();
});
