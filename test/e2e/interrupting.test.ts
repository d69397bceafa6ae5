/** A run that is interrupted heals, removes its cluster, reports, and exits with 130. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Phase } from '../../src/model/event.ts';
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

/** Waits until a run has come to a phase. */
async function untilPhase(phase: Phase): Promise<void> {
  for (;;) {
    const events = () => readFileSync(join(place.runFolder(), 'events.ndjson'), 'utf8');
    try {
      if (events().includes(`"phase-started","phase":"${phase}"`)) return;
    } catch {
      // The run has no folder yet.
    }
    await sleep(5);
  }
}

test.each(['provision', 'form', 'ramp', 'final-reads'] as const)(
  'in the phase %s, where things are done side by side, it leaves nothing either',
  async (phase) => {
    const child = place.startRun([scenario]);
    await untilPhase(phase);
    child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.not.stringContaining('bug') });
    expect(place.report().timeline.map((event) => event.type)).toContain('interrupted');
    expect(place.leftovers()).toEqual([]);
  },
);
