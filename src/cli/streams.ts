/**
 * A run continues if standard output or error cannot be written (a full disk, a closed terminal); its exit code reports
 * the loss. A reader that is gone, as after `| head`, interrupts the run.
 */

import { errorText } from '../model/errors.ts';

/**
 * Keeps write errors on both streams from ending the process.
 * @param readerGone called once, when the reader of a stream is gone.
 * @returns a function that says what could not be written; it returns `undefined` if nothing was lost.
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
