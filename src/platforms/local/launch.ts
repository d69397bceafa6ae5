/** Starts the program of a node on this machine. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { until } from '../../model/until.ts';
import { type Account, identity, serverEnvironment } from './account.ts';
import { openLog } from './log.ts';
import { type ProcessKey, processOf } from './processes.ts';

/** As `nice -n 5`, which needs no privilege. */
const SERVER_NICENESS = 5;
const YIELD_LIMIT_MS = 2_000;
const POLL_MS = 5;

export interface LaunchOptions {
  readonly account: Account | undefined;
  /** A folder that the account can enter. */
  readonly cwd: string;
  /** The PATH; pgquake's own by default. */
  readonly path?: string;
  /** Gets its output. */
  readonly logFile: string;
}

/**
 * Starts a program that outlives pgquake.
 * @returns its process; `undefined` if it has ended already.
 * @throws when it cannot be started.
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
      // In its own session, so that Ctrl-C in the terminal reaches only pgquake.
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
 * Servers yield to pgquake's load on the same machine: a starving client would measure itself. A refusal only costs
 * accuracy; `load-kept-its-schedule` reports when that matters.
 */
async function yieldToClient({ pid }: ProcessKey): Promise<void> {
  try {
    setPriority(pid, SERVER_NICENESS);
  } catch {}
  // Linux may share processors out by session; niceness then counts only within one, and each server has its own. An
  // ordinary user may change one session every 100 ms.
  await until({ limitMs: YIELD_LIMIT_MS, everyMs: POLL_MS }, () =>
    writeFile(`/proc/${pid}/autogroup`, String(SERVER_NICENESS)).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => (error.code === 'EAGAIN' ? 'its turn' : undefined),
    ),
  );
}
