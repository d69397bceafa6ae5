/**
 * What the build has found out of the shipped scenarios: each is valid, by the very schemas that lie beside it, and has this
 * summary and these tags. So to list them is to read them and to see that they are the same, and no more.
 */

import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeFolder } from '../model/package-files.ts';
import { MAX_BYTES, type ScenarioEntry, scenarioFiles, shown } from './find.ts';

/** Written by `tools/build.ts`; what runs from its source has none. */
export const KNOWN_FILE = 'known-scenarios.json';

/** What a list says of a scenario. */
export type Head = Pick<ScenarioEntry, 'summary' | 'tags'>;

/** `keyOf` -> head. */
export type KnownHeads = ReadonlyMap<string, Head>;

/** A file's name with its whole text: to compare them is quicker than to load what makes digests. */
export function keyOf(file: string, text: string): string {
  return `${basename(file)}\n${text}`;
}

/** None where nothing was built, or it cannot be read: all are looked at then. */
export async function knownHeads(): Promise<KnownHeads> {
  try {
    const kept = JSON.parse(await readFile(join(codeFolder(), KNOWN_FILE), 'utf8')) as Record<string, Head>;
    return new Map(Object.entries(kept));
  } catch {
    return new Map();
  }
}

/** The scenarios of the folders, where all of them are known; loads nothing that reads one. */
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

/** Of a file that may be a scenario. At once: to wait for dozens of small files takes longer than to read them. */
function textOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size > MAX_BYTES) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // Whoever looks at it says why.
  }
}
