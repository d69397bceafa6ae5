/**
 * A run continues if standard output or error cannot be written (a full disk, a closed terminal); its exit code reports
 * the loss. A reader that is gone, as after `| head`, interrupts the run.
 */

import { errorText } from '../model/errors.ts';
import { WholeWrites } from './whole-writes.ts';

/** A terminal that takes nothing for this long after a command's end loses the rest. */
const PATIENCE_MS = 60_000;

/** What became of all that was written to both streams. */
export interface Output {
  /** What could not be written; `undefined` if nothing was lost. */
  lost(): string | undefined;
  /** Whether a reader has not taken all yet. */
  isUnread(): boolean;
  /**
   * Call this at the end. Waits until all is written or lost: for a pipe without limit, because its reader may sleep as
   * `less` does.
   */
  written(): Promise<void>;
}

/**
 * Keeps write errors on both streams from ending the process, and terminals from stopping it.
 * @param readerGone called once, when the reader of a stream is gone.
 */
export function surviveOutput(readerGone: () => void, patienceMs = PATIENCE_MS): Output {
  const streams = [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const;
  const writes = new WholeWrites(patienceMs);
  let lost: string | undefined;
  let gone = false;
  for (const [name, stream] of streams) {
    writes.add(stream);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') {
        if (!gone) readerGone();
        gone = true;
      } else if (lost === undefined) {
        lost = `${name} cannot be written: ${errorText(error)}`;
        console.error(`${lost}; the reports of a run say what it found`);
      }
    });
  }
  const unread = () => streams.map(([, stream]) => stream).filter((stream) => stream.writableLength > 0);
  return {
    lost: () => lost,
    isUnread: () => unread().length > 0,
    async written() {
      writes.giveUp();
      for (let waiting = unread(); waiting.length > 0; waiting = unread()) {
        await Promise.all(waiting.map((stream) => new Promise<void>((done) => stream.write('', () => done()))));
      }
    },
  };
}
