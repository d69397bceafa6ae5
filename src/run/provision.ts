/** Asks a platform for the nodes that an engine forms a cluster of. */

import type { Engine } from '../cluster/engine.ts';
import type { Capability, Nodes, Platform } from '../cluster/platform.ts';
import type { ClusterSpec } from '../model/scenario.ts';
import type { NodeName } from '../model/topology.ts';

export interface WantedNodes {
  readonly cluster: ClusterSpec;
  /** Where the platform keeps what must outlive a crash of pgquake, and the nodes' logs. */
  readonly folder: string;
  /** What faults will need of the nodes, beside what the engine needs. */
  readonly needs: readonly Capability[];
  /** Nodes whose data need a file system of its own size; none by default. */
  readonly sizedData?: readonly NodeName[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws as `Platform.provision`. */
export function provision(platform: Platform, engine: Engine, wanted: WantedNodes): Promise<Nodes> {
  const { cluster, folder, needs, sizedData = [], signal, say } = wanted;
  return platform.provision({
    nodes: cluster.nodes,
    settings: { ...engine.settings, ...engine.settingsFor?.(cluster) },
    ...(engine.programsFor ? { programs: engine.programsFor(cluster) } : {}),
    sizedData,
    runFolder: folder,
    needs: new Set([...(engine.needs ?? []), ...needs]),
    signal,
    onProgress: say,
  });
}
