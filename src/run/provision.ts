/** Asks a platform for the nodes of a cluster. */

import type { Engine } from '../cluster/engine.ts';
import type { Capability, Nodes, Platform } from '../cluster/platform.ts';
import type { ClusterMakeup } from '../model/scenario.ts';
import type { NodeName } from '../model/topology.ts';

export interface WantedNodes {
  readonly cluster: ClusterMakeup;
  /** The folder for the nodes' logs, and for what must survive a crash of pgquake. */
  readonly folder: string;
  /** Capabilities that faults will need, besides the engine's; none by default. */
  readonly needs?: readonly Capability[];
  /** Nodes whose data need a file system of limited size; none by default. */
  readonly sizedData?: readonly NodeName[];
  readonly signal: AbortSignal;
  /** Receives lines on progress. */
  readonly say?: (line: string) => void;
}

/** @throws as `Platform.provision`. */
export function provision(platform: Platform, engine: Engine, wanted: WantedNodes): Promise<Nodes> {
  const { cluster, folder, needs = [], sizedData = [], signal, say } = wanted;
  return platform.provision({
    nodes: cluster.nodes,
    settings: { ...engine.settings, ...engine.settingsFor?.(cluster) },
    ...(engine.programsFor ? { programs: engine.programsFor(cluster) } : {}),
    sizedData,
    runFolder: folder,
    needs: new Set([...(engine.needs ?? []), ...needs]),
    signal,
    ...(say ? { onProgress: say } : {}),
  });
}
