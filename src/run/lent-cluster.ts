/** One cluster for several runs: pgquake creates it once, lends it to each run in turn, and removes it at the end. */

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Engine, FormedCluster } from '../cluster/engine.ts';
import type { Capability, Nodes, Platform } from '../cluster/platform.ts';
import { filesIn } from '../disk/files-in.ts';
import type { Scenario } from '../model/scenario.ts';
import type { PlacementMap } from '../model/topology.ts';
import type { Workload } from '../workloads/workload.ts';
import { datasetOf, probesAreOn } from './probes.ts';
import { provision } from './provision.ts';
import { attachedPlatform } from './standing.ts';

export interface LentClusterOptions {
  readonly platform: Platform;
  readonly engine: Engine;
  /** The first scenario to run on it; the others have the same cluster, workload and probes. */
  readonly scenario: Scenario;
  readonly workload: Workload;
  /** The capabilities that the scenarios' faults need. */
  readonly needs: readonly Capability[];
  /** The folder for `cluster.json` and the nodes' logs; created if missing. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

class LentCluster implements AsyncDisposable {
  /** For a run: provisioning attaches to the nodes, refuses unhealthy ones, and disposing removes nothing. */
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

  /**
   * @throws EnvironmentError where the cluster cannot be created, or the signal's reason; then nothing of it is left.
   */
  static async make(options: LentClusterOptions): Promise<LentCluster> {
    const { platform, engine, scenario, workload, folder, signal, say } = options;
    const { cluster, workload: chosen } = scenario;
    filesIn(folder).makeFolder(join(folder, 'logs'));
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

interface Lent {
  readonly platform: Platform;
  readonly engine: Engine;
}

/** Clusters that run the same scenarios side by side: newly created ones, or one running cluster. */
export class LentClusters implements AsyncDisposable {
  readonly #on: Lent;
  readonly #scenario: Scenario;
  readonly #made: LentCluster[] = [];

  constructor(on: Lent, scenario: Scenario) {
    this.#on = on;
    this.#scenario = scenario;
  }

  /** The created clusters, or else the running one. */
  get all(): readonly Lent[] {
    if (this.#made.length === 0) return [this.#on];
    return this.#made;
  }

  get placement(): PlacementMap {
    return this.#placements[0] as PlacementMap;
  }

  /** Whether all clusters have the same placement. */
  get areAlike(): boolean {
    const { partitions, writesAlsoNeed } = this.placement;
    return this.#placements.every(
      (other) => isDeepStrictEqual(other.partitions, partitions) && other.writesAlsoNeed === writesAlsoNeed,
    );
  }

  get #placements(): readonly PlacementMap[] {
    return this.all.map(({ engine }) => engine.layout?.(this.#scenario.cluster, []) as PlacementMap);
  }

  /** @throws the error of the first cluster that cannot be created, which aborts the others. */
  async make(count: number, options: Omit<LentClusterOptions, 'platform' | 'engine' | 'scenario'>): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const on = { ...options, platform: this.#on.platform, engine: this.#on.engine, scenario: this.#scenario, signal };
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        // The first cluster uses the run's own folder.
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
