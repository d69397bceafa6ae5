/** Which pgquake a cluster belongs to, so that nobody removes the cluster of a run that is under way. */

import { hostname } from 'node:os';
import { z } from 'zod';
import { EnvironmentError } from '../model/errors.ts';
import { processOf, survivors } from './local/processes.ts';

/** A process id says nothing on another machine, and little without its start time. */
export const ownerSchema = z.object({ host: z.string(), pid: z.int().positive(), startTime: z.string() });

export type Owner = z.infer<typeof ownerSchema>;

/** The process that runs this. */
export async function thisProcess(): Promise<Owner> {
  const info = await processOf(process.pid);
  return { host: hostname(), pid: process.pid, startTime: info?.startTime ?? '' };
}

/**
 * @returns the owner in words if it still runs, else `undefined`.
 * @throws EnvironmentError where that cannot be told from here.
 */
export async function runningOwner(owner: Owner): Promise<string | undefined> {
  if (owner.host !== hostname()) {
    throw new EnvironmentError(`the cluster was made on the machine ${owner.host}, and this one is ${hostname()}`, {
      code: 'other-machine',
      hint: 'run "pgquake heal" there; if that machine is gone, delete cluster.json from the run folder',
    });
  }
  return (await survivors([owner])).length > 0 ? `pgquake, process ${owner.pid}, which still runs` : undefined;
}
