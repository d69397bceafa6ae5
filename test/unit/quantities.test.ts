import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { duration, positiveDuration, rate, share } from '../../src/model/quantities.ts';
import { quoted } from '../../src/model/quoted.ts';

function message(schema: z.ZodType, value: unknown): string | undefined {
  return schema.safeParse(value).error?.issues[0]?.message;
}

describe('quantities of a scenario', () => {
  test.each([
    [duration, '0s', 0],
    [duration, '500ms', 500],
    [duration, '24h', 86_400_000],
    [positiveDuration, '1.5s', 1_500],
    [rate, '200/s', 200],
    [rate, '30/m', 0.5],
    [share, '99.9%', 0.999],
    [share, '0%', 0],
  ])('%# %s becomes a number', (schema, text, value) => {
    expect(schema.parse(text)).toBeCloseTo(value, 10);
  });

  test.each([
    [duration, '8 sec', 'expected a duration such as 8s or 500ms, found "8 sec"'],
    [duration, 8, 'expected a duration such as 8s or 500ms, found 8'],
    [duration, null, 'expected a duration such as 8s or 500ms, found null'],
    [duration, undefined, 'expected a duration such as 8s or 500ms'],
    [duration, '25h', 'expected a duration of at most 24h, found "25h"'],
    [positiveDuration, '0s', 'expected a duration from 1ms to 24h, found "0s"'],
    [rate, '200', 'expected a rate such as 200/s or 30/m, found "200"'],
    [rate, '0/s', 'expected a rate above 0/s and up to 100000/s, found "0/s"'],
    [rate, '100001/s', 'expected a rate above 0/s and up to 100000/s, found "100001/s"'],
    [share, '101%', 'expected a percentage with %, from 0% to 100%, such as 99% or 99.9%, found "101%"'],
    [share, 0.99, 'expected a percentage with %, from 0% to 100%, such as 99% or 99.9%, found 0.99'],
  ])('%# a wrong value is told with what was expected and found', (schema, value, text) => {
    expect(message(schema, value)).toBe(text);
  });

  test('a default is written as an author writes it', () => {
    expect(z.strictObject({ for: duration.prefault('2s') }).parse({})).toEqual({ for: 2_000 });
  });

  test('editors see text with a pattern, not a number', () => {
    expect(z.toJSONSchema(z.object({ for: duration.prefault('2s') }), { io: 'input' })).toMatchObject({
      properties: { for: { default: '2s' } },
      $defs: { Duration: { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$', examples: ['8s', '500ms', '2m'] } },
    });
  });
});

describe('quoted', () => {
  test('stays on one line, escapes what would move the cursor or the reading order, and is cut', () => {
    expect(quoted('a\nb\u001b[2J\u202e')).toBe('"a\\nb\\u001b[2J\\u202e"');
    expect(quoted('x'.repeat(1_000))).toBe(`"${'x'.repeat(59)}…`);
    expect(quoted(undefined)).toBe('undefined');
    expect(quoted(Number.NaN)).toBe('NaN');
  });
});
