import { describe, expect, test } from 'vitest';
import { checks } from '../../src/catalog.ts';
import { reasonsToRetry } from '../../src/cli/retries.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import type { CheckResult, Judgement } from '../../src/model/verdict.ts';

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
