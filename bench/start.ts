/**
 * How soon commands that start nothing are done, against a Node.js that does nothing: `--help`, `list`, `validate`. Beside
 * them the packages alone, and these with pgquake's schemas. All take turns. `node bench/start.ts [rounds]`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { barePrograms } from './bare-start.ts';
import { closing, over, shown } from './figures.ts';

const GOAL = 3;
const LIMIT = 'yargs, yaml, zod and the schemas of all faults, checks and workloads, used once';
const COMMANDS = [['--help'], ['list'], ['validate', 'one-worker']] as const;
const rounds = Number(process.argv[2] ?? 15);
const root = join(import.meta.dirname, '..');

const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));

function millisecondsOf(args: readonly string[], env = process.env): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 30_000, env });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}

const pgquake = join(root, 'bin/pgquake.cjs');
const ratios = COMMANDS.map((): number[] => []);
const packagesRatios: number[] = [];
const schemasRatios: number[] = [];
try {
  const bare = await barePrograms(folder);
  const scenario = join(root, 'scenarios/one-worker.yaml');
  const withCache = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  for (let round = 0; round <= rounds; round++) {
    const nothing = millisecondsOf(['-e', '0']);
    const packages = millisecondsOf([bare.packages, 'read', scenario], withCache);
    const schemas = millisecondsOf([bare.schemas, 'read', scenario], withCache);
    // The first fills caches.
    if (round > 0) {
      packagesRatios.push(packages / nothing);
      schemasRatios.push(schemas / nothing);
    }
    for (const [i, command] of COMMANDS.entries()) {
      const took = millisecondsOf([pgquake, ...command]);
      if (round > 0) ratios[i]?.push(took / nothing);
      if (round === rounds) console.log(`${command.join(' ')}: ${took.toFixed(0)} ms`);
    }
    if (round === rounds) {
      const bareMs = `the packages alone: ${packages.toFixed(0)} ms, with all schemas: ${schemas.toFixed(0)} ms`;
      console.log(`${bareMs}, node -e 0: ${nothing.toFixed(0)} ms`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`the packages alone / node -e 0: ${shown(over(packagesRatios).figure)}`);
closing(
  COMMANDS.map((command, i) => ({
    what: `${command.join(' ')} / node -e 0`,
    ...over(ratios[i] ?? []),
    goal: GOAL,
    ...(command[0] === 'validate' ? { limit: { what: LIMIT, figure: over(schemasRatios).figure } } : {}),
  })),
);
