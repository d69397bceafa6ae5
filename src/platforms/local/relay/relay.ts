/**
 * The relay of a cluster: every connection to a node passes through it, so that it can do to the traffic what a
 * network does. It runs in a thread of its own, so that it neither waits for pgquake's work nor delays it, and
 * ends with the process.
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

/** For an answer of the thread, which has nothing to wait for longer. */
const ANSWER_LIMIT_MS = 10_000;
const PORT_ATTEMPTS = 10;
/** For the thread to end by itself. */
const END_LIMIT_MS = 2_000;
/** What the thread is told when it shall end. */
export const END = 'end';

/** What the thread is started with. */
export interface RelayThreadData {
  /** Not 0 once the relay is ending: what was asked before and not begun is left undone. */
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

/** What the thread says; 0 is the id of its first word, that it is ready. */
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
   * @param nodes all that will be in the cluster.
   * @throws EnvironmentError where packets cannot be dropped here.
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
    // The run ends it; until then it is no reason to stay.
    worker.unref();
    return relay;
  }

  /** Opens the ways to a node, one for each other node and one for pgquake. */
  async open(node: NodeName, serverPort: number): Promise<void> {
    const others = this.#sources.filter((source) => source !== node);
    await Promise.all(others.map((from) => this.#openLink(from, node, serverPort)));
  }

  /** The port at which a node reaches another one's server; pgquake, where no node is named. */
  portOf(to: NodeName, from: NodeName | typeof OUTSIDE = OUTSIDE): number {
    const port = this.#portOf.get(`${from} ${to}`);
    if (port === undefined) throw new Error(`the relay has no way from ${from} to ${to}`);
    return port;
  }

  /** Who is reached at a port. */
  nodeAt({ port }: Pick<Address, 'port'>): NodeName {
    const [way] = [...this.#portOf].find(([, candidate]) => candidate === port) ?? [];
    if (way === undefined) throw new Error(`port ${port} is none of the relay's`);
    return way.slice(way.indexOf(' ') + 1);
  }

  /**
   * Has the switchboard do something.
   * @throws EnvironmentError with its reason, where it fails, does not answer, or has ended.
   */
  async ask<A extends Act>(act: A, ...args: Parameters<Switchboard[A]>): Promise<Awaited<ReturnType<Switchboard[A]>>> {
    if (this.#ended !== undefined) throw hasEnded(this.#ended);
    const id = ++this.#lastId;
    let limit: NodeJS.Timeout | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      const late = () => reject(new EnvironmentError(`the relay is silent: ${act}`, { code: 'relay-silent' }));
      limit = setTimeout(late, ANSWER_LIMIT_MS);
    });
    this.#worker.postMessage({ id, act, args } satisfies RelayRequest<A>);
    try {
      return (await answer) as Awaited<ReturnType<Switchboard[A]>>;
    } finally {
      clearTimeout(limit);
      this.#asked.delete(id);
    }
  }

  /** Says whether a node's server runs. Harmless where the relay has ended: then nobody gets through anyway. */
  async serve(node: NodeName, runs: boolean): Promise<void> {
    if (this.#ended === undefined) await this.ask('serve', node, runs);
  }

  /**
   * Ends it, and all connections with it. Harmless twice. The thread ends by itself: to end it from outside while it
   * calls the system through koffi ends the whole process with SIGSEGV or SIGABRT.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#ending, 0, 1);
    // Nobody has to wait for its answers any more.
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
        // Between the test of the port and its use somebody else may have taken it.
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
