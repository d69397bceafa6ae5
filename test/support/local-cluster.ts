/** Small clusters of real servers for tests, and what they leave behind. */

import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataset } from '../../src/cluster/engine.ts';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { Session } from '../../src/sql/session.ts';

export const NEVER = new AbortController().signal;

/** 100 partition keys, 200 members, 500 messages; names that must be quoted among the columns. */
export const smallDataset: Dataset = (() => {
  const partitionKeys = Array.from({ length: 100 }, (_, i) => i + 1);
  const partitionKey = { name: 'room_id', type: 'int' };
  return {
    partitionKeys,
    tables: [
      {
        name: 'rooms',
        columns: [partitionKey, { name: 'Room "Name"', type: 'text' }],
        primaryKey: ['room_id'],
        rows: partitionKeys.map((id) => [id, `room's ${id}`]),
      },
      {
        name: 'room_members',
        columns: [partitionKey, { name: 'user', type: 'int' }],
        primaryKey: ['room_id', 'user'],
        rows: partitionKeys.flatMap((id) => [1, 2].map((user) => [id, user])),
      },
      {
        name: 'messages',
        columns: [partitionKey, { name: 'seq', type: 'bigint' }, { name: 'body', type: 'text' }],
        primaryKey: ['room_id', 'seq'],
        rows: partitionKeys.flatMap((id) => [1, 2, 3, 4, 5].map((seq) => [id, seq, `message ${seq} of room ${id}`])),
      },
    ],
  };
})();

/** As it is before a test sets TMPDIR. */
const TEMPORARY = tmpdir();

/** A folder that is removed at the end of the scope. */
export async function temporaryFolder(parent = TEMPORARY) {
  const path = await mkdtemp(join(parent, 'pgquake-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function connect(node: NodeControl, connectTimeoutMs = 2_000): Promise<Session> {
  return Session.connect(node.address(), { connectTimeoutMs, applicationName: 'pgquake-test' });
}

/** Processes that work in a folder or below it. Linux only, as the tests of processes are. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
      } catch {
        return false; // A kernel thread, or it ended meanwhile.
      }
    })
    .map(Number);
}

/** What `/proc` has of each process that works in the folder; one that ends meanwhile is left out. */
export function ofProcessesIn<T>(folder: string, look: (process: string) => T): T[] {
  return processesIn(folder).flatMap((pid) => {
    try {
      return [look(`/proc/${pid}`)];
    } catch {
      return [];
    }
  });
}

/** SIGSTOP to the postmaster, and to none of the processes below it: for so long new connections wait. */
export async function freezePostmaster(node: NodeControl, ms: number): Promise<void> {
  await using session = await connect(node);
  const [row] = await session.query("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)");
  const pid = Number(row?.[0]);
  process.kill(pid, 'SIGSTOP');
  await sleep(ms);
  process.kill(pid, 'SIGCONT');
}
