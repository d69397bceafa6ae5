/** Summaries and tags of the shipped scenarios, found by the build, so that a list only compares their texts. */

import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeFolder } from '../model/package-files.ts';
import { readWrittenSync } from '../regular-file.ts';
import { type ScenarioEntry, scenarioFiles, shown } from './find.ts';

/** Written by `tools/build.ts`; missing when pgquake runs from source. */
export const KNOWN_FILE = 'known-scenarios.json';

export type Head = Pick<ScenarioEntry, 'summary' | 'tags'>;

/** `keyOf` -> head. */
export type KnownHeads = ReadonlyMap<string, Head>;

/** A file's name with its whole text: comparing texts is faster than loading a hash module. */
export function keyOf(file: string, text: string): string {
  return `${basename(file)}\n${text}`;
}

/** Empty where the file is missing or unreadable; then every scenario is parsed. */
export async function knownHeads(): Promise<KnownHeads> {
  try {
    const kept = JSON.parse(await readFile(join(codeFolder(), KNOWN_FILE), 'utf8')) as Record<string, Head>;
    return new Map(Object.entries(kept));
  } catch {
    return new Map();
  }
}

/** Lists the scenarios in the folders if all are known, without loading the parser; else returns `undefined`. */
export async function listKnown(
  folders: readonly string[],
  known: KnownHeads,
): Promise<readonly ScenarioEntry[] | undefined> {
  const entries: ScenarioEntry[] = [];
  for (const entry of await scenarioFiles(folders)) {
    const text = textOf(entry.file);
    const head = text === undefined ? undefined : known.get(keyOf(entry.file, text));
    if (head === undefined) return undefined;
    entries.push({ ...entry, file: shown(entry.file), ...head });
  }
  return entries;
}

/** Reads a file that may be a scenario. Synchronous, because that is faster for dozens of small files. */
function textOf(file: string): string | undefined {
  try {
    return readWrittenSync(file);
  } catch {
    return undefined; // The parser will report why.
  }
}
