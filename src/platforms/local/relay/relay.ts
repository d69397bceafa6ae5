/**
 * The relay of a cluster: all connections to its nodes pass through it, so that it can act as a faulty network. It runs in
 * a thread, so that it neither waits for pgquake's work nor delays it, and ends with the process.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Address } from '../../../model/address.ts';
import { endThread } from '../../../model/end-thread.ts';
import { EnvironmentError, errorText } from '../../../model/errors.ts';
import { threadModule } from '../../../model/package-files.ts';
import type { NodeName } from '../../../model/topology.ts';
import type { PortChooser } from '../ports.ts';
import { OUTSIDE } from './link.ts';
import type { Switchboard } from './switchboard.ts';

/** For an answer of the thread; nothing there is slower. */
const ANSWER_LIMIT_MS = 10_000;
const PORT_ATTEMPTS = 10;
/** For the thread to end by itself. */
const END_LIMIT_MS = 2_000;
/** The message that ends the thread. */
export const END = 'end';

/** The data that the thread starts with. */
export interface RelayThreadData {
  /** Not 0 once the relay is ending: the thread then skips requests that it has not started. */
  readonly ending: Int32Array;
}

type Act =
  | 'open'
  | 'serve'
  | 'addRules'
  | 'rulesOf'
  | 'removeRules'
  | 'shape'
  | 'shapingOf'
  | 'packetsShaped'
  | 'unshape';

export interface RelayRequest<A extends Act = Act> {
  readonly id: number;
  readonly act: A;
  readonly args: Parameters<Switchboard[A]>;
}

/** A message of the thread; the first has id 0 and means that it is ready. */
export type FromRelayThread =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly code: string };

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class Relay implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #sources: readonly (NodeName | typeof OUTSIDE)[];
  readonly #ports: Pick<PortChooser, 'next'>;
  /** `from to` -> port. */
  readonly #portOf = new Map<string, number>();
  readonly #asked = new Map<number, Asked>();
  readonly #exited: Promise<void>;
  readonly #ending: Int32Array;
  #lastId = 0;
  #ended: string | undefined;

  private constructor(
    worker: Worker,
    { ending }: RelayThreadData,
    nodes: readonly NodeName[],
    ports: Pick<PortChooser, 'next'>,
  ) {
    this.#worker = worker;
    this.#ending = ending;
    this.#sources = [OUTSIDE, ...nodes];
    this.#ports = ports;
    worker.on('message', (message: FromRelayThread) => this.#hear(message));
    worker.on('error', (error) => this.#end(errorText(error)));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#end('it was ended');
        resolve();
      });
    });
  }

  /**
   * @param nodes all nodes that the cluster will have.
   * @throws EnvironmentError when this machine cannot drop packets.
   */
  static async start(nodes: readonly NodeName[], ports: Pick<PortChooser, 'next'>): Promise<Relay> {
    const workerData: RelayThreadData = { ending: new Int32Array(new SharedArrayBuffer(4)) };
    const worker = new Worker(threadModule('platforms/local/relay/thread'), { workerData });
    const relay = new Relay(worker, workerData, nodes, ports);
    try {
      await once(worker, 'message', { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw new EnvironmentError(`the relay did not start: ${errorText(error)}`, { code: 'relay-ended', cause: error });
    }
    // The run ends the thread, which must not keep the process alive.
    worker.unref();
    return relay;
  }

  /** Opens the links to a node: one from each other node, one from pgquake. */
  async open(node: NodeName, serverPort: number): Promise<void> {
    const others = this.#sources.filter((source) => source !== node);
    await Promise.all(others.map((from) => this.#openLink(from, node, serverPort)));
  }

  /** The port at which a node, or by default pgquake, reaches another node's server. */
  portOf(to: NodeName, from: NodeName | typeof OUTSIDE = OUTSIDE): number {
    const port = this.#portOf.get(`${from} ${to}`);
    if (port === undefined) throw new Error(`the relay has no link from ${from} to ${to}`);
    return port;
  }

  /** The node behind a port of the relay. */
  nodeAt({ port }: Pick<Address, 'port'>): NodeName {
    const [way] = [...this.#portOf].find(([, candidate]) => candidate === port) ?? [];
    if (way === undefined) throw new Error(`port ${port} does not belong to the relay`);
    return way.slice(way.indexOf(' ') + 1);
  }

  /**
   * Calls a method of the switchboard.
   * @throws EnvironmentError when that fails, gets no answer, or the relay has ended.
   */
  async ask<A extends Act>(act: A, ...args: Parameters<Switchboard[A]>): Promise<Awaited<ReturnType<Switchboard[A]>>> {
    if (this.#ended !== undefined) throw hasEnded(this.#ended);
    const id = ++this.#lastId;
    const { promise: answer, resolve, reject } = Promise.withResolvers<unknown>();
    this.#asked.set(id, { resolve, reject });
    const late = () => reject(new EnvironmentError(`the relay does not answer: ${act}`, { code: 'relay-silent' }));
    const limit = setTimeout(late, ANSWER_LIMIT_MS);
    this.#worker.postMessage({ id, act, args } satisfies RelayRequest<A>);
    try {
      return (await answer) as Awaited<ReturnType<Switchboard[A]>>;
    } finally {
      clearTimeout(limit);
      this.#asked.delete(id);
    }
  }

  /** Tells the relay whether a node's server is running. Harmless after the relay has ended: nothing gets through then. */
  async serve(node: NodeName, runs: boolean): Promise<void> {
    if (this.#ended === undefined) await this.ask('serve', node, runs);
  }

  /**
   * Ends the relay and all connections. Harmless twice. The thread ends by itself: terminating it during a call through
   * koffi would crash the whole process.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#ending, 0, 1);
    // Pending requests fail at once.
    this.#end('it was ended');
    this.#worker.postMessage(END);
    await endThread(this.#worker, this.#exited, END_LIMIT_MS);
  }

  async #openLink(from: NodeName | typeof OUTSIDE, to: NodeName, serverPort: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const port = await this.#ports.next();
      try {
        await this.ask('open', { from, to, port, serverPort });
        this.#portOf.set(`${from} ${to}`, port);
        return;
      } catch (error) {
        // Another program may take a port between its test and its use.
        if ((error as { code?: unknown }).code !== 'EADDRINUSE' || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  #hear(message: FromRelayThread): void {
    const asked = this.#asked.get(message.id);
    if ('error' in message) asked?.reject(new EnvironmentError(message.error, { code: message.code }));
    else asked?.resolve(message.result);
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const { reject } of this.#asked.values()) reject(hasEnded(this.#ended));
  }
}

function hasEnded(reason: string): EnvironmentError {
  return new EnvironmentError(`the relay in front of the nodes has ended: ${reason}`, { code: 'relay-ended' });
}
