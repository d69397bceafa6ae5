/**
 * How long an act on a container takes through pgquake and through the `docker` command, as a ratio: from
 * the call until the engine says that it is done. The two take turns, so that a busy machine hits both.
 *
 *   PGQUAKE_IMAGE=... node bench/docker-act.ts [rounds]
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { untilServes } from '../src/cluster/health.ts';
import type { DockerNode } from '../src/platforms/docker/node.ts';
import { docker } from '../src/platforms/docker.ts';
import { sharded, workersOf } from '../test/support/sharded.ts';
import { median } from './figures.ts';

const rounds = Number(process.argv[2] ?? 15);
const runFolder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
const run = promisify(execFile);

const nodes = await docker.provision({
  nodes: sharded({ workers: 1, replication: 1, partitions: 1 }).nodes,
  settings: {},
  runFolder,
  signal: new AbortController().signal,
});
try {
  const node = workersOf(nodes)[0] as DockerNode;
  for (const [act, undo] of [
    ['kill', 'start'],
    ['stop', 'start'],
    ['pause', 'resume'],
  ] as const) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await timed(() => node[act]()));
      await heal(node, undo);
      theirs.push(await timed(() => run('docker', [act, node.containerName])));
      await heal(node, undo);
    }
    const [a, b] = [median(ours), median(theirs)];
    console.log(
      `${act.padEnd(5)}  pgquake ${a.toFixed(1)} ms  docker ${b.toFixed(1)} ms  ratio ${(a / b).toFixed(2)}  (medians of ${rounds})`,
    );
  }
} finally {
  await nodes.dispose();
  rmSync(runFolder, { recursive: true, force: true });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function heal(node: DockerNode, undo: 'start' | 'resume'): Promise<void> {
  await node[undo]();
  await untilServes(node, 20_000);
}
