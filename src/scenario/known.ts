/**
 * What the build has found out of the shipped scenarios, by the digests of their files: each is valid, by the very schemas
 * that lie beside it, and has this summary and these tags. So to list them is to read them, and no more.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeFolder } from '../model/package-files.ts';
import { readText, type ScenarioEntry, scenarioFiles, shown } from './find.ts';

/** Written by `tools/build.ts`; what runs from its source has none. */
export const KNOWN_FILE = 'known-scenarios.json';

/** What a list says of a scenario. */
export type Head = Pick<ScenarioEntry, 'summary' | 'tags'>;

/** Digest -> head. */
export type KnownHeads = ReadonlyMap<string, Head>;

/** Of a file's name, which its scenario must have, and its text. */
export function digestOf(file: string, text: string): string {
  return createHash('sha256')
    .update(`${basename(file)}\n${text}`)
    .digest('hex');
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
  const found = await Promise.all(
    (await scenarioFiles(folders)).map(async (entry) => {
      const head = known.get(digestOf(entry.file, await readText(entry.file)));
      return head === undefined ? [] : [{ ...entry, file: shown(entry.file), ...head }];
    }),
  );
  return found.every(({ length }) => length === 1) ? found.flat() : undefined;
}
