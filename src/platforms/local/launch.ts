/** Starts what a node of this machine lives for. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { until } from '../../model/until.ts';
import { type Account, identity, serverEnvironment } from './account.ts';
import { openLog } from './log.ts';
import { type ProcessKey, processOf } from './processes.ts';

/** As `nice -n 5`; anybody may be nicer. */
const SERVER_NICENESS = 5;
const YIELD_LIMIT_MS = 2_000;
const POLL_MS = 5;

export interface LaunchOptions {
  readonly account: Account | undefined;
  /** Must be a folder that the account can enter. */
  readonly cwd: string;
  /** That of pgquake by default. */
  readonly path?: string;
  /** Gets what it prints. */
  readonly logFile: string;
}

/**
 * Starts a program that goes on when pgquake ends.
 * @returns its process; `undefined` where that has ended already.
 * @throws where it cannot be started.
 */
export async function launch(
  [program, ...args]: readonly string[],
  { account, cwd, path, logFile }: LaunchOptions,
): Promise<ProcessKey | undefined> {
  const log = await openLog(logFile);
  try {
    const child = spawn(program as string, args, {
      ...identity(account),
      cwd,
      env: { ...serverEnvironment(), ...(path === undefined ? {} : { PATH: path }) },
      stdio: ['ignore', log?.fd ?? 'ignore', log?.fd ?? 'ignore'],
      // In a session of its own, so that Ctrl-C in the terminal reaches pgquake alone.
      detached: true,
    });
    await once(child, 'spawn');
    child.unref();
    const info = await processOf(child.pid as number);
    if (!info) return undefined;
    const { pid, startTime } = info;
    void yieldToClient({ pid, startTime });
    return { pid, startTime };
  } finally {
    await log?.close();
  }
}

/**
 * Servers give way to pgquake's own load on the same machine: a client that starves measures itself. A refusal costs
 * accuracy and nothing else; `load-kept-its-schedule` tells when it matters.
 */
async function yieldToClient({ pid }: ProcessKey): Promise<void> {
  try {
    setPriority(pid, SERVER_NICENESS);
  } catch {}
  // Linux may divide processors among sessions, and a server has one of its own: niceness then counts inside it alone.
  // Who is not root may change one session in a tenth of a second.
  await until({ limitMs: YIELD_LIMIT_MS, everyMs: POLL_MS }, () =>
    writeFile(`/proc/${pid}/autogroup`, String(SERVER_NICENESS)).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => (error.code === 'EAGAIN' ? 'its turn' : undefined),
    ),
  );
}
