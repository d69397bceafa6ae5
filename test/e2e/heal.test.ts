/**
 * Torture: pgquake is killed with SIGKILL at random moments of a run with several faults at once; after
 * `pgquake heal` every process, segment and folder of the run must be gone.
 *
 * PGQUAKE_TORTURE_MOMENTS (6 by default) and PGQUAKE_TORTURE_SEED choose how often and when.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededIndex } from '../../src/plan/random.ts';
import { Workplace } from '../support/cli.ts';
import { processesIn } from '../support/local-cluster.ts';

const MOMENTS = Number(process.env.PGQUAKE_TORTURE_MOMENTS ?? 6);
const SEED = Number(process.env.PGQUAKE_TORTURE_SEED ?? 1);
/** A run and a heal on a busy machine. */
const LIMIT_PER_MOMENT_MS = 60_000;

const SCENARIO = `name: tortured
summary: Three workers are struck in different ways, all at once.
cluster: { workers: 4, replication: 2, shards: 4, platform: local }
workload:
  use: chat
  rooms: 20
  messages-per-room: 2
  read: { rate: 50/s, deadline: 1s }
  scan: { rate: 2/s, deadline: 1s }
  write: { rate: 20/s, deadline: 1s }
steady-state: { for: 300ms }
faults:
  - { fault: node-stop, target: worker1, at: 0s, for: 1500ms }
  - { fault: node-pause, target: worker2, at: 100ms, for: 1500ms }
  - { fault: node-kill, target: worker3, at: 200ms, for: 1s }
settle: { within: 2s }
hypothesis:
  - { check: no-duplicates }
`;

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => {
  place[Symbol.dispose]();
});

const heal = () => place.start(['heal', '--reports', place.reports]).ended;

function runFolders(): string[] {
  if (!existsSync(place.reports)) return [];
  const folders = readdirSync(place.reports, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map((entry) => join(place.reports, entry.name)).sort();
}

interface Recorded {
  readonly at: number;
  readonly type: string;
  readonly phase?: string;
}

function eventsIn(folder: string): Recorded[] {
  const file = join(folder, 'events.ndjson');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Recorded);
}

/** Segments that postmasters of this run made; their process ids stand in the servers' logs. */
function segmentsOf(folder: string): string[] {
  const logs = existsSync(join(folder, 'logs')) ? readdirSync(join(folder, 'logs')) : [];
  const pids = logs.flatMap((log) =>
    [...readFileSync(join(folder, 'logs', log), 'utf8').matchAll(/\[(\d+)\]/g)].map((match) => match[1]),
  );
  const table = readFileSync('/proc/sysvipc/shm', 'utf8').trimEnd().split('\n').slice(1);
  return table.filter((line) => pids.includes(line.trim().split(/\s+/)[4]));
}

/** Everything of the clusters that were made here, in words. */
function remains(): string[] {
  return [
    ...place.leftovers(),
    ...processesIn(place.temporary).map((pid) => `process ${pid} works there`),
    ...runFolders().flatMap((folder) => [
      ...segmentsOf(folder).map((line) => `shared memory ${line.trim()}`),
      ...readdirSync(folder).filter((name) => name.startsWith('cluster.json')),
    ]),
  ];
}

/** Starts a run and waits until an event of this kind is on disk. */
async function startUntil(type: string) {
  const earlier = runFolders();
  const running = place.start([place.scenario('tortured', SCENARIO), '--reports', place.reports]);
  const giveUpAt = performance.now() + LIMIT_PER_MOMENT_MS;
  for (;;) {
    const folder = runFolders().find((name) => !earlier.includes(name));
    if (folder !== undefined && eventsIn(folder).some((event) => event.type === type)) return { running, folder };
    if (performance.now() > giveUpAt) throw new Error(`no ${type} within ${LIMIT_PER_MOMENT_MS} ms`);
    await sleep(5);
  }
}

/** From the first event until each phase begins and ends, in a run that nobody disturbed. */
function phasesOf(folder: string): { fromMs: number; toMs: number }[] {
  const events = eventsIn(folder);
  const zero = events[0]?.at ?? 0;
  return events
    .filter((event) => event.type === 'phase-started')
    .map(({ phase, at }) => {
      const end = events.find((event) => event.type === 'phase-ended' && event.phase === phase);
      return { fromMs: at - zero, toMs: (end?.at ?? at) - zero };
    });
}

test(
  `after kill -9 at any of ${MOMENTS} moments, heal leaves nothing of the run`,
  async () => {
    const file = place.scenario('tortured', SCENARIO);
    const whole = await place.run([file]);
    expect(whole.code, whole.stderr).toBeLessThanOrEqual(2);
    const phases = phasesOf(runFolders()[0] as string);
    const random = seededIndex(SEED);
    const hits = new Map<string, number>();
    let orphans = 0;
    for (let moment = 1; moment <= MOMENTS; moment++) {
      // Every other moment lies in a phase that is as likely as any other: some are over in no time.
      const { fromMs, toMs } = phases[moment % 2 === 0 ? random(phases.length) : 0] as (typeof phases)[number];
      const untilMs = moment % 2 === 0 ? toMs : (phases.at(-1)?.toMs ?? toMs);
      const afterMs = fromMs + random(Math.ceil(untilMs - fromMs) + 1);
      const { running, folder } = await startUntil('platform-chosen');
      await sleep(afterMs);
      running.kill('SIGKILL');
      await running.ended;

      const phase = eventsIn(folder).findLast((event) => event.type === 'phase-started')?.phase ?? 'before provision';
      hits.set(phase, (hits.get(phase) ?? 0) + 1);
      const orphaned = existsSync(join(folder, 'cluster.json'));

      const healed = await heal();
      const context = `moment ${moment} of seed ${SEED}: ${afterMs} ms, ${phase}\n${healed.stdout}${healed.stderr}`;
      expect(healed.code, context).toBe(0);
      expect(remains(), context).toEqual([]);
      if (orphaned) {
        expect(eventsIn(folder).at(-1)?.type, context).toBe('reclaimed');
        orphans++;
      }
      expect((await heal()).stdout).toContain('nothing was left behind');
    }
    const spread = [...hits].map(([phase, count]) => `${phase} ${count}`).join(', ');
    console.log(
      `torture: ${MOMENTS} x kill -9, seed ${SEED}: ${orphans} clusters orphaned and removed, nothing left of any (killed in ${spread})`,
    );
    expect(orphans).toBeGreaterThan(0);
  },
  LIMIT_PER_MOMENT_MS * (MOMENTS + 1),
);

test('the next run removes what a killed one left, says so, and the killed run is never judged as passed', async () => {
  const { running, folder } = await startUntil('fault-in-effect');
  running.kill('SIGKILL');
  await running.ended;
  expect(remains()).not.toEqual([]);

  const next = await place.run([place.scenario('next', SCENARIO.replace('tortured', 'next'))]);
  expect(next.code, next.stderr).toBeLessThanOrEqual(2);
  expect(next.stdout).toMatch(/cluster that \S+-tortured had left behind is removed/);
  const found = runFolders().find((name) => name !== folder) as string;
  expect(eventsIn(found).some((event) => event.type === 'reclaimed')).toBe(true);
  expect(remains()).toEqual([]);

  const judged = await place.start(['judge', folder]).ended;
  expect([1, 2], judged.stderr).toContain(judged.code);
});

test('a cluster whose pgquake still runs is left alone, and named', async () => {
  const { running } = await startUntil('fault-in-effect');
  const { code, stdout } = await heal();
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      `-tortured: left alone; it belongs to pgquake, process ${running.pid}, which still runs\n$`,
    ),
  });
  expect((await running.ended).code).toBeLessThanOrEqual(2);
  expect(remains()).toEqual([]);
});

test('what cannot be healed is told with what to do, and exit code 4', async () => {
  const { running, folder } = await startUntil('fault-in-effect');
  running.kill('SIGKILL');
  await running.ended;
  const file = join(folder, 'cluster.json');
  const content = readFileSync(file, 'utf8');
  writeFileSync(file, content.slice(0, 40));
  const damaged = await heal();
  expect(damaged.code).toBe(4);
  expect(damaged.stderr).toMatch(/cluster\.json cannot be used.*\n.*hint.*by hand/s);

  writeFileSync(file, content);
  expect((await heal()).code).toBe(0);
  expect(remains()).toEqual([]);
  const unknown = await place.start(['heal', 'no-such-run', '--reports', place.reports]).ended;
  expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('no run no-such-run'),
  });
});
