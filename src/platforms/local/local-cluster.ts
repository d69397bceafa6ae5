/** The nodes of one cluster on this machine: recorded in `cluster.json`, and removed. */

import type { NodeControl, Nodes } from '../../cluster/platform.ts';
import { atALimit, errorText } from '../../model/errors.ts';
import { withLastDescriptors } from '../../model/spare-descriptors.ts';
import type { NodeName } from '../../model/topology.ts';
import { forgetCluster, writeClusterFile } from '../cluster-file.ts';
import type { Owner } from '../owner.ts';
import type { DataRoot } from './data-folder.ts';
import { keepLogs, linkLog } from './log.ts';
import type { ProcessKey } from './processes.ts';

/** A node whose processes run on this machine. */
export interface LocalNode extends NodeControl {
  /** Its port, and its first process, absent before the first launch. */
  readonly identity: { readonly port: number; readonly process: ProcessKey | undefined };
  readonly dataFolder: string;
  /** Kills it for good: later launches are refused. */
  retire(): Promise<void>;
}

export interface LocalClusterOptions {
  readonly runFolder: string;
  readonly owner: Owner;
  /** The ports of its nodes, leased until the cluster is gone. */
  readonly ports: Disposable;
  /** Whether its nodes run other programs than servers. False by default. */
  readonly programs?: boolean;
  /** Is told of what could not be written. */
  readonly say: ((line: string) => void) | undefined;
}

/**
 * Starts all nodes at once. The first failure ends the wait for the others.
 * @throws that failure, or the signal's reason.
 */
export async function startAll<T>(
  nodes: readonly T[],
  start: (node: T, abort: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const abort = AbortSignal.any([signal, failed.signal]);
  await Promise.all(nodes.map((node) => start(node, abort).catch((error: unknown) => failed.abort(error))));
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}

export class LocalCluster implements Nodes {
  #nodes: LocalNode[] = [];
  readonly #dataRoot: DataRoot;
  readonly #options: LocalClusterOptions;
  #inFront: AsyncDisposable | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(dataRoot: DataRoot, options: LocalClusterOptions) {
    this.#dataRoot = dataRoot;
    this.#options = options;
  }

  get all(): readonly LocalNode[] {
    return this.#nodes.filter(({ health }) => !health);
  }

  get beside(): readonly LocalNode[] {
    return this.#nodes.filter(({ health }) => health);
  }

  add(node: LocalNode): void {
    this.#nodes.push(node);
  }

  sort(names: readonly NodeName[]): void {
    this.#nodes.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  }

  /** Adds a relay in front of the nodes, which ends with them. */
  use(relay: AsyncDisposable): void {
    this.#inFront = relay;
  }

  /**
   * Writes `cluster.json`: all that heals or removes this cluster after pgquake was killed. It exists as long as the cluster,
   * and holds no password.
   */
  save(): Promise<void> {
    const { runFolder, owner, programs = false } = this.#options;
    // A failed write, as on a full disk, must not prevent the next.
    this.#saving = this.#saving
      .catch(() => undefined)
      .then(() => {
        for (const { name, identity } of this.#nodes) {
          if (identity.process) linkLog(this.#dataRoot.folder, runFolder, name);
        }
        const nodes = this.#nodes.map(({ name, identity, dataFolder }) => ({
          name,
          port: identity.port,
          pid: identity.process?.pid,
          startTime: identity.process?.startTime,
          dataFolder,
        }));
        return writeClusterFile(runFolder, {
          platform: 'local',
          owner,
          dataRoot: this.#dataRoot.folder,
          ...(programs ? { programs } : {}),
          nodes,
        });
      });
    return this.#saving;
  }

  dispose(): Promise<void> {
    return withLastDescriptors(() => this.#dispose());
  }

  async #dispose(): Promise<void> {
    // The servers do not wait for the relay: they must be gone even if it hangs.
    const relayEnded = this.#inFront?.[Symbol.asyncDispose]();
    const ended = await Promise.allSettled([...this.#nodes.map((node) => node.retire()), relayEnded]);
    this.#options.ports[Symbol.dispose]();
    this.#keepLogs();
    const removed = await Promise.allSettled([this.#dataRoot.remove()]);
    await this.#saving.catch(() => undefined);
    // With `cluster.json`, `heal` finds what is left.
    for (const outcome of [...ended, ...removed]) {
      if (outcome.status === 'rejected') throw atALimit(outcome.reason) ?? outcome.reason;
    }
    await forgetCluster(this.#options.runFolder, this.#options.say ?? (() => undefined));
  }

  #keepLogs(): void {
    const { runFolder, say } = this.#options;
    try {
      keepLogs(this.#dataRoot.folder, runFolder);
    } catch (error) {
      say?.(`not all logs of the servers are in ${runFolder}: ${errorText(error)}`);
    }
  }
}
