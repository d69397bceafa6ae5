/**
 * What a run costs beyond the phases that its scenario asks for: the wall time of `pgquake one-worker`, from the process'
 * start to its end, less its steady state, fault and settling: the ramp is pgquake's own. On the embedded cluster; and in Docker, where
 * PGQUAKE_IMAGE names an image, against Compose with the same nodes, up until all are healthy and down, in turn.
 * `node bench/own-share.ts [rounds]`
 */

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closing, type Figure, over } from './figures.ts';
import { ownSeconds } from './own-time.ts';

const GOALS = { localS: 2.5, dockerMoreS: 4 };
const LIMIT_MS = 120_000;
/** Each takes almost a minute. */
const DOCKER_ROUNDS = 2;
const rounds = Number(process.argv[2] ?? 5);
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));

/** In seconds. */
function ownShare(platform: string): number {
  const reports = mkdtempSync(join(folder, 'reports-'));
  const began = performance.now();
  const args = [join(root, 'bin/pgquake.cjs'), 'one-worker', '--platform', platform, '--reports', reports];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  const wallMs = performance.now() - began;
  if (status !== 0) throw new Error(`the run ended with ${status}\n${stdout}\n${stderr}`);
  const run = readdirSync(reports).find((name) => /^\d{4}-/.test(name)) as string;
  return ownSeconds(join(reports, run), wallMs);
}

/** Of the file in the checkout: the same five nodes. */
const COMPOSE_PROJECT = 'pgquake-bench';
const COMPOSE_NODES = 5;
const COMPOSE_ENV = { ...process.env, POSTGRES_PASSWORD: randomUUID(), PGQUAKE_PORT: '25432' };
const POLL_MS = 100;

function called(program: string, ...args: readonly string[]): string {
  const options = { cwd: root, encoding: 'utf8', timeout: LIMIT_MS, env: COMPOSE_ENV } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Seconds from `up` until every node is healthy, and down again. */
async function composeAlone(): Promise<number> {
  const isPlugin = spawnSync('docker', ['compose', 'version']).status === 0;
  const [program, ...first] = isPlugin ? ['docker', 'compose'] : ['docker-compose'];
  const compose = (...args: readonly string[]) =>
    called(program as string, ...first, '--project-name', COMPOSE_PROJECT, ...args);
  const began = performance.now();
  try {
    if (isPlugin) compose('up', '--wait', '--quiet-pull');
    else {
      // The first generation of Compose cannot wait.
      compose('up', '--detach');
      const ask = ['ps', '--quiet', '--filter', `label=com.docker.compose.project=${COMPOSE_PROJECT}`];
      const healthy = () =>
        called('docker', ...ask, '--filter', 'health=healthy')
          .trim()
          .split('\n');
      while (healthy().length < COMPOSE_NODES) {
        if (performance.now() - began > LIMIT_MS) throw new Error('not all of its nodes became healthy');
        await sleep(POLL_MS);
      }
    }
  } finally {
    compose('down', '--volumes');
  }
  return (performance.now() - began) / 1_000;
}

try {
  const local: number[] = [];
  const more: number[] = [];
  const inDocker = process.env.PGQUAKE_IMAGE !== undefined;
  for (let round = 0; round <= rounds; round++) {
    const own = ownShare('local');
    console.log(`embedded: ${own.toFixed(2)} s beyond the scenario's phases`);
    // The first fills caches.
    if (round > 0) local.push(own);
    if (!inDocker || round === 0 || round > DOCKER_ROUNDS) continue;
    const [ours, compose] = [ownShare('docker'), await composeAlone()];
    console.log(`Docker: ${ours.toFixed(2)} s, Compose alone ${compose.toFixed(2)} s`);
    more.push(ours - compose);
  }
  const figures: Figure[] = [{ what: 'embedded cluster, seconds', ...over(local), goal: GOALS.localS }];
  if (inDocker) {
    figures.push({ what: 'Docker, seconds more than Compose up and down', ...over(more), goal: GOALS.dockerMoreS });
  }
  closing(figures);
} finally {
  rmSync(folder, { recursive: true });
}
