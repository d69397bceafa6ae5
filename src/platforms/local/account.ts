/**
 * Who runs the servers, and programs run as that account. PostgreSQL refuses to run as root; so as root
 * an account without rights runs it.
 */

import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { EnvironmentError } from '../../model/errors.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const TERMINATION_LIMIT_MS = 5_000;
const PREFERRED_ACCOUNTS = ['postgres', 'nobody'];

/** The first account of these names in the text of `/etc/passwd` that is not root's. */
export function accountFrom(passwd: string, names: readonly string[]): Account | undefined {
  const accounts = passwd.split('\n').flatMap((line): Account[] => {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
  return names.flatMap((name) => accounts.filter((account) => account.name === name && account.uid !== 0))[0];
}

/**
 * The account that servers are to run as; `undefined` for the one that pgquake itself runs as.
 * @throws EnvironmentError as root on a machine with neither `postgres` nor `nobody`, and as a user id without an account.
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

/** As in a container that is given any user id: initdb refuses it. */
function refuseWithoutAccount(): void {
  try {
    userInfo();
  } catch {
    const id = process.getuid?.();
    throw new EnvironmentError(`the user id ${id} has no account, and PostgreSQL's initdb does not run without one`, {
      code: 'no-server-account',
      hint: `give it one, as root: echo "pgquake:x:${id}:${process.getgid?.()}::/tmp:/bin/sh" >> /etc/passwd; or run pgquake as another user, or with --platform docker`,
    });
  }
}

/** What `spawn` needs to run something as an account. */
export function identity(account: Account | undefined): { readonly uid?: number; readonly gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {};
}

/** What it takes to start a program, and nothing that changes what it does. */
const PASSED_ON = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'TMPDIR'];

/**
 * The environment for PostgreSQL's programs. PG* variables would become defaults of every connection that one server
 * makes to another, TZ and LC_* settings of the cluster; so only what starts a program is passed on, and messages are
 * in English.
 */
export function serverEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const passedOn = Object.entries(env).filter(([name]) => PASSED_ON.includes(name));
  return { ...Object.fromEntries(passedOn), LC_ALL: 'C' };
}

export interface RunOptions {
  readonly account: Account | undefined;
  /** Must be a folder that the account can enter. */
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Its standard input. */
  readonly input?: string;
}

/**
 * Runs a program to its end.
 * @returns what it printed.
 * @throws Error with what it printed to stderr.
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { account, cwd, timeoutMs, signal, input = '' } = options;
  // Loaded when it is used: most commands start no program.
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    ...identity(account),
    cwd,
    env: serverEnvironment(),
    extendEnv: false,
    input,
    stripFinalNewline: false,
    timeout: timeoutMs,
    // Not SIGKILL at once: initdb and the server it runs have shared memory to give back.
    killSignal: 'SIGTERM',
    forceKillAfterDelay: TERMINATION_LIMIT_MS,
    ...(signal ? { cancelSignal: signal } : {}),
    reject: false,
  });
  signal?.throwIfAborted();
  if (!result.failed) return result.stdout;
  const reason = result.timedOut ? `no end within ${timeoutMs} ms` : result.stderr.trim() || result.shortMessage;
  throw new Error(reason, { cause: result });
}
