/** What the commands for a standing cluster share: its options, the platform that keeps it, the data set in it. */

import type { Engine } from '../cluster/engine.ts';
import type { StandingClusters } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { ownCommand } from '../model/package-files.ts';
import type { Topology } from '../model/topology.ts';
import { pgquake } from '../pgquake.ts';
import type { WantedData } from '../run/standing.ts';
import type { Workload } from '../workloads/workload.ts';
import { interruptible } from './interrupt.ts';
import { asTyped } from './typed.ts';

/** These clusters are the shipped platform's own: a config file that is broken must not keep one from being removed. */
const { catalog } = pgquake();

export const DEFAULT_PROJECT = 'citus';

export interface ProjectArguments {
  project: string;
}

export const PROJECT_OPTION = {
  project: {
    type: 'string',
    requiresArg: true,
    default: DEFAULT_PROJECT,
    describe: 'name of the cluster, which is its Compose project',
  },
} as const;

export interface FolderArguments extends ProjectArguments {
  folder: string;
}

export const FOLDER_OPTIONS = {
  ...PROJECT_OPTION,
  folder: {
    type: 'string',
    requiresArg: true,
    default: '.',
    describe: 'the folder of its docker-compose.yml and .env',
  },
} as const;

/** @throws EnvironmentError where no platform has any. */
export function standingClusters(): StandingClusters {
  const standing = catalog.platforms.find((platform) => platform.standing)?.standing;
  if (!standing) throw new EnvironmentError('no platform here can keep a cluster', { code: 'no-platform' });
  return standing;
}

/** The cluster that `up` makes: the first engine that keeps its nodes' roles says what the nodes are. */
export function standingTopology(): Topology {
  const [engine] = standingEngines();
  return { nodes: (engine as Engine).nodes(4), replication: 2, partitions: 4 };
}

/** Settings that any of the engines that may form it needs. */
export function standingSettings(): Readonly<Record<string, string>> {
  return Object.assign({}, ...standingEngines().map((engine) => engine.settingsFor?.(standingTopology())));
}

/** What may have formed one. */
export function standingEngines(): readonly Engine[] {
  return catalog.engines.filter(({ movingRoles }) => !movingRoles);
}

/** What `up` loads: the first workload, as a scenario has it that says nothing else. */
export function standingData(): WantedData {
  const workload = catalog.workloads[0] as Workload;
  return { workload, params: workload.params.parse({}) as WantedData['params'] };
}

/** What a person types for another command on the same cluster. */
export function commandFor(command: string, project: string): string {
  return `${ownCommand()} ${command}${project === DEFAULT_PROJECT ? '' : ` --project ${project}`}`;
}

/** Ctrl-C ends the work in order; what was started or stopped by then stays so. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = interruptible(undefined, {
    first: asTyped('stopping; "pgquake up" starts what is stopped'),
    further: () => 'still stopping; this has a time limit',
  });
  try {
    await work(interrupt.signal);
  } finally {
    interrupt.stop();
  }
}
