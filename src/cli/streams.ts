/**
 * Standard output and error that cannot be written (a full disk, a terminal that is closed) end no run: it goes on
 * without them, and says so by its exit code. A reader that has gone, as `| head` does, is an interruption.
 */

import { errorText } from '../model/errors.ts';

/**
 * Makes both streams harmless.
 * @param readerGone called once, when nobody reads a stream any more.
 * @returns a function that tells what could not be written, in words; `undefined` where nothing was lost.
 */
export function surviveOutput(readerGone: () => void): () => string | undefined {
  let lost: string | undefined;
  let gone = false;
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
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
  return () => lost;
}
