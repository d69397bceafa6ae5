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
