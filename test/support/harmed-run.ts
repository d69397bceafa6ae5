/** Runs on the embedded cluster with somebody in between, who does harm behind pgquake's back. */

import { expect, vi } from 'vitest';
import type { Nodes } from '../../src/cluster/platform.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { Report } from '../../src/model/report.ts';
import type { Scenario } from '../../src/model/scenario.ts';
import type { PlacementMap } from '../../src/model/topology.ts';
import { pgquake } from '../../src/pgquake.ts';
import { local } from '../../src/platforms/local.ts';
import { temporaryFolder } from './local-cluster.ts';

const provision = local.provision.bind(local);

export interface Harm {
  /** Stands between pgquake and the nodes. */
  readonly nodes?: (nodes: Nodes) => Promise<Nodes>;
  /** Done when the event happens; the run does not wait for it. */
  readonly at?: (event: TimedEvent, cluster: { nodes: Nodes; placement: PlacementMap }) => Promise<void> | undefined;
  /** Done when the run has read everything, before the cluster goes. */
  readonly before?: (nodes: Nodes) => Promise<void>;
}

/** Runs a scenario on the embedded cluster to its report. */
export async function runWith(scenario: Scenario, { nodes: between, at, before }: Harm): Promise<Report> {
  await using folder = await temporaryFolder();
  let nodes: Nodes | undefined;
  using _ = vi.spyOn(local, 'provision').mockImplementation(async (options) => {
    const real = await provision(options);
    nodes = real;
    const shown = between ? await between(real) : real;
    return {
      ...pick(shown),
      dispose: async () => {
        await before?.(real);
        await real.dispose();
      },
    };
  });
  let placement: PlacementMap | undefined;
  const done: Promise<void>[] = [];
  const heard = (event: TimedEvent) => {
    if (event.type === 'cluster-formed') placement = event.placement;
    if (!nodes || !placement) return;
    const work = at?.(event, { nodes, placement });
    if (work) done.push(work);
  };
  const { report, failure } = await pgquake().run(scenario, {
    seed: 7,
    reports: folder.path,
    listeners: [{ event: heard }],
  });
  await Promise.all(done);
  if (failure) throw failure;
  expect(done.length > 0 || between !== undefined).toBe(true);
  return report;
}

function pick({ all }: Nodes) {
  return { all };
}
