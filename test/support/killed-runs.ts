/** Runs with several faults at once that are killed with SIGKILL, and what is left of them. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Workplace } from './cli.ts';
import { projectOf, traces } from './docker.ts';
import { processesIn } from './local-cluster.ts';
import { SMALL_WORKLOAD } from './small-scenario.ts';

export const SCENARIO = `name: tortured
summary: Every node is struck in another way, all at once.
cluster: { workers: 4, replication: 2, shards: 4, platform: local }
${SMALL_WORKLOAD}probes: { rate: 10/s }
steady-state: { for: 300ms }
faults:
  - { fault: node-stop, target: worker1, at: 0s, for: 1500ms }
  - { fault: node-pause, target: worker2, at: 100ms, for: 1500ms }
  - { fault: node-kill, target: worker3, at: 200ms, for: 1s }
  - { fault: read-only, target: worker4, at: 100ms, for: 1s }
  - { fault: lock-table, target: coordinator, table: rooms, at: 200ms, for: 1s }
settle: { within: 300ms }
hypothesis:
  - { check: no-duplicates }
`;

/** Every look reads all events of the run; more often it would keep a processor busy. */
const LOOK_AGAIN_MS = 25;
/** A run and a heal on a busy machine. */
export const LIMIT_PER_MOMENT_MS = 60_000;
const env = { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE };

export interface Recorded {
  readonly at: number;
  readonly type: string;
  readonly phase?: string;
}

export function eventsIn(folder: string): Recorded[] {
  const file = join(folder, 'events.ndjson');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Recorded);
}

/** Columns of /proc/sysvipc/shm: `cpid` and `ctime`, in seconds. https://man7.org/linux/man-pages/man5/proc_sysvipc.5.html */
const MADE_BY = 4;
const CHANGED_AT = 13;

/** Segments that postmasters of this run made; their process ids stand in the servers' logs. */
function segmentsOf(folder: string): string[] {
  const logs = existsSync(join(folder, 'logs')) ? readdirSync(join(folder, 'logs')) : [];
  const pids = logs.flatMap((log) =>
    [...readFileSync(join(folder, 'logs', log), 'utf8').matchAll(/\[(\d+)\]/g)].map((match) => match[1]),
  );
  // Process numbers come round again, and what others left earlier stays: only what was made since the run began is its own.
  const begunAt = statSync(folder).birthtimeMs / 1_000 - 1;
  const table = readFileSync('/proc/sysvipc/shm', 'utf8').trimEnd().split('\n').slice(1);
  return table.filter((line) => {
    const columns = line.trim().split(/\s+/);
    return pids.includes(columns[MADE_BY]) && Number(columns[CHANGED_AT]) >= begunAt;
  });
}

/** How long each phase took, in a run that nobody disturbed. */
export function lengthsIn(folder: string): { phase: string; lengthMs: number }[] {
  const events = eventsIn(folder);
  return events.flatMap(({ type, phase, at }) => {
    const end = events.find((event) => event.type === 'phase-ended' && event.phase === phase);
    return type === 'phase-started' && phase && end ? [{ phase, lengthMs: end.at - at }] : [];
  });
}

/** The runs of one test. */
export class KilledRuns implements Disposable {
  readonly #on: 'local' | 'docker';
  readonly place = new Workplace();

  readonly #scenario: string;

  /** @param scenario named `tortured`, on the platform `local`. */
  constructor(on: 'local' | 'docker' = 'local', scenario = SCENARIO) {
    this.#on = on;
    this.#scenario = scenario;
  }

  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }

  heal() {
    return this.place.start(['heal', '--reports', this.place.reports], env).ended;
  }

  folders(): string[] {
    const { reports } = this.place;
    if (!existsSync(reports)) return [];
    const folders = readdirSync(reports, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return folders.map((entry) => join(reports, entry.name)).sort();
  }

  /** Everything of the clusters that were made here, in words. */
  async remains(): Promise<string[]> {
    return [
      ...this.place.leftovers(),
      ...processesIn(this.place.temporary).map((pid) => `process ${pid} works there`),
      ...this.folders().flatMap((folder) => [
        ...segmentsOf(folder).map((line) => `shared memory ${line.trim()}`),
        ...readdirSync(folder).filter((name) => name.startsWith('cluster.json')),
      ]),
      ...(this.#on === 'docker' ? await this.#containers() : []),
    ];
  }

  /** Everything on the Docker engine of the projects of the runs that were made here. */
  async #containers(): Promise<string[]> {
    // Of a file that was not written to its end nothing had been started.
    const made = this.folders().filter((folder) => {
      const file = join(folder, 'docker-compose.yml');
      return existsSync(file) && readFileSync(file, 'utf8').includes('pgquake.project: ');
    });
    const projects = made.map(projectOf);
    return (await Promise.all(projects.map(traces))).flat();
  }

  /**
   * Starts a run and waits until such an event is on disk. A run that ends before, because the machine bears no load at
   * that moment, is started again, twice at most.
   */
  async startUntil(type: string, phase?: string) {
    for (let again = 0; again <= 2; again++) {
      const started = await this.#startOnce(type, phase);
      if (started) return started;
    }
    throw new Error(`three runs ended before ${type}`);
  }

  async #startOnce(type: string, phase: string | undefined) {
    const earlier = this.folders();
    const file = this.place.scenario('tortured', this.#scenario.replace('platform: local', `platform: ${this.#on}`));
    const running = this.place.start([file, '--reports', this.place.reports], env);
    const giveUpAt = performance.now() + LIMIT_PER_MOMENT_MS;
    const isIt = (event: Recorded) => event.type === type && (phase === undefined || event.phase === phase);
    for (;;) {
      const folder = this.folders().find((name) => !earlier.includes(name));
      if (folder !== undefined && eventsIn(folder).some(isIt)) return { running, folder };
      if (running.exitCode !== null) return undefined;
      if (performance.now() > giveUpAt) throw new Error(`no ${type} within ${LIMIT_PER_MOMENT_MS} ms`);
      await sleep(LOOK_AGAIN_MS);
    }
  }
}
