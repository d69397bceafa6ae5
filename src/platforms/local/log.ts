/** Logs of local nodes, one file each. */

import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../../make-folder.ts';

const LINES_SHOWN = 8;

/** @returns `undefined` if the run's folder cannot be written: a node must be able to start without a log. */
export async function openLog(logFile: string): Promise<FileHandle | undefined> {
  try {
    await makeFolder(dirname(logFile));
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
