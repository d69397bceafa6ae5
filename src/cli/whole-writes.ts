/**
 * Writes to terminals and files, which Node.js does not do well enough:
 *
 * - While a terminal takes nothing (Ctrl-S, a stalled ssh link) it waits in the kernel: no signal, no healing, no load. Here
 *   the write fails instead, and is tried again later. libuv's own queue does not help where it may not reopen the terminal,
 *   as after `su`: there it waits all the same.
 * - Of a file whose disk fills during a write it loses the rest without an error.
 */

import { writeSync } from 'node:fs';

/** Between two attempts; doubled each time. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 100;

interface Write {
  readonly fd: number;
  left: Uint8Array;
  readonly done: (error?: Error | null) => void;
}

/** What Node.js does not document of its streams. */
interface Inside {
  readonly _type?: string;
  readonly _handle?: { setBlocking?(blocking: boolean): number } | null;
}

/** What was not taken yet, in the order in which it was written. */
export class WholeWrites {
  readonly #patienceMs: number;
  readonly #queue: Write[] = [];
  #isWriting = false;
  #takenAtMs = 0;
  #givesUp = false;

  /** @param patienceMs for how long a terminal may take nothing after `giveUp`. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Takes over the writes of this stream if it is a terminal or a file. */
  add(stream: NodeJS.WriteStream & { readonly fd: number }): void {
    const { _type: type, _handle: handle } = stream as unknown as Inside;
    if (type !== 'fs' && !(stream.isTTY && handle?.setBlocking?.(false) === 0)) return;
    const write = (chunk: Uint8Array | string, encoding: BufferEncoding, done: Write['done']) => {
      const left = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
      this.#queue.push({ fd: stream.fd, left, done });
      if (!this.#isWriting) this.#write(FIRST_PAUSE_MS);
    };
    Object.assign(stream, { _write: write, _writev: null });
  }

  /** Nothing else is left to do: a terminal that takes nothing from now on fails. */
  giveUp(): void {
    if (this.#givesUp) return;
    this.#givesUp = true;
    this.#takenAtMs = performance.now();
  }

  #write(pauseMs: number): void {
    this.#isWriting = true;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const error = this.#attempt(first);
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#write(Math.min(2 * pauseMs, LONGEST_PAUSE_MS)), pauseMs);
        return;
      }
      this.#queue.shift();
      first.done(error);
    }
    this.#isWriting = false;
  }

  #attempt(write: Write): NodeJS.ErrnoException | undefined {
    try {
      while (write.left.byteLength > 0) {
        write.left = write.left.subarray(writeSync(write.fd, write.left));
        this.#takenAtMs = performance.now();
      }
      return undefined;
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException;
      const isStalled = error.code === 'EAGAIN' && this.#givesUp;
      if (!isStalled || performance.now() - this.#takenAtMs < this.#patienceMs) return error;
      return new Error(`the terminal has taken nothing for ${this.#patienceMs / 1_000} s`);
    }
  }
}
