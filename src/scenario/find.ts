/** Finds scenario files by name. Does not load the modules that parse scenarios. */

import { readdir } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { errorText, fileProblem, InputError } from '../model/errors.ts';
import { packageFolder } from '../model/package-files.ts';
import { NotRegularError, readWritten } from '../regular-file.ts';

/** Where to look for scenarios by name: the user's own before the shipped ones. */
export const SCENARIO_FOLDERS: readonly string[] = [
  ...new Set([resolve('scenarios'), join(packageFolder(), 'scenarios')]),
];

const SUITE_ENDING = '.suite.yaml';

/** A scenario that has a name. */
export interface ScenarioEntry {
  /** In a suite: `patroni/primary-lost`. */
  readonly name: string;
  /** The suite that it belongs to, if any. */
  readonly suite?: string;
  /** Its path; relative to the current folder where the file is below it. */
  readonly file: string;
  /** Its summary, or a note that it is not valid. */
  readonly summary: string;
  readonly tags?: readonly string[];
}

/** The scenarios in the folders, by name, then those in their suites. Where two have one name, the first wins. */
export async function scenarioFiles(folders: readonly string[]): Promise<Omit<ScenarioEntry, 'summary' | 'tags'>[]> {
  const found: Omit<ScenarioEntry, 'summary' | 'tags'>[] = [...(await namedFiles(folders))].map(([name, file]) => ({
    name,
    file,
  }));
  for (const suite of await suitesIn(folders)) {
    const files = await namedFiles(folders.map((folder) => join(folder, suite)));
    found.push(...[...files].map(([name, file]) => ({ name: `${suite}/${name}`, suite, file })));
  }
  return found;
}

/** `ha.suite.yaml` is the file of the suite `ha`. */
export function suiteListFile(name: string): string {
  return `${name}${SUITE_ENDING}`;
}

/** The suite that a file lists; `undefined` where it lists none. */
export function suiteListName(file: string): string | undefined {
  return file.endsWith(SUITE_ENDING) ? file.slice(0, -SUITE_ENDING.length) : undefined;
}

/** The names of the folders that hold scenarios. */
export async function suitesIn(folders: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const entry of await entriesOf(folder)) {
      // Skips the many scenario files.
      if (entry.endsWith('.yaml')) continue;
      if ((await namedFiles([join(folder, entry)])).size > 0) names.add(entry);
    }
  }
  return [...names].sort();
}

/** Name -> file, sorted by name. */
export async function namedFiles(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    for (const entry of await entriesOf(folder)) {
      if (suiteListName(entry) !== undefined) continue;
      const name = /^(.+)\.yaml$/.exec(entry)?.[1];
      if (name !== undefined && !files.has(name)) files.set(name, join(folder, entry));
    }
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new InputError(`cannot read the folder ${folder}: ${errorText(error)}`, {
      code: 'scenario-unreadable',
      cause: error,
    });
  }
}

/** Relative to the current folder where the file is below it, as people type it. */
export function shown(file: string): string {
  const path = relative('.', file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}

/** Reads a scenario file. @throws InputError where it cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readWritten(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): InputError {
  const code = 'scenario-unreadable';
  if (error instanceof NotRegularError && error.isFolder) {
    return new InputError(`${file} is a folder; expected a scenario file`, {
      code,
      hint: `name a file in it, such as ${join(file, 'mine.yaml')}; "pgquake --suite ${file}" runs all scenarios in it`,
    });
  }
  const reason =
    error instanceof NotRegularError
      ? 'not a regular file; save the scenario to a file first, because a run keeps its path'
      : fileProblem(error);
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new InputError(`cannot read the scenario ${file}: ${reason}`, {
    code,
    ...(missing
      ? { hint: 'a name without a folder and .yaml is a scenario in scenarios/; "pgquake list" shows them' }
      : {}),
    cause: error,
  });
}
