/** A thread that imports its modules before there is anything to connect to, and gets its orders later. */

import { MessageChannel, type MessagePort, type ResourceLimits, Worker, workerData } from 'node:worker_threads';
import { endThread } from '../model/end-thread.ts';

interface SpareData<P> {
  /** Delivers the orders once; closed without a message if there are none. */
  readonly orders: MessagePort;
  readonly preload: P;
}

export interface SpareOptions<P> {
  /** The thread's name, for debugging. */
  readonly name: string;
  /** What the thread can import before it has orders. */
  readonly preload?: P;
  readonly limits?: ResourceLimits;
}

/** `O`: its orders. `P`: what it can import before. */
export class SpareThread<O, P = undefined> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #orders: MessagePort;
  /** Rejects with the thread's error. */
  readonly #ended: Promise<never>;
  #taken = false;

  constructor(entry: URL, { name, preload, limits = {} }: SpareOptions<P>) {
    const { port1, port2 } = new MessageChannel();
    this.#orders = port1;
    this.#worker = new Worker(entry, {
      name,
      workerData: { orders: port2, preload },
      transferList: [port2],
      resourceLimits: limits,
    });
    this.#ended = new Promise((_, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('exit', (code) => reject(new Error(`the thread "${name}" ended early with code ${code}`)));
    });
    // The taker handles a rejection; until then it must not end the process.
    this.#ended.catch(() => undefined);
  }

  /** Gives it orders; from now on the caller is responsible for the thread. */
  take(orders: O): { readonly worker: Worker; readonly ended: Promise<never> } {
    this.#taken = true;
    this.#orders.postMessage(orders);
    return { worker: this.#worker, ended: this.#ended };
  }

  /** Ends the thread if it was not taken. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#taken) return;
    this.#taken = true;
    this.#orders.close();
    await endThread(this.#worker, this.#ended);
  }
}

/**
 * Called in the thread: waits for its orders.
 * @param load imports what the orders will need.
 * @throws where the thread gets no orders, which ends it.
 */
export async function ordersOf<O, P = undefined>(
  load: (preload: P) => Promise<unknown> = () => Promise.resolve(),
): Promise<O> {
  const { orders, preload } = workerData as SpareData<P>;
  const heard = new Promise<O | undefined>((resolve) => {
    orders.once('message', resolve);
    orders.once('close', () => resolve(undefined));
  });
  // A failed import fails again where its module is needed.
  await load(preload).catch(() => undefined);
  const told = await heard;
  orders.close();
  if (told === undefined) throw new Error('the thread got no orders');
  return told;
}
