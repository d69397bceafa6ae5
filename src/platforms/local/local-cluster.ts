/** The nodes of one cluster on this machine, as `cluster.json` has them and as they are removed. */

import type { NodeControl, Nodes } from '../../cluster/platform.ts';
import type { NodeName } from '../../model/topology.ts';
import { forgetCluster, writeClusterFile } from '../cluster-file.ts';
import type { Owner } from '../owner.ts';
import type { DataRoot } from './data-folder.ts';
import type { ProcessKey } from './processes.ts';

/** A node whose processes are this machine's. */
export interface LocalNode extends NodeControl {
  /** Where it listens, and its first process; the latter is absent before the first launch. */
  readonly identity: { readonly port: number; readonly process: ProcessKey | undefined };
  readonly dataFolder: string;
  /** Kills it for good: later launches are refused. */
  retire(): Promise<void>;
}

export interface LocalClusterOptions {
  readonly runFolder: string;
  readonly owner: Owner;
  /** Where its nodes listen; no other cluster's until this one is gone. */
  readonly ports: Disposable;
  /** Its nodes run more than servers. False by default. */
  readonly programs?: boolean;
  /** Hears of what could not be written. */
  readonly say: ((line: string) => void) | undefined;
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

  /** What stands in front of its nodes, and ends with them. */
  use(relay: AsyncDisposable): void {
    this.#inFront = relay;
  }

  /**
   * Writes what is needed to heal or remove this cluster after pgquake itself was killed. The file is
   * there as long as the cluster is. It holds no password.
   */
  save(): Promise<void> {
    const { runFolder, owner, programs = false } = this.#options;
    // One that failed, on a full disk, says nothing of the next.
    this.#saving = this.#saving
      .catch(() => undefined)
      .then(() => {
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

  async dispose(): Promise<void> {
    // No server waits for the relay to end: whatever becomes of it, they are gone.
    const relayEnded = this.#inFront?.[Symbol.asyncDispose]();
    await Promise.all(this.#nodes.map((node) => node.retire()));
    await relayEnded;
    this.#options.ports[Symbol.dispose]();
    await this.#dataRoot.remove();
    await this.#saving.catch(() => undefined);
    await forgetCluster(this.#options.runFolder, this.#options.say ?? (() => undefined));
  }
}
