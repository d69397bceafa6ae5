/** Waiting by polling: as long as something is missing, and no longer than the limit. */

import { describe, expect, test } from 'vitest';
import { pause, until } from '../../src/model/until.ts';

describe('until', () => {
  test('ends once nothing is missing', async () => {
    const answers = ['a', 'b', undefined, 'never asked'];
    expect(await until({ limitMs: 10_000, everyMs: 1 }, async () => answers.shift())).toBeUndefined();
    expect(answers).toEqual(['never asked']);
  });

  test('says at its limit what is still missing, and asks once whatever the limit is', async () => {
    let asked = 0;
    const probe = async () => `missing ${++asked}`;
    expect(await until({ limitMs: -1, everyMs: 1 }, probe)).toBe('missing 1');
    const missing = await until({ limitMs: 30, everyMs: 5 }, probe);
    expect(asked).toBeGreaterThan(2);
    expect(missing).toBe(`missing ${asked}`);
  });

  test('an error of the probe ends it, and so does the signal', async () => {
    const broken = new Error('no such table');
    await expect(until({ limitMs: 10_000 }, () => Promise.reject(broken))).rejects.toBe(broken);
    const stop = new AbortController();
    const reason = new Error('interrupted');
    const waiting = until(
      { limitMs: Number.POSITIVE_INFINITY, everyMs: 10_000, signal: stop.signal },
      async () => 'it',
    );
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(pause(10_000, stop.signal)).rejects.toBe(reason);
  });
});
