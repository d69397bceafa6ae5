/**
 * What a killed run left is healed: on command, and by the next run.
 *
 * PGQUAKE_TORTURE_MOMENTS, 6 by default, chooses how often a run is killed at a random moment.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PHASES } from '../../src/model/event.ts';
import { eventsIn, KilledRuns, lengthsIn, SCENARIO } from '../support/killed-runs.ts';
import { heals } from './torture-by-kill.ts';

heals({ on: 'local', moments: Number(process.env.PGQUAKE_TORTURE_MOMENTS ?? 6) });

/** One fault that lasts until the run is killed. */
const LASTING = SCENARIO.replace(
  /faults:[\s\S]*settle:/,
  'faults:\n  - { fault: node-stop, target: worker1, for: 60s }\nsettle:',
);

test('a run that is under way is left alone; killed, it is told what cannot be healed, and the next run removes the rest', async () => {
  using runs = new KilledRuns('local', LASTING);
  const { running, folder } = await runs.startUntil('fault-in-effect');
  const servers = runs.place.postmasters();
  const alone = await runs.heal();
  expect({ code: alone.code, stdout: alone.stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      `-tortured: left alone; it belongs to pgquake, process ${running.pid}, which is still running\n$`,
    ),
  });
  expect(running.exitCode).toBeNull();
  expect(runs.place.postmasters()).toEqual(servers);
  expect(servers).toHaveLength(4);

  running.kill('SIGKILL');
  await running.ended;
  expect(await runs.remains()).not.toEqual([]);
  const file = join(folder, 'cluster.json');
  const content = readFileSync(file, 'utf8');
  writeFileSync(file, content.slice(0, 40));
  const damaged = await runs.heal();
  expect(damaged.code).toBe(4);
  expect(damaged.stderr).toMatch(/cluster\.json cannot be used.*\n.*hint.*by hand/s);
  writeFileSync(file, content);

  const next = await runs.place.run([runs.place.scenario('next', SCENARIO.replace('tortured', 'next'))]);
  expect(next.code, next.stderr).toBeLessThanOrEqual(2);
  expect(next.stdout).toMatch(/removed the cluster that \S+-tortured had left behind/);
  const found = runs.folders().find((name) => name !== folder) as string;
  expect(eventsIn(found).some((event) => event.type === 'reclaimed')).toBe(true);
  expect(lengthsIn(found).map(({ phase }) => phase)).toEqual(PHASES);
  expect(await runs.remains()).toEqual([]);

  // A run that was killed is never judged as passed.
  const judged = await runs.place.start(['judge', folder]).ended;
  expect([1, 2], judged.stderr).toContain(judged.code);
  const unknown = await runs.place.start(['heal', 'no-such-run', '--reports', runs.place.reports]).ended;
  expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('there is no run no-such-run'),
  });
});
