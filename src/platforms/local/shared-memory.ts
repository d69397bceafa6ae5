/**
 * Removes the small System V shared memory segment by which PostgreSQL guards a data folder. A killed server leaves it in
 * the kernel until the server or the machine starts again.
 */

import { readFile } from 'node:fs/promises';
import { run } from './account.ts';

const IPCRM_LIMIT_MS = 2_000;

/** A System V shared memory segment. */
export interface Segment {
  readonly key: string;
  readonly id: string;
}

/** The segment in the lock file `postmaster.pid`: line 7 holds its key and its id. */
export function segmentIn(lockFile: string): Segment | undefined {
  const [, key, id] = /^\s*(\d+)\s+(\d+)\s*$/.exec(lockFile.split('\n')[6] ?? '') ?? [];
  return key === undefined || id === undefined ? undefined : { key, id };
}

/** Whether `/proc/sysvipc/shm` lists the segment with its key: another segment may have its id by now. */
export function lists(table: string, { key, id }: Segment): boolean {
  // The table shows the key as a signed number of 32 bits, the lock file as an unsigned one of 64.
  const signed = String(BigInt.asIntN(32, BigInt(key)));
  return table.split('\n').some((line) => {
    const [listedKey, listedId] = line.trim().split(/\s+/);
    return listedKey === signed && listedId === id;
  });
}

/** For the data folder of a dead server. After a clean shutdown there is no lock file, and nothing to do. */
export async function removeSharedMemory(dataFolder: string): Promise<void> {
  const lockFile = await readFile(`${dataFolder}/postmaster.pid`, 'utf8').catch(() => '');
  const segment = segmentIn(lockFile);
  if (segment === undefined) return;
  const table = await readFile('/proc/sysvipc/shm', 'utf8').catch(() => undefined);
  if (table !== undefined && !lists(table, segment)) return;
  // Without ipcrm, 56 bytes stay: no reason to fail.
  await run('ipcrm', ['-m', segment.id], { account: undefined, cwd: '/', timeoutMs: IPCRM_LIMIT_MS }).catch(
    () => undefined,
  );
}
