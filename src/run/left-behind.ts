/**
 * Clusters that a killed pgquake left behind: found by the `cluster.json` in their run's folder, removed by
 * their platform, and what was done is written into the history of the run that they belonged to.
 */

import { appendFile, readdir, readFile, stat, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CLUSTER_FILE, type Platform } from '../cluster/platform.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import { readPendingUndos } from './undo-journal.ts';

/** What became of one cluster; `folder` is the run's folder that names it. */
export type LeftBehind =
  | {
      readonly state: 'reclaimed';
      readonly folder: string;
      /** In words. */
      readonly removed: readonly string[];
      /** Undos that the run still owed, in words; void, as their nodes are gone. */
      readonly voided: readonly string[];
    }
  | { readonly state: 'in-use'; readonly folder: string; readonly by: string }
  | { readonly state: 'failed'; readonly folder: string; readonly error: unknown };

/**
 * The folders that name a cluster: run folders below the reports folder, and in those that of a further
 * cluster of the same run. In the order of their names, the oldest first; none where there is no such folder.
 */
export async function findClusters(reportsFolder: string): Promise<string[]> {
  const runs = await subfolders(reportsFolder);
  return (await Promise.all(runs.map(findClustersOfRun))).flat();
}

/** The same, of one run's folder. */
export async function findClustersOfRun(runFolder: string): Promise<string[]> {
  const candidates = [runFolder, ...(await subfolders(runFolder))];
  const named = await Promise.all(candidates.map((folder) => exists(join(folder, CLUSTER_FILE))));
  return candidates.filter((_, i) => named[i]);
}

/**
 * Removes the cluster that a folder names, unless its pgquake still runs. Harmless twice.
 * @param now goes into the history of the run.
 */
export async function reclaim(folder: string, platforms: readonly Platform[], now: Date): Promise<LeftBehind> {
  try {
    const platform = await platformOf(folder, platforms);
    const open = await readPendingUndos(folder);
    const { inUseBy, removed } = await platform.reclaim(folder);
    if (inUseBy !== undefined) return { state: 'in-use', folder, by: inUseBy };
    const voided = open.map(({ fault, undo }) => `${undo.action} ${undo.node} (${fault})`);
    await record(folder, removed, voided, now);
    return { state: 'reclaimed', folder, removed, voided };
  } catch (error) {
    return { state: 'failed', folder, error };
  }
}

async function platformOf(folder: string, platforms: readonly Platform[]): Promise<Platform> {
  const path = join(folder, CLUSTER_FILE);
  let name: unknown;
  try {
    name = (JSON.parse(await readFile(path, 'utf8')) as { platform?: unknown }).platform;
  } catch (error) {
    throw unreadable(path, errorText(error), error);
  }
  const platform = platforms.find((candidate) => candidate.name === name);
  if (!platform) throw unreadable(path, `there is no platform ${JSON.stringify(name)}`);
  return platform;
}

function unreadable(path: string, reason: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(`${path} cannot be used: ${reason}`, {
    code: 'cluster-file-damaged',
    hint: 'see in it what the cluster consists of, remove that and the file by hand',
    cause,
  });
}

/** A proof of tolerance has no history of this kind, and a run that was killed early has none yet. */
async function record(folder: string, removed: readonly string[], voided: readonly string[], now: Date): Promise<void> {
  const path = join(folder, 'events.ndjson');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  // The run's clock ended with its process.
  const last = whole.trimEnd().split('\n').at(-1);
  const at = last ? (JSON.parse(last) as TimedEvent).at : 0;
  const event: TimedEvent = { at, type: 'reclaimed', of: basename(folder), when: now.toISOString(), removed, voided };
  // A line cut short by the crash would make the whole history unreadable.
  await truncate(path, Buffer.byteLength(whole));
  await appendFile(path, `${JSON.stringify(event)}\n`);
}

async function subfolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // `latest` is a link to a folder that is among them.
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
