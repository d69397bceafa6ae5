import { describe, expect, test } from 'vitest';
import { checks } from '../../src/catalog.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import type { Report } from '../../src/model/report.ts';
import type { CheckResult, Judgement } from '../../src/model/verdict.ts';
import { pgquake } from '../../src/pgquake.ts';
import { reasonsToRetry, withRetries } from '../../src/retries.ts';

function report(judgement: Judgement, unknown: readonly string[]) {
  const results = unknown.map((check): CheckResult => {
    return { check, params: {}, always: true, judgement: 'unknown', expected: '', observed: '', evidence: [] };
  });
  return { judgement, results };
}

const failure = (code: string) => new EnvironmentError('ended', { code });

describe('a run is made again', () => {
  test.each([
    ['the machine was starved', 'host-kept-up', undefined],
    ['the load was late', 'load-kept-its-schedule', undefined],
    ['the load was not borne by a starved machine', 'host-kept-up', failure('load-not-borne')],
    ['the steady state was bad on a starved machine', 'host-kept-up', failure('steady-state-unsteady')],
  ])('where %s', (_name, check, ended) => {
    expect(reasonsToRetry(report('unknown', [check]), ended, checks)).toHaveLength(1);
  });
});

describe('a run is not made again', () => {
  test.each([
    ['where it was judged', report('fail', ['host-kept-up']), undefined],
    ['where nothing excuses it', report('unknown', ['fault-took-effect']), undefined],
    ['where the image is missing', report('unknown', ['host-kept-up']), failure('image-missing')],
    [
      'where the scenario asks too much of a calm machine',
      report('unknown', ['run-completed']),
      failure('load-not-borne'),
    ],
    ['after a bug', report('unknown', ['host-kept-up']), new TypeError('x')],
  ])('%s', (_name, ended, why) => {
    expect(reasonsToRetry(ended, why, checks)).toEqual([]);
  });
});

describe('attempts', () => {
  const busy = { report: report('unknown', ['host-kept-up']) as unknown as Report, folder: 'busy', failure: undefined };
  const judged = { report: report('pass', []) as unknown as unknown as Report, folder: 'judged', failure: undefined };

  async function make(ends: (typeof busy)[], retries: number, signal?: AbortSignal) {
    const numbers: unknown[] = [];
    const told: string[] = [];
    const ended = await withRetries({
      retries,
      checks,
      signal,
      attempt: async (number) => {
        numbers.push(number);
        return ends.shift() ?? judged;
      },
      tell: (which, why) => told.push(`${which}: ${why}`),
    });
    return { ended, numbers, told };
  }

  test('end with the first that is judged, and say why there was another', async () => {
    const { ended, numbers, told } = await make([busy], 2);
    expect(ended).toBe(judged);
    expect(numbers).toEqual([
      { number: 1, most: 3 },
      { number: 2, most: 3 },
    ]);
    expect(told).toEqual([expect.stringMatching(/^1 of 2: .*; kept in busy$/)]);
  });

  test('end with the last where all are used up', async () => {
    const { ended, numbers, told } = await make([busy, busy, busy], 1);
    expect(ended).toBe(busy);
    expect(numbers).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  test('are one, without a number, by default', async () => {
    const { ended, numbers } = await make([busy], 0);
    expect(ended).toBe(busy);
    expect(numbers).toEqual([undefined]);
  });

  test('end with an abort', async () => {
    expect((await make([busy], 2, AbortSignal.abort())).numbers).toHaveLength(1);
  });

  test.each([-1, 0.5, 21, Number.NaN])('%s retries are refused before anything starts', async (retries) => {
    const run = pgquake().run('one-worker', { retries, reports: '/proc/never' });
    await expect(run).rejects.toThrow(`retries: expected a whole number from 0 to 20, found ${retries}`);
  });
});

test.each([-1, 0.5, 2 ** 32, Number.NaN])('seed %s is refused before anything starts', async (seed) => {
  const quake = pgquake();
  const scenario = await quake.load('one-worker');
  expect(() => quake.plan(scenario, { seed })).toThrow(
    `seed: expected a whole number from 0 to 4294967295, found ${seed}`,
  );
});
