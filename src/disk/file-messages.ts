/** What pgquake and the process that does its file operations say to each other. */

import type { Files } from './files.ts';

export interface Request {
  readonly operation: keyof Files;
  readonly args: readonly unknown[];
}

/** The first says that the process is ready. */
export type Reply =
  | { readonly value: unknown }
  | { readonly error: Thrown }
  /** Why there is no such process any more. */
  | { readonly gone: string };

/** What remains of a system error between processes. */
export interface Thrown {
  readonly message: string;
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly path?: string | undefined;
}

export function thrown(error: unknown): Thrown {
  const { message, code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return { message, code, errno, syscall, path };
}
