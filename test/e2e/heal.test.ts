/**
 * Torture: pgquake is killed with SIGKILL at random moments of a run with several faults at once; after
 * `pgquake heal` every process, segment and folder of the run must be gone.
 *
 * PGQUAKE_TORTURE_MOMENTS (6 by default), PGQUAKE_TORTURE_DOCKER_MOMENTS (2) and PGQUAKE_TORTURE_SEED choose
 * how often and when; `npm run torture` is the long form.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PHASES } from '../../src/model/event.ts';
import { seededIndex } from '../../src/plan/random.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, traces } from '../support/docker.ts';
import { processesIn } from '../support/local-cluster.ts';

const MOMENTS = {
  local: Number(process.env.PGQUAKE_TORTURE_MOMENTS ?? 6),
  docker: Number(process.env.PGQUAKE_TORTURE_DOCKER_MOMENTS ?? 2),
} as const;
type PlatformName = keyof typeof MOMENTS;
const SEED = Number(process.env.PGQUAKE_TORTURE_SEED ?? 1);
const NO_DOCKER = await dockerMissing('test/e2e/heal.test.ts, on containers');
/** A run and a heal on a busy machine. */
const LIMIT_PER_MOMENT_MS = 60_000;

const SCENARIO = `name: tortured
summary: Every node is struck in another way, all at once.
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
  - { fault: read-only, target: worker4, at: 100ms, for: 1s }
  - { fault: lock-table, target: coordinator, table: rooms, at: 200ms, for: 1s }
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

const env = { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE };
const heal = () => place.start(['heal', '--reports', place.reports], env).ended;

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

/** Everything on the Docker engine of the projects of the runs that were made here. */
async function containerRemains(): Promise<string[]> {
  const projects = runFolders().flatMap((folder) => {
    const file = join(folder, 'docker-compose.yml');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return /pgquake\.project: (\S+)/.exec(text)?.[1] ?? [];
  });
  return (await Promise.all(projects.map(traces))).flat();
}

/** Starts a run and waits until such an event is on disk. */
async function startUntil(type: string, { phase, on = 'local' }: { phase?: string; on?: PlatformName } = {}) {
  const earlier = runFolders();
  const file = place.scenario('tortured', SCENARIO.replace('platform: local', `platform: ${on}`));
  const running = place.start([file, '--reports', place.reports], env);
  const giveUpAt = performance.now() + LIMIT_PER_MOMENT_MS;
  const isIt = (event: Recorded) => event.type === type && (phase === undefined || event.phase === phase);
  for (;;) {
    const folder = runFolders().find((name) => !earlier.includes(name));
    if (folder !== undefined && eventsIn(folder).some(isIt)) return { running, folder };
    if (performance.now() > giveUpAt) throw new Error(`no ${type} within ${LIMIT_PER_MOMENT_MS} ms`);
    await sleep(5);
  }
}

/** How long each phase took, in a run that nobody disturbed. */
function lengthsIn(folder: string): { phase: string; lengthMs: number }[] {
  const events = eventsIn(folder);
  return events.flatMap(({ type, phase, at }) => {
    const end = events.find((event) => event.type === 'phase-ended' && event.phase === phase);
    return type === 'phase-started' && phase && end ? [{ phase, lengthMs: end.at - at }] : [];
  });
}

const platforms: { on: PlatformName; skipped: boolean }[] = [
  { on: 'local', skipped: MOMENTS.local === 0 },
  { on: 'docker', skipped: NO_DOCKER !== undefined || MOMENTS.docker === 0 },
];

for (const { on, skipped } of platforms) {
  const moments = MOMENTS[on];
  test.skipIf(skipped)(
    `platform ${on}: after kill -9 at any of ${moments} moments, heal leaves nothing of the run`,
    async () => {
      const whole = await startUntil('platform-chosen', { on });
      expect((await whole.running.ended).code).toBeLessThanOrEqual(2);
      const lengths = lengthsIn(whole.folder);
      expect(lengths.map(({ phase }) => phase)).toEqual(PHASES);
      const totalMs = lengths.reduce((sum, { lengthMs }) => sum + lengthMs, 0);
      const random = seededIndex(SEED);
      const hits = new Map<string, number>();
      let orphans = 0;
      for (let moment = 1; moment <= moments; moment++) {
        // Every other moment is one of a phase, in turn and the faults first: some are over in no time.
        const turn = PHASES.indexOf('fault') + moment / 2 - 1;
        const chosen = moment % 2 === 0 ? lengths[turn % lengths.length] : undefined;
        const afterMs = random(Math.ceil(chosen?.lengthMs ?? totalMs) + 1);
        const { running, folder } = chosen
          ? await startUntil('phase-started', { phase: chosen.phase, on })
          : await startUntil('platform-chosen', { on });
        await sleep(afterMs);
        running.kill('SIGKILL');
        await running.ended;

        const phase = eventsIn(folder).findLast((event) => event.type === 'phase-started')?.phase ?? 'before provision';
        hits.set(phase, (hits.get(phase) ?? 0) + 1);
        const orphaned = existsSync(join(folder, 'cluster.json'));

        const healed = await heal();
        const when = `moment ${moment} of seed ${SEED}: ${afterMs} ms into ${chosen?.phase ?? 'the run'}, ${phase}`;
        const context = `${when}\n${healed.stdout}${healed.stderr}`;
        expect(healed.code, context).toBe(0);
        expect(remains(), context).toEqual([]);
        if (on === 'docker') expect(await containerRemains(), context).toEqual([]);
        if (orphaned) {
          expect(eventsIn(folder).at(-1)?.type, context).toBe('reclaimed');
          orphans++;
        }
        expect((await heal()).stdout).toContain('nothing was left behind');
      }
      // Nothing that was still under way has appeared since.
      expect(remains()).toEqual([]);
      if (on === 'docker') expect(await containerRemains()).toEqual([]);
      const spread = [...hits].map(([phase, count]) => `${phase} ${count}`).join(', ');
      console.log(
        `torture on ${on}: ${moments} x kill -9, seed ${SEED}: ${orphans} clusters orphaned and removed, nothing left of any (killed in ${spread})`,
      );
      expect(orphans).toBeGreaterThan(0);
    },
    LIMIT_PER_MOMENT_MS * (moments + 1),
  );
}

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
