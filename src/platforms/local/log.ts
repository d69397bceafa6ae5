/**
 * Logs of local nodes, one file each. They are beside the nodes' data, because a server that writes to a disk that hangs
 * cannot be ended; the run's folder has links to them, and in the end copies.
 */

import { readdirSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { copyFile, ignoringErrors } from '../../disk/files.ts';
import { filesIn } from '../../disk/files-in.ts';
import type { NodeName } from '../../model/topology.ts';

const LINES_SHOWN = 8;
/** No node has such a name. */
const FOLDER = '.logs';

/** @param dataRoot the folder of the nodes' data. */
export function logFileOf(dataRoot: string, node: NodeName): string {
  return join(dataRoot, FOLDER, `${node}.log`);
}

/** Where a user finds it, during the run and after it. */
export function keptLogOf(runFolder: string, node: NodeName): string {
  return join(runFolder, 'logs', `${node}.log`);
}

/** Makes the link in the run's folder, if it can; harmless twice. The log must be there. */
export function linkLog(dataRoot: string, runFolder: string, node: NodeName): void {
  const path = keptLogOf(runFolder, node);
  // The copy in the end does not need it.
  ignoringErrors(() => {
    filesIn(path).makeFolder(dirname(path));
    filesIn(path).link(logFileOf(dataRoot, node), path);
  });
}

/**
 * Copies all logs into the run's folder, in place of the links. One that cannot be copied costs no other.
 * @throws the error of the first that could not be copied.
 */
export function keepLogs(dataRoot: string, runFolder: string): void {
  const failures: unknown[] = [];
  const logs = namesIn(join(dataRoot, FOLDER));
  const folder = join(runFolder, 'logs');
  // If others have removed it. If that fails, so do the copies.
  if (logs.length > 0) ignoringErrors(() => filesIn(folder).makeNewFolder(folder));
  for (const name of logs) {
    const kept = keptLogOf(runFolder, basename(name, '.log'));
    try {
      copyFile(filesIn(kept), join(dataRoot, FOLDER, name), kept);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // No node was started.
  }
}

/** @returns `undefined` if the folder cannot be written: a node must be able to start without a log. */
export async function openLog(logFile: string): Promise<FileHandle | undefined> {
  try {
    await mkdir(dirname(logFile)).catch(() => undefined);
    return await open(logFile, 'a');
  } catch {
    return undefined;
  }
}

/** In bytes; 0 without a log. */
export async function sizeOf(logFile: string): Promise<number> {
  return (await stat(logFile).catch(() => undefined))?.size ?? 0;
}

/** The end of a log, for an error message; empty without a log. */
export async function lastLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
}
