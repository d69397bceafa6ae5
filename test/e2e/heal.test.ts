/**
 * What a killed run left is healed: on command, and by the next run.
 *
 * PGQUAKE_TORTURE_MOMENTS, 6 by default, chooses how often a run is killed at a random moment.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventsIn, KilledRuns, SCENARIO } from '../support/killed-runs.ts';
import { heals } from './torture-by-kill.ts';

heals('local', Number(process.env.PGQUAKE_TORTURE_MOMENTS ?? 6));

let runs: KilledRuns;

beforeEach(() => {
  runs = new KilledRuns();
});

afterEach(() => {
  runs[Symbol.dispose]();
});

test('the next run removes what a killed one left, says so, and the killed run is never judged as passed', async () => {
  const { running, folder } = await runs.startUntil('fault-in-effect');
  running.kill('SIGKILL');
  await running.ended;
  expect(await runs.remains()).not.toEqual([]);

  const next = await runs.place.run([runs.place.scenario('next', SCENARIO.replace('tortured', 'next'))]);
  expect(next.code, next.stderr).toBeLessThanOrEqual(2);
  expect(next.stdout).toMatch(/cluster that \S+-tortured had left behind is removed/);
  const found = runs.folders().find((name) => name !== folder) as string;
  expect(eventsIn(found).some((event) => event.type === 'reclaimed')).toBe(true);
  expect(await runs.remains()).toEqual([]);

  const judged = await runs.place.start(['judge', folder]).ended;
  expect([1, 2], judged.stderr).toContain(judged.code);
});

test('a cluster whose pgquake still runs is left alone, and named', async () => {
  const { running } = await runs.startUntil('fault-in-effect');
  const { code, stdout } = await runs.heal();
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      `-tortured: left alone; it belongs to pgquake, process ${running.pid}, which still runs\n$`,
    ),
  });
  expect((await running.ended).code).toBeLessThanOrEqual(2);
  expect(await runs.remains()).toEqual([]);
});

test('what cannot be healed is told with what to do, and exit code 4', async () => {
  const { running, folder } = await runs.startUntil('fault-in-effect');
  running.kill('SIGKILL');
  await running.ended;
  const file = join(folder, 'cluster.json');
  const content = readFileSync(file, 'utf8');
  writeFileSync(file, content.slice(0, 40));
  const damaged = await runs.heal();
  expect(damaged.code).toBe(4);
  expect(damaged.stderr).toMatch(/cluster\.json cannot be used.*\n.*hint.*by hand/s);

  writeFileSync(file, content);
  expect((await runs.heal()).code).toBe(0);
  expect(await runs.remains()).toEqual([]);
  const unknown = await runs.place.start(['heal', 'no-such-run', '--reports', runs.place.reports]).ended;
  expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('no run no-such-run'),
  });
});
