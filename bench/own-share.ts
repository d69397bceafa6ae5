/**
 * What a run costs beyond the phases that its scenario asks for: the wall time of `pgquake one-worker`, from the process'
 * start to its end, less its steady state, fault and settling: the ramp is pgquake's own. On the embedded cluster; and in Docker, where
 * PGQUAKE_IMAGE names an image, against `docker-compose up` of the same nodes until all are healthy, in turn.
 * `node bench/own-share.ts [rounds]`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closing, type Figure, over } from './figures.ts';
import { ownSeconds } from './own-time.ts';

const GOALS = { localS: 2.5, dockerMoreS: 4 };
const LIMIT_MS = 120_000;
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

/** Seconds from `up` until every node is healthy, and down again. */
function composeAlone(): number {
  const began = performance.now();
  const project = ['--project-name', 'pgquake-bench'];
  const run = (args: readonly string[]) => {
    const { status, stderr } = spawnSync('docker', ['compose', ...project, ...args], {
      cwd: root,
      encoding: 'utf8',
      timeout: LIMIT_MS,
    });
    if (status !== 0) throw new Error(stderr);
  };
  try {
    run(['up', '--wait', '--quiet-pull']);
  } finally {
    run(['down', '--volumes']);
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
    if (!inDocker || round === 0) continue;
    const [ours, compose] = [ownShare('docker'), composeAlone()];
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
