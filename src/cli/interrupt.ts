/** Ctrl-C and SIGTERM end what is under way in order, and never twice. */

import { InterruptedError } from '../model/errors.ts';

/**
 * The first Ctrl-C or SIGTERM ends the run in order: heal, dispose, report. Further ones only say so.
 * @param say where to; the error stream by default.
 * @param words what is done then, and what to say of it to whoever is impatient.
 */
export function interruptible(
  say: (text: string) => void = (text) => console.error(text),
  words = {
    first: 'healing, removing the cluster, writing the report',
    further: () => 'still healing and removing the cluster; this is not skipped, and it has a time limit',
  },
): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      say(words.further());
      return;
    }
    say(`${signal}: ${words.first}`);
    controller.abort(new InterruptedError(`interrupted by ${signal}`, { code: 'interrupted' }));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    stop: () => {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}

/**
 * Whoever read the output has gone, as `| head` does: that is an interruption too. Left alone it would end the process on
 * the spot, with the exit code of a failed scenario, and its cluster would stay behind.
 */
export function endWithReader(exitCode: number): void {
  let gone = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (gone) return;
      gone = true;
      // What has nothing to end in order does not listen.
      if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(exitCode);
    });
  }
}
