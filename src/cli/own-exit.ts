/**
 * How pgquake ends. Its exit code is its own: code that a config file loads shares the process, and may neither end it nor
 * set its exit code, because 1 says that a scenario was refuted.
 */

import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { InputError } from '../model/errors.ts';
import { EXIT } from './exit-codes.ts';

const { exit } = process;
let code: number = EXIT.pass;

/** Sets the exit code for when everything is done. */
export function endWith(ownCode: number): void {
  code = ownCode;
  process.exitCode = ownCode;
}

export function ownExitCode(): number {
  return code;
}

/** Ends the process now. @param ownCode else the exit code that is set. */
export function exitNow(ownCode = code): never {
  code = ownCode;
  // The last listener: others may set `process.exitCode`.
  process.on('exit', () => {
    process.exitCode = code;
  });
  exit.call(process, code);
  throw new Error('unreachable: the process has ended');
}

/** Thrown where other code calls `process.exit`. It has been handled by then. */
export class ForeignExit extends InputError {}

/** @param handle called once, with what to tell the user. */
export function refuseForeignExit(handle: (error: ForeignExit) => void): void {
  let isHandled = false;
  const refuse = (given?: unknown): never => {
    const error = new ForeignExit(`process.exit(${given ?? ''}) was called${placeOf(refuse)}`, {
      code: 'foreign-exit',
      hint: 'leave this call out: a config file and what it imports must not end the process',
    });
    if (!isHandled) {
      isHandled = true;
      handle(error);
    }
    throw error;
  };
  Object.assign(process, { exit: refuse });
  // For `import { exit } from 'node:process'`.
  syncBuiltinESMExports();
}

/** @returns where a function was called, as ` in <file>:<line>`; empty if that is not known. */
function placeOf(called: (...args: never[]) => unknown): string {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, called);
  const [, url, line] = /(file:\/\/\S+|\/[^\s()]+):(\d+):\d+/.exec(at.stack?.split('\n')[1] ?? '') ?? [];
  if (url === undefined) return '';
  return ` in ${url.startsWith('file:') ? fileURLToPath(url) : url}:${line}`;
}
