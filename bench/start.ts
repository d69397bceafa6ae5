/**
 * How soon commands that start nothing are done, against a Node.js that does nothing: `--help`, `list`, `validate`. They
 * take turns. `node bench/start.ts [rounds]`
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { closing, over } from './figures.ts';

const GOAL = 3;
const COMMANDS = [['--help'], ['list'], ['validate', 'one-worker']] as const;
const rounds = Number(process.argv[2] ?? 15);
const root = join(import.meta.dirname, '..');

function millisecondsOf(args: readonly string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}

const pgquake = join(root, 'bin/pgquake.cjs');
const ratios = COMMANDS.map((): number[] => []);
for (let round = 0; round <= rounds; round++) {
  const nothing = millisecondsOf(['-e', '0']);
  for (const [i, command] of COMMANDS.entries()) {
    const took = millisecondsOf([pgquake, ...command]);
    // The first fills caches.
    if (round > 0) ratios[i]?.push(took / nothing);
    if (round === rounds)
      console.log(`${command.join(' ')}: ${took.toFixed(0)} ms, node -e 0: ${nothing.toFixed(0)} ms`);
  }
}
closing(
  COMMANDS.map((command, i) => ({ what: `${command.join(' ')} / node -e 0`, ...over(ratios[i] ?? []), goal: GOAL })),
);
