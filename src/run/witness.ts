/**
 * The witness of a cluster whose roles move writes to every node directly. The load, which follows the primary, cannot
 * see that another node accepts writes too, nor which node acknowledged a lost write.
 */

import type { Worker } from 'node:worker_threads';
import type { NodeControl } from '../cluster/platform.ts';
import { nodeRoute, type Route } from '../cluster/route.ts';
import type { Address } from '../model/address.ts';
import { endThread } from '../model/end-thread.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { WITNESS } from '../model/event.ts';
import { OperationTable, type TableData } from '../model/operations.ts';
import type { NodeName } from '../model/topology.ts';
import { ASK_TIMEOUT_MS, connect } from './ask-node.ts';
import type { Recorder } from './recorder.ts';
import { RouteFollower } from './route-follower.ts';
import { SpareThread } from './spare-thread.ts';
import { untilReady } from './thread-ready.ts';
import { WITNESS_PACE, type WitnessPace } from './witness-lane.ts';
import { makeWitnessTable, readWitnessTable, type Said } from './witness-table.ts';

const READ_TIMEOUT_MS = 60_000;

/** The orders for the witness thread. */
export interface WitnessThreadData {
  /** In the order of the cluster's nodes, which numbers them from 1. */
  readonly nodes: readonly { readonly name: NodeName; readonly address: Address }[];
  /** The writer of this run's rows. */
  readonly run: number;
  readonly originNs: bigint;
  readonly pace: WitnessPace;
}

export type ToWitness =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  /** New sessions on the node with this index use this address from now on. */
  | { readonly type: 'address'; readonly node: number; readonly address: Address };

export type FromWitness =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'operations'; readonly batch: TableData }
  /** A node reports another role or timeline than before. */
  | {
      readonly type: 'said';
      readonly node: NodeName;
      readonly said: Said;
      readonly at: number;
      readonly sinceMs?: number;
    }
  | { readonly type: 'stopped'; readonly intended: number };

export interface WitnessOptions {
  /** All data nodes, in the order of the cluster's nodes. */
  readonly nodes: readonly NodeControl[];
  /** The route to the node that accepts writes now. */
  readonly primary: Route;
  readonly witnessThread: URL;
  readonly recorder: Recorder;
  readonly originNs: bigint;
  /** `WITNESS_PACE` by default. */
  readonly pace?: WitnessPace | undefined;
  readonly signal: AbortSignal;
}

export class Witness implements AsyncDisposable {
  readonly #options: WitnessOptions;
  readonly #run: number;
  readonly #worker: Worker;
  readonly #followers: readonly RouteFollower[];
  readonly #stopped: Promise<number>;
  #stopping = false;

  private constructor(
    options: WitnessOptions,
    run: number,
    { worker, ended }: ReturnType<SpareThread<WitnessThreadData>['take']>,
    followers: readonly RouteFollower[],
  ) {
    const { recorder } = options;
    this.#options = options;
    this.#run = run;
    this.#worker = worker;
    this.#followers = followers;
    this.#stopped = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWitness) => {
        if (message.type === 'operations') recorder.witness(OperationTable.from(message.batch));
        if (message.type === 'said') {
          const { node, said, at, sinceMs } = message;
          recorder.event({ type: 'witness-saw', node, ...said, ...(sinceMs === undefined ? {} : { sinceMs }) }, at);
        }
        if (message.type === 'failed') reject(notReady(message.message));
        if (message.type === 'stopped') resolve(message.intended);
      });
      ended.catch(reject);
    });
    // `stop` reports a rejection; until then it must not end the process.
    this.#stopped.catch(() => undefined);
  }

  /**
   * Creates its table on the primary and opens its first sessions on every node; returns when it is ready to start.
   * @throws EnvironmentError where a node does not answer.
   */
  static async prepare(options: WitnessOptions): Promise<Witness> {
    const { nodes, primary, originNs, signal, witnessThread, pace = WITNESS_PACE } = options;
    // Imports its modules meanwhile.
    await using spare = new SpareThread<WitnessThreadData>(witnessThread, { name: 'witness' });
    await using session = await connect(primary);
    const run = await makeWitnessTable(session, ASK_TIMEOUT_MS);
    const routes = await Promise.all(
      nodes.map(async (node) => ({ route: nodeRoute(node), addresses: await nodeRoute(node).addresses() })),
    );
    const taken = spare.take({
      nodes: nodes.map(({ name }, i) => ({ name, address: routes[i]?.addresses[0] as Address })),
      run,
      originNs,
      pace,
    });
    const { worker } = taken;
    const followers = routes.map(
      ({ route, addresses }, node) =>
        new RouteFollower(
          route,
          addresses,
          ([address]) => {
            if (address) worker.postMessage({ type: 'address', node, address } satisfies ToWitness);
          },
          pace.routesEveryMs,
        ),
    );
    const witness = new Witness(options, run, taken, followers);
    await untilReady(worker, { handle: witness, stopped: witness.#stopped }, signal);
    return witness;
  }

  start(): void {
    this.#worker.postMessage({ type: 'start' } satisfies ToWitness);
  }

  /** Ends its sessions, and records how often it asked and wrote. @throws the thread's error, if it failed. */
  async stop(): Promise<void> {
    this.#askToStop();
    const intended = await this.#stopped;
    await this[Symbol.asyncDispose]();
    this.#options.recorder.event({ type: 'witness-kept', intended });
  }

  /** Records which of its rows every node has now. Called at the end, when all is healed. */
  async read(): Promise<void> {
    const { nodes, recorder } = this.#options;
    const names = nodes.map(({ name }) => name);
    const readNode = async (node: NodeControl) => {
      try {
        await using session = await connect(node);
        const read = await readWitnessTable(session, { run: this.#run, nodes: names, timeoutMs: READ_TIMEOUT_MS });
        recorder.event({ type: 'witness-read', node: node.name, ...read });
      } catch (error) {
        recorder.event({ type: 'final-read-failed', source: `${WITNESS} on ${node.name}`, error: errorText(error) });
      }
    };
    await Promise.all(nodes.map(readNode));
  }

  #askToStop(): void {
    if (!this.#stopping) this.#worker.postMessage({ type: 'stop' } satisfies ToWitness);
    this.#stopping = true;
  }

  /** Ends the thread after a short grace period. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const follower of this.#followers) follower[Symbol.dispose]();
    this.#askToStop();
    await endThread(this.#worker, this.#stopped);
  }
}

/** An error loses its class in a message between threads, so this makes a new one. */
function notReady(message: string): EnvironmentError {
  return new EnvironmentError(`the witness cannot begin: ${message}`, {
    code: 'witness-failed',
    hint: 'check that every node accepts SQL, and with which password',
  });
}
