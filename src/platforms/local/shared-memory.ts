/**
 * Removes what a killed server leaves in the kernel: a System V shared memory segment of a few bytes, by
 * which PostgreSQL guards a data folder. The next start of the server would remove it; a server that never
 * starts again leaves it until the machine restarts.
 */

import { readFile } from 'node:fs/promises';
import { run } from './account.ts';

const IPCRM_LIMIT_MS = 2_000;

/** The segment's id, from the lock file `postmaster.pid`: line 7 holds its key and its id. */
export function segmentIn(lockFile: string): string | undefined {
  return /^\s*\d+\s+(\d+)\s*$/.exec(lockFile.split('\n')[6] ?? '')?.[1];
}

/** For a data folder whose server is dead. Where it shut down in order there is no lock file, and nothing to do. */
export async function removeSharedMemory(dataFolder: string): Promise<void> {
  const lockFile = await readFile(`${dataFolder}/postmaster.pid`, 'utf8').catch(() => '');
  const segment = segmentIn(lockFile);
  if (segment === undefined) return;
  // Where ipcrm is missing, 56 bytes stay; that is no reason to fail.
  await run('ipcrm', ['-m', segment], { account: undefined, cwd: '/', timeoutMs: IPCRM_LIMIT_MS }).catch(
    () => undefined,
  );
}
