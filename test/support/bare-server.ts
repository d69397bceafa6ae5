/** A server that pgquake has not made: the embedded PostgreSQL in a folder of the test's, run by the test. */

import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../src/model/address.ts';
import { run } from '../../src/platforms/local/account.ts';
import { type Binaries, findBinaries } from '../../src/platforms/local/binaries.ts';
import { Cache } from '../../src/platforms/local/cache.ts';
import { Session } from '../../src/sql/session.ts';

const LIMIT_MS = 60_000;

/** @returns the programs, whose account owns the folder. */
export async function initialise(data: string, settings: string): Promise<Binaries> {
  const binaries = await findBinaries(await Cache.open());
  const { account } = binaries;
  execFileSync('install', ['-d', '-m', '700', ...(account ? ['-o', account.name] : []), data]);
  const options = ['--pgdata', data, '--username', 'app', '--auth', 'trust', '--no-sync'];
  await run(binaries.initdb, options, { account, cwd: '/', timeoutMs: LIMIT_MS });
  appendFileSync(join(data, 'postgresql.conf'), `unix_socket_directories = ''\nfsync = off\n${settings}\n`);
  return binaries;
}

/** A folder that has been initialised, and never started, once more: as a standby. */
export function copyAsStandby(data: string, standby: string, settings: string): void {
  execFileSync('cp', ['-a', data, standby]);
  appendFileSync(join(standby, 'postgresql.conf'), `${settings}\n`);
  writeFileSync(join(standby, 'standby.signal'), '');
}

export async function untilAnswers(address: Address): Promise<void> {
  const giveUpAt = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      await using _session = await Session.connect(address, { applicationName: 'test', connectTimeoutMs: 2_000 });
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(100);
    }
  }
}
