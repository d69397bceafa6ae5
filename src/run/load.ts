/**
 * The run's handle on its load, or on its probes. The load generator lives in a thread of its own, so that recording,
 * reporting and a slow terminal cannot delay it.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Address } from '../model/address.ts';
import type { ProbeKind } from '../model/history.ts';
import { OperationTable, type TableData } from '../model/operations.ts';
import type { PressureSpec } from '../model/scenario.ts';
import type { WorkloadPlace } from '../workloads/workload.ts';
import type { LoadKept } from './load-generator.ts';
import type { PressureKept } from './pressure.ts';

/** What the thread is started with. */
export interface LoadThreadData {
  readonly address: Address;
  readonly originNs: bigint;
  readonly shardOfRoom: Readonly<Record<number, number>>;
  readonly work: WorkloadWork | ProbeWork | PressureWork;
}

export interface WorkloadWork {
  readonly type: 'workload';
  /** A thread has modules of its own, so the workload reaches it by its place. */
  readonly workload: WorkloadPlace;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Who the messages of this run are from. */
  readonly writer: number;
  readonly maxConnections: number;
}

export interface ProbeWork {
  readonly type: 'probes';
  readonly kinds: readonly ProbeKind[];
  readonly rooms: readonly number[];
  /** Who the rows of this run are from. */
  readonly run: number;
}

export interface PressureWork extends PressureSpec {
  readonly type: 'pressure';
  readonly rooms: readonly number[];
  /** Who the rows of this run are from. */
  readonly run: number;
}

export type ToLoadThread = { readonly type: 'start' } | { readonly type: 'stop' };

export type FromLoadThread =
  | { readonly type: 'ready' }
  | { readonly type: 'operations'; readonly batch: TableData }
  | { readonly type: 'stopped'; readonly kept: LoadKept | PressureKept };

/**
 * Room for what is young in the thread's memory: of the hundred or so things that an operation leaves behind none
 * lives long, and the seldomer they are swept out, the seldomer the schedule waits for it.
 */
const YOUNG_GENERATION_MB = 64;

/** `K` is what the thread tells at its end. */
export class Load<K extends LoadKept | PressureKept> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #stopped: Promise<K>;

  private constructor(worker: Worker, operations: (batch: OperationTable) => void) {
    this.#worker = worker;
    this.#stopped = new Promise((resolve, reject) => {
      worker.on('message', (message: FromLoadThread) => {
        if (message.type === 'operations') operations(OperationTable.from(message.batch));
        if (message.type === 'stopped') resolve(message.kept as K);
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the load thread ended early with code ${code}`)));
    });
    // Whoever awaits `stop` hears of it; until then it must not end the process.
    this.#stopped.catch(() => undefined);
  }

  /**
   * Starts the thread and its first connections; returns when it is ready to start.
   * @param entry the module that the thread runs.
   * @param operations is handed what has settled, about 20 times a second.
   */
  static async prepare<K extends LoadKept | PressureKept = LoadKept>(
    entry: URL,
    data: LoadThreadData,
    operations: (batch: OperationTable) => void,
  ): Promise<Load<K>> {
    const worker = new Worker(entry, {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    const load = new Load<K>(worker, operations);
    await Promise.race([once(worker, 'message'), load.#stopped]);
    return load;
  }

  start(): void {
    this.#send({ type: 'start' });
  }

  /**
   * Ends the schedule and waits for what is under way.
   * @throws what the thread died of, if it did.
   */
  async stop(): Promise<K> {
    this.#send({ type: 'stop' });
    const kept = await this.#stopped;
    await this[Symbol.asyncDispose]();
    return kept;
  }

  /** Ends the thread at once, whatever is under way. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: ToLoadThread): void {
    this.#worker.postMessage(message);
  }
}
