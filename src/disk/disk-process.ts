/**
 * Does the file operations of a run in another process. A disk may hang, such as a network file system without its server.
 * A process that writes to it waits in the kernel, where no signal reaches it: pgquake could not heal. Nor could it exit
 * before a thread of its own that waits there.
 */

import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { endThread } from '../model/end-thread.ts';
import { attributed, EnvironmentError, errorText, HarnessError } from '../model/errors.ts';
import { threadModule } from '../model/package-files.ts';
import type { Reply, Request } from './file-messages.ts';
import type { DiskThreadData } from './file-thread.ts';
import { type Files, ownFiles } from './files.ts';

/** A disk under load takes seconds. */
const ANSWER_LIMIT_MS = 10_000;
const WAIT_PARTS = 10;
const START_LIMIT_MS = 30_000;

/** The disk has not answered, or the process that asks it is gone. */
export class SilentDiskError extends EnvironmentError {}

export class DiskProcess implements AsyncDisposable {
  /** Each operation is over within the limit, 10 s by default. After one that was not, all others fail at once. */
  readonly files: Files;
  readonly #folder: string;
  readonly #thread: Worker;
  readonly #ended: Promise<void>;
  readonly #port: MessagePort;
  readonly #answers: Int32Array;
  readonly #limitMs: number;
  #failure: SilentDiskError | undefined;

  private constructor(folder: string, limitMs: number) {
    this.#folder = folder;
    this.#limitMs = limitMs;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#answers = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: DiskThreadData = {
      process: threadModule('disk/file-process').href,
      port: port2,
      answers: this.#answers,
    };
    this.#thread = new Worker(threadModule('disk/file-thread'), { name: 'disk', workerData, transferList: [port2] });
    this.#ended = new Promise((resolve) => {
      this.#thread.once('exit', () => resolve());
      // The next operation says why.
      this.#thread.once('error', () => resolve());
    });
    const names = Object.keys(ownFiles) as (keyof Files)[];
    this.files = Object.fromEntries(
      names.map((operation) => [operation, (...args: unknown[]) => this.#ask({ operation, args })]),
    ) as unknown as Files;
  }

  /**
   * @param folder for messages.
   * @param limitMs for each operation.
   * @throws EnvironmentError if the process cannot be started.
   */
  static async start(folder: string, limitMs = ANSWER_LIMIT_MS): Promise<DiskProcess> {
    const started = new DiskProcess(folder, limitMs);
    try {
      await once(started.#thread, 'message', { signal: AbortSignal.timeout(START_LIMIT_MS) });
    } catch (error) {
      await started[Symbol.asyncDispose]();
      const known = attributed(error);
      if (known instanceof HarnessError) throw known;
      throw new EnvironmentError(`the process for the files of a run did not start: ${errorText(error)}`, {
        code: 'machine-short',
        cause: error,
      });
    }
    // The run ends the thread, which must not keep the process alive.
    started.#thread.unref();
    return started;
  }

  /** Why no operation is possible any more; `undefined` while they are. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  #ask(request: Request): unknown {
    if (this.#failure) throw this.#failure;
    const before = Atomics.load(this.#answers, 0);
    this.#port.postMessage(request);
    if (!this.#isAnswered(before)) {
      throw this.#fail(
        `the disk of ${this.#folder} has not answered for ${this.#limitMs / 1_000} s`,
        'see why the disk or its server does not answer, or choose another folder with --reports <folder>',
      );
    }
    const { message } = receiveMessageOnPort(this.#port) as { readonly message: Reply };
    if ('value' in message) return message.value;
    if ('gone' in message) {
      throw this.#fail(
        `the process for the files in ${this.#folder} is gone: ${message.gone}`,
        'see what ended it, such as a lack of memory, and run pgquake again',
      );
    }
    const { message: text, ...facts } = message.error;
    throw Object.assign(new Error(text), facts);
  }

  /** Waits in parts: while this process was stopped, as by Ctrl-Z or with its machine, at most one of them passed. */
  #isAnswered(before: number): boolean {
    for (let part = 0; part < WAIT_PARTS; part++) {
      if (Atomics.wait(this.#answers, 0, before, this.#limitMs / WAIT_PARTS) !== 'timed-out') return true;
    }
    return false;
  }

  #fail(reason: string, hint: string): SilentDiskError {
    this.#failure = new SilentDiskError(reason, { code: 'disk-silent', hint });
    return this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new SilentDiskError(`the files in ${this.#folder} are used no more`, { code: 'disk-silent' });
    this.#port.close();
    await endThread(this.#thread, this.#ended);
  }
}
