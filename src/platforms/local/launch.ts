/** Starts the program of a node on this machine. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { EnvironmentError } from '../../model/errors.ts';
import { until } from '../../model/until.ts';
import { type Account, identity, serverEnvironment } from './account.ts';
import { openLog } from './log.ts';
import { type ProcessKey, processOf } from './processes.ts';

/** As `nice -n 5`, which needs no privilege. */
const SERVER_NICENESS = 5;
const YIELD_LIMIT_MS = 2_000;
/** PostgreSQL kills children that do not react to SIGQUIT, as frozen ones, after 5 s. */
const QUIT_LIMIT_MS = 8_000;
const KILL_LIMIT_MS = 2_000;
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

/** A process that this pgquake started. */
export interface LaunchedProcess extends ProcessKey {
  /**
   * Ends it without a look at `/proc`, for when that cannot be read: PostgreSQL's SIGQUIT ends its children too. Safe: its
   * id stays taken until Node.js has seen its end, and then nothing is signalled.
   * @throws EnvironmentError if it is still there after 10 s.
   */
  end(): Promise<void>;
}

/**
 * Starts a program that outlives pgquake.
 * @returns its process; `undefined` if it has ended already.
 * @throws when it cannot be started.
 */
export async function launch(
  [program, ...args]: readonly string[],
  { account, cwd, path, logFile }: LaunchOptions,
): Promise<LaunchedProcess | undefined> {
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
    const info = await processOf(child.pid as number).catch(async (error: unknown) => {
      // An unknown process would stay for ever.
      await endChild(child);
      throw error;
    });
    if (!info) return undefined;
    const { pid, startTime } = info;
    void yieldToClient({ pid, startTime });
    return { pid, startTime, end: () => endChild(child) };
  } finally {
    await log?.close();
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  const ended = () => (child.exitCode ?? child.signalCode) !== null;
  const within = (limitMs: number) =>
    until({ limitMs, everyMs: POLL_MS }, () => Promise.resolve(ended() ? undefined : 'its end'));
  child.kill('SIGQUIT');
  child.kill('SIGCONT');
  if ((await within(QUIT_LIMIT_MS)) === undefined) return;
  child.kill('SIGKILL');
  if ((await within(KILL_LIMIT_MS)) === undefined) return;
  throw new EnvironmentError(`process ${child.pid} outlived SIGKILL`, { code: 'signal-without-effect' });
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
