/** A run that is interrupted heals, removes its cluster, reports, and exits with 130. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { SMALL_SCENARIO } from '../support/small-scenario.ts';

let place: Workplace;
let scenario: string;

beforeEach(() => {
  place = new Workplace();
  scenario = place.scenario('small', SMALL_SCENARIO);
});

afterEach(() => {
  place[Symbol.dispose]();
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s heals, removes the cluster, reports, and exits with 130',
  async (signal) => {
    const child = place.startRun([scenario]);
    await new Promise<void>((struck) => {
      child.stdout?.on('data', (text: string) => {
        if (text.includes('in effect')) struck();
      });
    });
    child.kill(signal);
    const { code, stdout } = await child.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/UNKNOWN/);
    expect(place.report().timeline.map((event) => event.type)).toEqual(
      expect.arrayContaining(['interrupted', 'healed']),
    );
    expect(place.leftovers()).toEqual([]);
  },
);

test('is what it is when the reader of the output goes away, too', async () => {
  const child = place.startRun([scenario]);
  await new Promise<void>((struck) => {
    child.stdout?.on('data', (text: string) => {
      if (text.includes('in effect')) struck();
    });
  });
  child.stdout?.destroy();
  expect((await child.ended).code).toBe(130);
  expect(place.report().timeline.map((event) => event.type)).toEqual(expect.arrayContaining(['interrupted', 'healed']));
  expect(place.leftovers()).toEqual([]);
});

test('before anything runs it leaves nothing either', async () => {
  const child = place.startRun([scenario]);
  await new Promise<void>((started) => child.stdout?.once('data', () => started()));
  child.kill('SIGINT');
  expect((await child.ended).code).toBe(130);
  expect(place.leftovers()).toEqual([]);
});
