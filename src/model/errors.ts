/**
 * Errors other than those of the cluster under test, classed by who must act. A hypothesis that does not hold is a
 * verdict, not an error.
 */

import { codeFolder } from './package-files.ts';
import { withoutSecrets } from './secrets.ts';

export interface HarnessErrorOptions {
  /** Stable, kebab-case, for programs: `scenario-invalid`, `binaries-missing`. */
  readonly code: string;
  /** What to do, in one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Base of all errors that pgquake raises on purpose. Anything else that escapes is a bug in pgquake. */
export abstract class HarnessError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(message: string, options: HarnessErrorOptions) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.hint = options.hint;
  }
}

/** The author of the scenario or of the command line must act (exit code 3). */
export class InputError extends HarnessError {}

/** The owner of the machine or of the cluster must act (exit code 4). */
export class EnvironmentError extends HarnessError {}

/** Wraps anything that is not an `EnvironmentError` in one. */
export function asEnvironmentError(error: unknown, code: string): EnvironmentError {
  return error instanceof EnvironmentError ? error : new EnvironmentError(errorText(error), { code, cause: error });
}

/** What to do about a limit on files, processes or memory, by the code of the system's error. */
const AT_A_LIMIT: Readonly<Record<string, string>> = {
  EMFILE: 'allow this process more open files, as with "ulimit -n 4096"',
  ENFILE: 'end other programs: this machine has no file descriptors left',
  EAGAIN: 'allow this user more processes, as with "ulimit -u 4096"',
  ENOMEM: 'end other programs: this machine has no memory left',
};

/** Other error codes of a machine that is short of something, not of a faulty program. */
const SHORTAGES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EPERM', 'EACCES']);

/** Options of Node.js, as in NODE_OPTIONS, forbid what pgquake needs: its threads, its packages, the files it reads. */
const FORBIDDEN = new Set(['ERR_INPUT_TYPE_NOT_ALLOWED', 'ERR_REQUIRE_ESM', 'ERR_ACCESS_DENIED']);

const NO_MODULE = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/** The error as an `EnvironmentError`, if it or one of its causes met a limit on files, processes or memory. */
export function atALimit(error: unknown): EnvironmentError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const hint = AT_A_LIMIT[codeOf(cause) ?? ''];
    if (hint !== undefined)
      return new EnvironmentError(errorText(error), { code: 'machine-short', hint, cause: error });
  }
  return undefined;
}

/** Turns a system error caused by a shortage, or by missing files of pgquake itself, into an `EnvironmentError`. */
export function attributed(error: unknown): unknown {
  if (error instanceof HarnessError) return error;
  const { syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  const code = codeOf(error) ?? '';
  const ownFile = code === 'ENOENT' && path?.startsWith(codeFolder());
  if (NO_MODULE.has(code) || ownFile) return notInstalled(error);
  if ((syscall !== undefined || reworded(error)) && code in AT_A_LIMIT) return atALimit(error);
  if (FORBIDDEN.has(code)) return forbidden(error);
  if (syscall === undefined || !SHORTAGES.has(code)) return error;
  return new EnvironmentError(errorText(error), { code: 'machine-short', cause: error });
}

function forbidden(cause: unknown): EnvironmentError {
  return new EnvironmentError(`an option of Node.js forbids what pgquake needs: ${errorText(cause)}`, {
    code: 'node-options',
    hint: 'run pgquake without NODE_OPTIONS and without options of node',
    cause,
  });
}

function notInstalled(cause: unknown): EnvironmentError {
  // Node.js adds the modules that asked for it.
  const [reason = ''] = (cause as Error).message.split('\n');
  return new EnvironmentError(`pgquake is not installed as a whole: ${withoutSecrets(reason)}`, {
    code: 'not-installed',
    hint: 'install it again with npm; in a checkout run "npm ci"',
    cause,
  });
}

/** Whether this process or this machine has no more file descriptors. */
export function isShortOfDescriptors(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(codeOf(error) ?? '');
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return reworded(error) ?? (typeof code === 'string' ? code : undefined);
}

/** The system's code where Node.js has it only in the words of an error of its own. */
function reworded(error: unknown): string | undefined {
  const { code, message = '' } = (error ?? {}) as { readonly code?: unknown; readonly message?: string };
  if (code === 'ERR_WORKER_INIT_FAILED') return /\b(E[A-Z]+)$/.exec(message)?.[1];
  if (code === 'ERR_INVALID_PACKAGE_CONFIG' && message.includes('too many open files')) return 'EMFILE';
  return undefined;
}

/** The user stopped the run: Ctrl-C or SIGTERM (exit code 130). */
export class InterruptedError extends HarnessError {}

/** Why a file cannot be read, without the system call. */
export function fileProblem(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : errorText(error);
}

/** The message of anything thrown, on one line and without passwords; an `AggregateError` shows its parts. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(errorText))].join('; ');
  }
  if (error instanceof Error) return withoutSecrets(error.message.replace(/\s+/g, ' ').trim()) || error.name;
  return withoutSecrets(String(error));
}
