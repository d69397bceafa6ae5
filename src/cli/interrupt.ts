/** Signals and uncaught errors end the current work in order, and only once. */

import { constants } from 'node:os';
import { InterruptedError } from '../model/errors.ts';
import { exitNow, ForeignExit, refuseForeignExit } from './own-exit.ts';

/**
 * Signals that end a process and can be caught. SIGPIPE is left out: with a listener, every socket whose server died
 * would interrupt the run. Node.js ignores SIGPIPE, and the next write reports a reader that is gone.
 */
export const ENDING = (
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
    'SIGPROF',
    'SIGSTKFLT',
    'SIGPWR',
    'SIGSYS',
    'SIGTRAP',
  ] as const
).filter((name) => name in constants.signals && !(name === 'SIGPROF' && isProfiled()));

/**
 * Without a listener, SIGUSR1 opens a debugger, and the others end the process. SIGXFSZ comes with a write beyond the limit
 * for files, which then fails with EFBIG.
 */
export const WITHOUT_MEANING = (['SIGUSR1', 'SIGUSR2', 'SIGXFSZ'] as const).filter((name) => name in constants.signals);

/** V8's profiler sends itself SIGPROF for every sample. */
function isProfiled(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((option) => option.includes('--cpu-prof'));
}

/** Tells the current work why it must end; the work then ends itself in order. */
type Ending = (reason: unknown, name: string) => void;

let underWay: Ending | undefined;

/**
 * The first signal ends the run in order: heal, remove the cluster, report. Further signals only print a message.
 * @param say prints a line; to standard error by default.
 * @param words what pgquake says after the first signal and after further ones.
 */
export function interruptible(
  say: (text: string) => void = (text) => console.error(text),
  words = {
    first: 'healing, releasing the cluster, writing the report',
    further: () => 'still healing and releasing the cluster; this cannot be skipped, but has a time limit',
  },
): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const ending: Ending = (reason, name) => {
    if (controller.signal.aborted) {
      say(words.further());
      return;
    }
    // Abort before printing: printing fails if the terminal is gone.
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
 * Ends the current work in order, if there is any.
 * @param name what ends it, for the message to the user.
 * @returns whether there was any work.
 */
export function endInOrder(reason: unknown, name: string): boolean {
  underWay?.(reason, name);
  return underWay !== undefined;
}

/**
 * Call this once, before anything else.
 * @param codes the exit codes after a signal and after an error, for when there is no work to end in order. Without one the
 * exit code that is set stands.
 * @param explain prints an error for the user.
 * @returns a function to call before other code is loaded: from then on that code cannot end the process.
 */
export function listen(
  codes: { interrupted(): number | undefined; of(error: unknown): number },
  explain: (error: unknown) => void,
): () => void {
  const end = (error: unknown, name: string) => {
    explain(error);
    if (!endInOrder(error, name)) exitNow(codes.of(error));
  };
  for (const name of ENDING) {
    // Current work has its own listener.
    process.on(name, () => {
      if (underWay === undefined) exitNow(codes.interrupted());
    });
  }
  for (const name of WITHOUT_MEANING) process.on(name, () => undefined);
  process.on('uncaughtException', (error) => {
    if (!(error instanceof ForeignExit)) end(error, 'this error');
  });
  return () =>
    refuseForeignExit((error) => {
      if (codes.interrupted() === undefined) exitNow();
      end(error, 'this call');
    });
}
