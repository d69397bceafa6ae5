/** A thread that loads its modules while there is nothing yet to connect to: it hears later what it is to do. */

import { MessageChannel, type MessagePort, type ResourceLimits, Worker, workerData } from 'node:worker_threads';
import { endThread } from '../model/end-thread.ts';

/** What a thread is started with. */
interface SpareData<P> {
  /** Brings the orders, once; closed without, where nothing came of it. */
  readonly orders: MessagePort;
  readonly preload: P;
}

export interface SpareOptions<P> {
  /** For people who look at threads. */
  readonly name: string;
  /** What the thread can load before it has orders. */
  readonly preload?: P;
  readonly limits?: ResourceLimits;
}

/** `O`: what it is to do. `P`: what it can load before. */
export class SpareThread<O, P = undefined> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #orders: MessagePort;
  /** Settles with what it died of, if it did. */
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
    // Whoever takes it hears of it; until then it must not end the process.
    this.#ended.catch(() => undefined);
  }

  /** Tells it what to do; it is its taker's business from now on. */
  take(orders: O): { readonly worker: Worker; readonly ended: Promise<never> } {
    this.#taken = true;
    this.#orders.postMessage(orders);
    return { worker: this.#worker, ended: this.#ended };
  }

  /** Ends it where nobody took it. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#taken) return;
    this.#taken = true;
    this.#orders.close();
    await endThread(this.#worker, this.#ended);
  }
}

/**
 * In the thread: what it is to do.
 * @param load loads what can be loaded before.
 * @throws what ends the thread, where nobody tells it any more.
 */
export async function ordersOf<O, P = undefined>(
  load: (preload: P) => Promise<unknown> = () => Promise.resolve(),
): Promise<O> {
  const { orders, preload } = workerData as SpareData<P>;
  const heard = new Promise<O | undefined>((resolve) => {
    orders.once('message', resolve);
    orders.once('close', () => resolve(undefined));
  });
  // What cannot be loaded says so to whoever needs it.
  await load(preload).catch(() => undefined);
  const told = await heard;
  orders.close();
  if (told === undefined) throw new Error('nobody has anything to do for this thread');
  return told;
}
