/**
 * Finds and removes what is left of a local cluster whose pgquake was killed.
 *
 * `cluster.json` has the process ids and start times of servers. A server started at the last moment is not in it, and
 * children may have lost their postmaster: those are found by their working directory, below the cluster's folder. If
 * nodes run an engine's programs, every process that works there is theirs.
 */

import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { EnvironmentError } from '../../model/errors.ts';
import { readClusterFile } from '../cluster-file.ts';
import { ownerSchema } from '../owner.ts';
import { DATA, isDataRoot } from './data-folder.ts';
import { killTree, type ProcessInfo, processesWorkingIn, processTree, survivors } from './processes.ts';
import { removeSharedMemory } from './shared-memory.ts';

/** The programs that pgquake itself runs there: servers, and `cp` for the template. */
const PROGRAMS = ['postgres', 'cp'];
const LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 50;
/** Consecutive looks that must find nothing: between fork and exec a process is not yet known as a server. */
const EMPTY_LOOKS = 2;

const remainsSchema = z.object({
  platform: z.literal('local'),
  owner: ownerSchema,
  dataRoot: z.string().refine(isDataRoot, 'expected a folder that pgquake made'),
  /** Whether its nodes run other programs than servers. */
  programs: z.boolean().default(false),
  nodes: z.array(
    z.object({
      name: z.string(),
      /** Both absent before the first launch. */
      pid: z.int().positive().optional(),
      startTime: z.string().optional(),
    }),
  ),
});

export type Remains = z.infer<typeof remainsSchema>;

/** @throws EnvironmentError when the file is damaged. */
export function readRemains(runFolder: string): Promise<Remains | undefined> {
  return readClusterFile(runFolder, remainsSchema);
}

/**
 * Kills the processes, frozen or not, releases shared memory and removes the folder, until it finds nothing more. Harmless
 * if nothing is left.
 * @returns what it removed, in words.
 * @throws EnvironmentError when it still finds something after 30 s.
 */
export async function removeRemains(remains: Remains): Promise<string[]> {
  const removed: string[] = [];
  const giveUpAt = performance.now() + LIMIT_MS;
  for (let emptyLooks = 0; emptyLooks < EMPTY_LOOKS; ) {
    const found = [...(await killFound(remains)), ...(await removeFolder(remains.dataRoot))];
    removed.push(...found);
    emptyLooks = found.length === 0 ? emptyLooks + 1 : 0;
    if (performance.now() > giveUpAt) {
      throw new EnvironmentError(`new remains keep appearing: ${found.join('; ')}`, {
        code: 'left-behind',
        hint: `find out which program starts servers in ${remains.dataRoot}`,
      });
    }
    if (emptyLooks < EMPTY_LOOKS) await sleep(LOOK_AGAIN_MS);
  }
  return removed;
}

async function killFound({ dataRoot, nodes, programs }: Remains): Promise<string[]> {
  const killed: string[] = [];
  for (const { name, pid, startTime } of nodes) {
    if (pid === undefined || startTime === undefined) continue;
    const [first] = await survivors([{ pid, startTime }]);
    if (first) killed.push(await kill(first, `${name}: ${programs ? 'process' : 'postmaster'}`));
  }
  const strays = processesWorkingIn(dataRoot, programs ? undefined : PROGRAMS);
  const isChild = ({ parent }: ProcessInfo) => strays.some(({ pid }) => pid === parent);
  for (const root of strays.filter((stray) => !isChild(stray))) {
    killed.push(await kill(root, `in ${basename(dataRoot)}: process`));
  }
  return killed;
}

async function kill(root: ProcessInfo, what: string): Promise<string> {
  const others = (await processTree(root)).length - 1;
  const frozen = root.state === 'T' ? ', frozen' : '';
  await killTree(root);
  return `${what} ${root.pid}${others > 0 ? ` and ${others} other processes` : ''}${frozen}`;
}

async function removeFolder(dataRoot: string): Promise<string[]> {
  const nodes = await readdir(dataRoot).catch(() => undefined);
  if (nodes === undefined) return [];
  for (const node of nodes) {
    for (const folder of [join(dataRoot, node), join(dataRoot, node, DATA)]) await removeSharedMemory(folder);
  }
  await rm(dataRoot, { recursive: true, force: true, maxRetries: 5 });
  return [`folder ${dataRoot}`];
}
