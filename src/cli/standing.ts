/** Shared by the commands for the cluster from `up`: options, platform, engines and data set. */

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

/** Only shipped variants, so that a broken config file cannot prevent the removal of a cluster. */
const { catalog } = pgquake();

const DEFAULT_PROJECT = 'citus';

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

/** @throws EnvironmentError if no platform supports clusters from `up`. */
export function standingClusters(): StandingClusters {
  const standing = catalog.platforms.find((platform) => platform.standing)?.standing;
  if (!standing) throw new EnvironmentError('no platform here can keep a cluster', { code: 'no-platform' });
  return standing;
}

/** The nodes that `up` starts, as the first engine with fixed roles lays them out. */
export function standingTopology(): Topology {
  const [engine] = standingEngines();
  return { nodes: (engine as Engine).nodes(4), replication: 2, partitions: 4 };
}

/** The server settings that any of these engines needs. */
export function standingSettings(): Readonly<Record<string, string>> {
  return Object.assign({}, ...standingEngines().map((engine) => engine.settingsFor?.(standingTopology())));
}

/** The engines that may have formed the cluster: those with fixed roles. */
export function standingEngines(): readonly Engine[] {
  return catalog.engines.filter(({ movingRoles }) => !movingRoles);
}

/** The data that `up` loads: that of the first workload with its default parameters. */
export function standingData(): WantedData {
  const workload = catalog.workloads[0] as Workload;
  return { workload, params: workload.params.parse({}) as WantedData['params'] };
}

/** @returns what the user types to run another command on the same cluster. */
export function commandFor(command: string, project: string): string {
  return `${ownCommand()} ${command}${project === DEFAULT_PROJECT ? '' : ` --project ${project}`}`;
}

/** Ctrl-C ends the work in order; nodes already started or stopped stay so. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = interruptible(undefined, {
    first: asTyped('stopping; "pgquake up" starts what is stopped'),
    further: () => 'still stopping; this has a time limit',
  });
  try {
    return await work(interrupt.signal);
  } finally {
    interrupt.stop();
  }
}
