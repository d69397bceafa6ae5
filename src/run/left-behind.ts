/** Heals clusters that a killed pgquake left behind, found by `cluster.json`, and records that in the run's history. */

import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CLUSTER_FILE, everyNode, type Nodes, type Platform } from '../cluster/platform.ts';
import { LineFile } from '../disk/line-file.ts';
import type { Fault } from '../faults/fault.ts';
import { EnvironmentError, errorText, InputError } from '../model/errors.ts';
import type { RunEvent, TimedEvent } from '../model/event.ts';
import { eventLine } from '../model/event-line.ts';
import type { Scenario } from '../model/scenario.ts';
import { readRegular } from '../regular-file.ts';
import { undoAll, untilWhole, WHOLE_LIMIT_MS } from './healing.ts';
import type { Recorder } from './recorder.ts';
import { noteKept, type PendingUndo, readPendingUndos } from './undo-journal.ts';

/** The outcome for one cluster. `folder` has its `cluster.json`. */
export type LeftBehind =
  | {
      readonly state: 'reclaimed';
      readonly folder: string;
      /** In words. */
      readonly removed: readonly string[];
      /** Undos that the run owed, in words; void because their nodes are gone. */
      readonly voided: readonly string[];
      /** On a running cluster: the proof that its nodes are healthy again, in words. */
      readonly undone: readonly string[];
      /** On a running cluster: replication has caught up and no prepared transaction is left. */
      readonly whole: boolean;
      /** Why this could not be recorded in the run's history, in words. */
      readonly unrecorded?: string;
    }
  | { readonly state: 'in-use'; readonly folder: string; readonly by: string }
  | { readonly state: 'failed'; readonly folder: string; readonly error: unknown };

/**
 * The folders that have a `cluster.json`: run folders in the reports folder, and subfolders for further clusters of a
 * run. Sorted by name, so the oldest run is first; empty where the reports folder does not exist.
 * @throws InputError where it cannot be read, such as a file.
 */
async function findClusters(reportsFolder: string): Promise<string[]> {
  const runs = await subfolders(reportsFolder).catch((error: unknown) => {
    throw new InputError(`cannot read the folder ${reportsFolder}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: 'name a folder of runs with --reports <folder>, or a run folder',
      cause: error,
    });
  });
  return (await Promise.all(runs.map(findClustersOfRun))).flat();
}

/** The same for one run's folder. */
async function findClustersOfRun(runFolder: string): Promise<string[]> {
  const candidates = [runFolder, ...(await subfolders(runFolder))];
  return candidates.filter((folder) => existsSync(join(folder, CLUSTER_FILE)));
}

export interface ReclaimOptions {
  readonly platforms: readonly Platform[];
  /** Their `undo` undoes what a run owes. */
  readonly faults: readonly Fault[];
  /** Recorded in the run's history. */
  readonly now: Date;
  /** Also where pgquake cannot tell whether the run's pgquake is running. False by default. */
  readonly force?: boolean;
}

/**
 * Removes the clusters of runs whose pgquake was killed. Leaves those alone whose pgquake is running.
 * @param runs run folders, as paths or by their names in the reports folder; all of them by default.
 * @throws InputError when a named run does not exist or is a file, or the reports folder cannot be read.
 */
export async function healLeftBehind(
  { platforms, faults, force = false }: Omit<ReclaimOptions, 'now'>,
  reportsFolder: string,
  runs: readonly string[] = [],
): Promise<LeftBehind[]> {
  const folders =
    runs.length === 0
      ? await findClusters(reportsFolder)
      : (await Promise.all(runs.map((run) => findClustersOfRun(runFolderOf(run, reportsFolder))))).flat();
  const outcomes: LeftBehind[] = [];
  for (const folder of folders) outcomes.push(await reclaim(folder, { platforms, faults, force, now: new Date() }));
  return outcomes;
}

function runFolderOf(run: string, reportsFolder: string): string {
  const folder = [run, join(reportsFolder, run)].find((candidate) => existsSync(candidate));
  if (folder !== undefined && statSync(folder).isDirectory()) return folder;
  if (folder !== undefined) {
    throw new InputError(`${folder} is not a folder; expected a run folder`, {
      code: 'no-such-run',
      hint: 'give a run folder, such as reports/latest; without one, "pgquake heal" checks all runs',
    });
  }
  throw new InputError(`there is no run ${run}: it is neither a folder nor in ${reportsFolder}`, {
    code: 'no-such-run',
    hint: 'give a run folder; without one, "pgquake heal" checks all runs',
  });
}

/**
 * Removes the cluster that a folder names, unless its pgquake is running. If the run had attached to the cluster,
 * carries out the undos that the run owed instead, and waits until replication has caught up. Harmless twice.
 */
export async function reclaim(
  folder: string,
  { platforms, faults, now, force = false }: ReclaimOptions,
): Promise<LeftBehind> {
  try {
    const platform = await platformOf(folder, platforms);
    const open = readPendingUndos(folder);
    const { inUseBy, removed, standing } = await platform.reclaim(folder, { force });
    if (inUseBy !== undefined) return { state: 'in-use', folder, by: inUseBy };
    const undone = standing ? await undoOn(standing, folder, open, faults) : [];
    const voided = standing ? [] : open.map(({ fault, undo }) => `${undo.action} ${undo.node} (${fault})`);
    const reclaimed = { removed, voided, undone };
    const unrecorded = await record(folder, { of: basename(folder), when: now.toISOString(), ...reclaimed }).then(
      () => ({}),
      (error: unknown) => ({ unrecorded: errorText(error) }),
    );
    return { state: 'reclaimed', folder, ...reclaimed, whole: standing !== undefined, ...unrecorded };
  } catch (error) {
    return { state: 'failed', folder, error };
  }
}

/** @throws EnvironmentError that says what could not be undone; the run still owes that. */
async function undoOn(
  nodes: Nodes,
  folder: string,
  open: readonly PendingUndo[],
  faults: readonly Fault[],
): Promise<readonly string[]> {
  const kept: number[] = [];
  const { proofs, failures } = await undoAll(open, {
    nodes: everyNode(nodes),
    faults: new Map(faults.map((fault) => [fault.name, fault])),
    kept: (id) => kept.push(id),
  });
  noteKept(folder, kept);
  // While a node is not back, waiting for replication is pointless.
  const left =
    failures.length > 0
      ? failures
      : await untilWhole(nodes.all, {
          limitMs: WHOLE_LIMIT_MS,
          // Not known of a run that was killed.
          lostForMs: WHOLE_LIMIT_MS,
          ofOthers: nodes.attached !== undefined,
        });
  if (left.length > 0) {
    throw new EnvironmentError(`the cluster is running but not healed: ${left.join('; ')}`, {
      code: 'not-healed',
      hint: 'check the nodes named; "pgquake heal" tries again, "pgquake up" starts what is stopped',
    });
  }
  await nodes.dispose();
  return proofs;
}

async function platformOf(folder: string, platforms: readonly Platform[]): Promise<Platform> {
  const path = join(folder, CLUSTER_FILE);
  let name: unknown;
  try {
    name = (JSON.parse((await readRegular(path)).toString('utf8')) as { platform?: unknown }).platform;
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
    hint: 'the file lists what the cluster consists of: remove that and the file by hand',
    cause,
  });
}

/** Adds the event to the run's history, if there is one: a proof of tolerance or a run killed early has none. */
async function record(folder: string, event: Omit<Extract<RunEvent, { type: 'reclaimed' }>, 'type'>): Promise<void> {
  const path = join(folder, 'events.ndjson');
  const bytes = await readRegular(path).catch(() => undefined);
  if (bytes === undefined) return;
  const text = bytes.toString('utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  // The run's clock ended with its process, so this uses the time of its last event.
  const last = whole.trimEnd().split('\n').at(-1);
  const at = last ? (JSON.parse(last) as TimedEvent).at : 0;
  const timed: TimedEvent = { at, type: 'reclaimed', ...event };
  // Removes a line that the crash cut short, which would make the whole history unreadable.
  using file = new LineFile(path);
  file.cut(Buffer.byteLength(whole));
  file.append(eventLine(timed));
}

/** Records the outcome in the run that found the cluster. Ignores clusters in use. */
export function tellLeftBehind(recorder: Recorder, left: LeftBehind): void {
  const of = basename(left.folder);
  if (left.state === 'failed') recorder.event({ type: 'reclaim-failed', of, error: errorText(left.error) });
  if (left.state === 'reclaimed') {
    const { removed, voided, undone } = left;
    recorder.event({ type: 'reclaimed', of, when: new Date().toISOString(), removed, voided, undone });
  }
}

/** Refuses to attach while a cluster could not be healed: it may be this one. */
export function refuseUnhealed(scenario: Scenario, leftBehind: readonly LeftBehind[]): void {
  const failed = leftBehind.find(({ state }) => state === 'failed');
  if (failed?.state !== 'failed' || scenario.cluster.attach === undefined) return;
  throw new EnvironmentError(`the run ${basename(failed.folder)} left something broken: ${errorText(failed.error)}`, {
    code: 'not-healed',
    hint: 'heal it first: "pgquake heal"',
  });
}

async function subfolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // Leaves out `latest`, a link to one of these folders.
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
