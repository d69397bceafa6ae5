/**
 * Errors other than those of the cluster under test, classed by who must act. A hypothesis that does not hold is a
 * verdict, not an error.
 */

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

/** Error codes of a machine that is short of something, not of a faulty program. */
const SHORTAGES = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EPERM',
  'EACCES',
]);

/** Turns a system error caused by a shortage of space, files, memory or rights into an `EnvironmentError`. */
export function attributed(error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof HarnessError || syscall === undefined || !SHORTAGES.has(code ?? '')) return error;
  return new EnvironmentError(errorText(error), { code: 'machine-short', cause: error });
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
