/**
 * At exit Node.js waits for every thread. A terminated thread may never end: its loop waits for requests whose completion
 * it no longer receives (seen with Node.js 24.21, in `Environment::CleanupHandles`). The verdict is written by then, so
 * the process exits without that thread.
 */

import { createRequire } from 'node:module';
import { threadsLeft } from '../model/end-thread.ts';
import { ownExitCode } from './own-exit.ts';

/** Call this after every other `exit` listener that sets the exit code. */
export function exitDespiteThreads(): void {
  process.on('exit', () => {
    if (threadsLeft() === 0) return;
    exitAtOnce(ownExitCode());
  });
}

function exitAtOnce(code: number): void {
  try {
    // An optional dependency; the only thread known to hang needs it too.
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    koffi.load(null).func('_exit', 'void', ['int'])(code);
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}

interface Koffi {
  load(path: null): { func(name: string, result: string, args: readonly string[]): (code: number) => void };
}
