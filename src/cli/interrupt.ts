/** Whatever ends pgquake from outside ends what is under way in order, and never twice: signals, and errors that nobody caught. */

import { constants } from 'node:os';
import { InterruptedError } from '../model/errors.ts';

/**
 * Signals that end a process and can be caught. SIGPIPE is not among them: to listen for it would make every socket
 * whose server died an interruption; it is ignored, and a reader that is gone shows when something is written.
 */
const ENDING = (
  [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGTERM',
    'SIGABRT',
    'SIGALRM',
    'SIGVTALRM',
    'SIGXCPU',
    'SIGIO',
    'SIGSTKFLT',
    'SIGPWR',
  ] as const
).filter((name) => name in constants.signals);

/** Without a listener the first opens a debugger, and the second ends the process. */
const WITHOUT_MEANING = ['SIGUSR1', 'SIGUSR2'] as const;

/** What is under way: it ends by itself, in order, when it hears why it must. */
type Ending = (reason: unknown, name: string) => void;

let underWay: Ending | undefined;

/**
 * The first signal ends the run in order: heal, dispose, report. Further ones only say so.
 * @param say where to; the error stream by default.
 * @param words what is done then, and what to say of it to whoever is impatient.
 */
export function interruptible(
  say: (text: string) => void = (text) => console.error(text),
  words = {
    first: 'healing, removing the cluster, writing the report',
    further: () => 'still healing and removing the cluster; this cannot be skipped, but has a time limit',
  },
): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const ending: Ending = (reason, name) => {
    if (controller.signal.aborted) {
      say(words.further());
      return;
    }
    // First of all: what is said may fail with the terminal.
    controller.abort(reason);
    say(`${name}: ${words.first}`);
  };
  const onSignal = (name: NodeJS.Signals) => ending(interruptedBy(name), name);
  const outer = underWay;
  underWay = ending;
  for (const name of ENDING) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      if (underWay === ending) underWay = outer;
      for (const name of ENDING) process.off(name, onSignal);
    },
  };
}

function interruptedBy(name: string): InterruptedError {
  return new InterruptedError(`interrupted by ${name}`, { code: 'interrupted' });
}

/**
 * Ends what is under way, if anything is.
 * @param name of what ends it, for the person who waits.
 * @returns whether anything was.
 */
export function endInOrder(reason: unknown, name: string): boolean {
  underWay?.(reason, name);
  return underWay !== undefined;
}

/**
 * To be called once, before anything else.
 * @param codes to exit with where there is nothing to end in order: after a signal, and after an error.
 * @param explain tells a person of an error.
 */
export function listen(
  codes: { readonly interrupted: number; of(error: unknown): number },
  explain: (error: unknown) => void,
): void {
  for (const name of ENDING) {
    // What is under way hears of it by itself.
    process.on(name, () => {
      if (underWay === undefined) process.exit(codes.interrupted);
    });
  }
  for (const name of WITHOUT_MEANING) process.on(name, () => undefined);
  process.on('uncaughtException', (error) => {
    explain(error);
    if (!endInOrder(error, 'this error')) process.exit(codes.of(error));
  });
}
