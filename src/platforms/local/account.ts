/**
 * The account of the servers, and running programs as that account. PostgreSQL refuses to run as root, so root uses an
 * account without privileges.
 */

import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { atALimit, EnvironmentError } from '../../model/errors.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const TERMINATION_LIMIT_MS = 5_000;
const LOOK_LIMIT_MS = 10_000;
const PREFERRED_ACCOUNTS = ['postgres', 'nobody'];

/** The first of these names in the text of `/etc/passwd` that is not root. */
export function accountFrom(passwd: string, names: readonly string[]): Account | undefined {
  const accounts = passwd.split('\n').flatMap((line): Account[] => {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
  return names.flatMap((name) => accounts.filter((account) => account.name === name && account.uid !== 0))[0];
}

/**
 * The account for the servers; `undefined` for pgquake's own.
 * @throws EnvironmentError as root without an account `postgres` or `nobody`, and as a user id without an account.
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) {
    refuseWithoutAccount();
    return undefined;
  }
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const account = accountFrom(passwd, PREFERRED_ACCOUNTS);
  if (account) return account;
  throw new EnvironmentError('PostgreSQL does not run as root, and /etc/passwd names neither "postgres" nor "nobody"', {
    code: 'no-server-account',
    hint: 'add an account named postgres, or run pgquake as an ordinary user',
  });
}

/** initdb refuses a user id without an account, which containers may have. */
function refuseWithoutAccount(): void {
  try {
    userInfo();
  } catch {
    const id = process.getuid?.();
    throw new EnvironmentError(`user id ${id} has no account, and PostgreSQL's initdb needs one`, {
      code: 'no-server-account',
      hint: `add one as root: echo "pgquake:x:${id}:${process.getgid?.()}::/tmp:/bin/sh" >> /etc/passwd; or run pgquake as another user, or with --platform docker`,
    });
  }
}

/** The options of `spawn` that run a program as an account. */
export function identity(account: Account | undefined): { readonly uid?: number; readonly gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {};
}

/** Needed to start a program, without effect on what it does. */
const PASSED_ON = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'TMPDIR'];

/**
 * The environment of PostgreSQL's programs, with messages in English. Nothing else is passed on: PG* variables would be
 * defaults of connections between servers, and TZ and LC_* would be settings of the cluster.
 */
export function serverEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const passedOn = Object.entries(env).filter(([name]) => PASSED_ON.includes(name));
  return { ...Object.fromEntries(passedOn), LC_ALL: 'C' };
}

export interface RunOptions {
  readonly account: Account | undefined;
  /** A folder that the account can enter. */
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Standard input; empty by default. */
  readonly input?: string;
}

/**
 * Runs a program to its end.
 * @returns its standard output.
 * @throws Error with its standard error; EnvironmentError if a limit on files, processes or memory kept it from starting.
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { account, cwd, timeoutMs, signal, input = '' } = options;
  // Loaded on demand: most commands start no program.
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    ...identity(account),
    cwd,
    env: serverEnvironment(),
    extendEnv: false,
    input,
    stripFinalNewline: false,
    timeout: timeoutMs,
    // Not SIGKILL at once: initdb and its server must release shared memory.
    killSignal: 'SIGTERM',
    forceKillAfterDelay: TERMINATION_LIMIT_MS,
    ...(signal ? { cancelSignal: signal } : {}),
    reject: false,
  });
  signal?.throwIfAborted();
  if (!result.failed) return result.stdout;
  const limit = atALimit(result.cause);
  if (limit) throw limit;
  const reason = result.timedOut ? `still running after ${timeoutMs} ms` : result.stderr.trim() || result.shortMessage;
  throw new Error(reason, { cause: result });
}

/** Prints the first of its arguments that it cannot enter. */
const FIRST_BARRED = 'for folder; do cd -- "$folder" 2>/dev/null || { printf %s "$folder"; break; }; done';

/**
 * Makes sure that the servers' account can enter a folder, which another account's folders on the way may prevent.
 * @throws Error with the first folder on the way that it cannot enter.
 */
export async function mustEnter(folder: string, account: Account | undefined): Promise<void> {
  if (!account) return;
  const way = [resolve(folder)];
  for (let at = resolve(folder); dirname(at) !== at; at = dirname(at)) way.unshift(dirname(at));
  const options = { account, cwd: '/', timeoutMs: LOOK_LIMIT_MS };
  const barred = await run('/bin/sh', ['-c', FIRST_BARRED, 'sh', ...way], options);
  if (barred) throw new Error(`it cannot enter ${barred}`);
}
