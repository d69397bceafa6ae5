/**
 * Node.js waits for every thread when a process ends. One that was cut off may never end: its loop turns and waits for requests
 * of which nobody tells it any more (seen with Node.js 24.21, in `Environment::CleanupHandles`). The verdict is out by
 * then, so the process ends without it.
 */

import { createRequire } from 'node:module';
import { threadsLeft } from '../model/end-thread.ts';

/** To be called after all who set the exit code when the process ends. */
export function exitDespiteThreads(): void {
  process.on('exit', (code) => {
    if (threadsLeft() === 0) return;
    exitAtOnce(Number(process.exitCode ?? code));
  });
}

function exitAtOnce(code: number): void {
  try {
    // An optional dependency, which the one thread seen to do this needs as well.
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    koffi.load(null).func('_exit', 'void', ['int'])(code);
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}

interface Koffi {
  load(path: null): { func(name: string, result: string, args: readonly string[]): (code: number) => void };
}
