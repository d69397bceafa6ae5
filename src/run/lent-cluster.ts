/** One cluster for several runs: made once, lent to each run in turn, removed at the end. */

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Engine, FormedCluster } from '../cluster/engine.ts';
import type { Capability, Nodes, Platform } from '../cluster/platform.ts';
import { makeFolder } from '../make-folder.ts';
import type { Scenario } from '../model/scenario.ts';
import type { PlacementMap } from '../model/topology.ts';
import type { Workload } from '../workloads/workload.ts';
import { datasetOf, probesAreOn } from './probes.ts';
import { provision } from './provision.ts';
import { attachedPlatform } from './standing.ts';

export interface LentClusterOptions {
  readonly platform: Platform;
  readonly engine: Engine;
  /** The first scenario that will run on it: the others have its cluster, its workload and its probes. */
  readonly scenario: Scenario;
  readonly workload: Workload;
  /** What the faults of these scenarios need of the nodes. */
  readonly needs: readonly Capability[];
  /** Where `cluster.json` and the nodes' logs go; made where it is missing. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export class LentCluster implements AsyncDisposable {
  /** As a run sees them: nothing is made, and nothing removed. A run on nodes that are not whole is refused. */
  readonly platform: Platform;
  readonly engine: Engine;
  readonly placement: PlacementMap;
  readonly #nodes: Nodes;

  private constructor({ platform, engine }: LentClusterOptions, nodes: Nodes, formed: FormedCluster) {
    const { all, beside = [] } = nodes;
    const lent: Nodes = { all, beside, dispose: async () => undefined };
    this.platform = attachedPlatform(platform, { attach: async () => lent }, 'of these runs');
    this.engine = { ...engine, form: async () => formed, layout: () => formed.placement };
    this.placement = formed.placement;
    this.#nodes = nodes;
  }

  /** @throws EnvironmentError where it cannot be made, or the signal's reason; nothing of it is left then. */
  static async make(options: LentClusterOptions): Promise<LentCluster> {
    const { platform, engine, scenario, workload, folder, signal, say } = options;
    const { cluster, workload: chosen } = scenario;
    await makeFolder(join(folder, 'logs'));
    const nodes = await provision(platform, engine, { cluster, folder, needs: options.needs, signal, say });
    try {
      const dataset = datasetOf(workload, chosen.params, probesAreOn(scenario));
      return new LentCluster(options, nodes, await engine.form({ nodes, topology: cluster, dataset, signal }));
    } catch (error) {
      await nodes.dispose();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nodes.dispose();
  }
}

/** What a run is made on. */
interface Lent {
  readonly platform: Platform;
  readonly engine: Engine;
}

/** Clusters side by side for the same scenarios: made for them, or one that is running. */
export class LentClusters implements AsyncDisposable {
  readonly #on: Lent;
  readonly #scenario: Scenario;
  readonly #made: LentCluster[] = [];

  constructor(on: Lent, scenario: Scenario) {
    this.#on = on;
    this.#scenario = scenario;
  }

  /** The one that stands, where none were made. */
  get all(): readonly Lent[] {
    if (this.#made.length === 0) return [this.#on];
    return this.#made;
  }

  get placement(): PlacementMap {
    return this.#placements[0] as PlacementMap;
  }

  /** Whether they laid their partitions out alike. */
  get areAlike(): boolean {
    const { partitions, writesAlsoNeed } = this.placement;
    return this.#placements.every(
      (other) => isDeepStrictEqual(other.partitions, partitions) && other.writesAlsoNeed === writesAlsoNeed,
    );
  }

  get #placements(): readonly PlacementMap[] {
    return this.all.map(({ engine }) => engine.layout?.(this.#scenario.cluster, []) as PlacementMap);
  }

  /** @throws why one of them cannot be made, which ends the making of the others. */
  async make(count: number, options: Omit<LentClusterOptions, 'platform' | 'engine' | 'scenario'>): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const on = { ...options, platform: this.#on.platform, engine: this.#on.engine, scenario: this.#scenario, signal };
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        // The first one's `cluster.json` lies where that of any run does.
        const folder = i === 0 ? options.folder : join(options.folder, `cluster-${i + 1}`);
        try {
          this.#made.push(await LentCluster.make({ ...on, folder }));
        } catch (error) {
          failed.abort(error);
        }
      }),
    );
    signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#made.map((cluster) => cluster[Symbol.asyncDispose]()));
  }
}
