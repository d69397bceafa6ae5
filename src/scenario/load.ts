/** Scenarios as files: found by name or by path, and read. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { errorText, InputError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import { quoted } from '../model/quoted.ts';
import type { Scenario } from '../model/scenario.ts';
import { withChanges } from './changes.ts';
import { completed } from './complete.ts';
import { parseScenario } from './parse.ts';
import { together } from './problems.ts';
import type { ScenarioVocabulary } from './schema.ts';
import { MAX_BYTES } from './source.ts';
import { readSuiteList, suiteListFile, suiteListName } from './suite-list.ts';

/** Where scenarios come from. */
export interface ScenarioSources {
  readonly vocabulary: ScenarioVocabulary;
  /** Searched for names, the first folder first. Those that do not exist are passed over. */
  readonly folders: readonly string[];
}

/** A scenario that can be asked for by name. */
export interface ScenarioEntry {
  /** In a suite: `patroni/primary-lost`. */
  readonly name: string;
  /** The suite that it belongs to, if any. */
  readonly suite?: string;
  /** Its path; relative to the current folder where it lies in it. */
  readonly file: string;
  /** Its own summary, or that it is not valid. */
  readonly summary: string;
}

/**
 * Loads a scenario by its name in one of the folders, or by its path.
 * @param changes values over its author's head, each `path=value`; none by default.
 * @throws InputError where there is none; `ScenarioError` with all its problems.
 */
export async function loadScenario(
  nameOrPath: string,
  { vocabulary, folders }: ScenarioSources,
  changes: readonly string[] = [],
): Promise<Scenario> {
  const isPath = /[/\\]|\.ya?ml$/.test(nameOrPath);
  const file = isPath ? ((await inSuite(nameOrPath, folders)) ?? nameOrPath) : await fileNamed(nameOrPath, folders);
  if (suiteListName(file) !== undefined) {
    throw new InputError(`${shown(file)} lists a suite; expected the file of a scenario`, {
      code: 'scenario-unreadable',
      hint: `pgquake --suite ${shown(file)} runs all scenarios in it`,
    });
  }
  const text = withChanges(await readText(file), changes);
  return completed(parseScenario(text, shown(file), vocabulary), vocabulary.workloads);
}

/**
 * The scenarios of the folders, by name, and then those of their suites; of two with one name the first counts. One that
 * is not valid says so.
 */
export async function listScenarios({ vocabulary, folders }: ScenarioSources): Promise<ScenarioEntry[]> {
  const found = [...(await namedFiles(folders))].map(([name, file]) => ({ name, file }));
  for (const suite of await suitesIn(folders)) {
    const files = await namedFiles(folders.map((folder) => join(folder, suite)));
    found.push(...[...files].map(([name, file]) => ({ name: `${suite}/${name}`, suite, file })));
  }
  return Promise.all(
    found.map(async (entry) => ({
      ...entry,
      file: shown(entry.file),
      summary: await summaryOf(entry.file, vocabulary),
    })),
  );
}

/** @returns the file of `suite/name`, where one of the folders has that suite. */
async function inSuite(name: string, folders: readonly string[]): Promise<string | undefined> {
  const [, suite, scenario] = /^([^/\\.]+)\/([^/\\]+?)(?:\.yaml)?$/.exec(name) ?? [];
  if (suite === undefined || scenario === undefined) return undefined;
  return (await namedFiles(folders.map((folder) => join(folder, suite)))).get(scenario);
}

/** Scenarios that belong together: those of one folder, in the order of their files, or those that a file lists. */
export interface ScenarioSuite {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
}

/**
 * Loads a suite: a folder of scenarios, or a file `<name>.suite.yaml` that lists some, by its name in one of the folders or
 * by its path.
 * @throws InputError where there is none, or with the problems of all its scenarios.
 */
export async function loadSuite(
  nameOrPath: string,
  sources: ScenarioSources,
  changes: readonly string[] = [],
): Promise<ScenarioSuite> {
  const isPath = /[/\\]|^\.+$/.test(nameOrPath);
  const candidates = isPath ? [nameOrPath] : sources.folders.map((folder) => join(folder, nameOrPath));
  for (const folder of candidates) {
    const files = [...(await namedFiles([folder])).values()];
    if (files.length > 0) return { name: basename(resolve(folder)), scenarios: await loadAll(files, sources, changes) };
  }
  const list = await suiteListAt(nameOrPath, isPath, sources.folders);
  if (list !== undefined) {
    const names = readSuiteList(await readText(list), shown(list));
    return { name: suiteListName(basename(list)) as string, scenarios: await loadAll(names, sources, changes) };
  }
  const known = [...(await suitesIn(sources.folders)), ...(await suiteListsIn(sources.folders))].sort();
  const meant = isPath ? undefined : nearest(nameOrPath, known);
  throw new InputError(
    `there is no suite ${quoted(nameOrPath)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    {
      code: 'suite-unknown',
      hint: `suites here: ${known.join(', ') || 'none'}; or give the path of a folder with scenarios, such as ./mine`,
    },
  );
}

async function loadAll(
  files: readonly string[],
  sources: ScenarioSources,
  changes: readonly string[],
): Promise<Scenario[]> {
  const loaded = await Promise.allSettled(files.map((file) => loadScenario(file, sources, changes)));
  const refused = loaded.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  const bug = refused.find((reason) => !(reason instanceof InputError));
  if (bug !== undefined) throw bug;
  if (refused.length > 0) throw together(refused.filter((reason) => reason instanceof InputError));
  return loaded.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}

/** The names of the folders that hold scenarios. */
async function suitesIn(folders: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const entry of await entriesOf(folder)) {
      if ((await namedFiles([join(folder, entry)])).size > 0) names.add(entry);
    }
  }
  return [...names].sort();
}

/** The file that lists a suite, where there is one. */
async function suiteListAt(
  nameOrPath: string,
  isPath: boolean,
  folders: readonly string[],
): Promise<string | undefined> {
  if (isPath) return suiteListName(nameOrPath) === undefined ? undefined : nameOrPath;
  for (const folder of folders) {
    const file = suiteListFile(nameOrPath);
    if ((await entriesOf(folder)).includes(file)) return join(folder, file);
  }
  return undefined;
}

/** The names of the suites that files of the folders list. */
async function suiteListsIn(folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(folders.map(entriesOf));
  return [...new Set(files.flat().flatMap((file) => suiteListName(file) ?? []))];
}

async function summaryOf(file: string, vocabulary: ScenarioVocabulary): Promise<string> {
  try {
    return parseScenario(await readText(file), shown(file), vocabulary).summary;
  } catch (error) {
    if (error instanceof InputError) return `not valid: pgquake validate ${shown(file)} says why`;
    throw error;
  }
}

async function fileNamed(name: string, folders: readonly string[]): Promise<string> {
  const files = await namedFiles(folders);
  const file = files.get(name);
  if (file !== undefined) return file;
  const known = [...files.keys()];
  const meant = nearest(name, known);
  const guess = meant === undefined ? '' : `; did you mean "${meant}"?`;
  throw new InputError(`there is no scenario ${quoted(name)}${guess}`, {
    code: 'scenario-unknown',
    hint: `scenarios here: ${known.join(', ') || 'none'}; or give the path of a file, such as ./mine.yaml`,
  });
}

/** Name -> file, sorted by name. */
async function namedFiles(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
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

async function entriesOf(folder: string): Promise<string[]> {
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

async function readText(file: string): Promise<string> {
  try {
    const entry = await stat(file);
    if (entry.isDirectory()) {
      throw new InputError(`${file} is a folder; expected the file of a scenario`, {
        code: 'scenario-unreadable',
        hint: `pgquake --suite ${file} runs all scenarios in it`,
      });
    }
    // A device or a pipe may never end.
    if (!entry.isFile()) throw new Error('it is no file, and a run keeps its scenario by path: save it in one first');
    // The size is looked at before the text is in memory.
    if (entry.size > MAX_BYTES) throw new Error(`it has ${entry.size} bytes; a scenario has at most ${MAX_BYTES}`);
    return textOf(await readFile(file));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(`cannot read the scenario ${file}: ${missing ? 'there is no such file' : errorText(error)}`, {
      code: 'scenario-unreadable',
      hint: 'a name without folder and ending is looked for in scenarios/; pgquake list shows them',
      cause: error,
    });
  }
}

/** @throws where the bytes are no UTF-8: what stands there nobody can know. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const valid = bytes.toString('utf8').indexOf('\ufffd');
    const line = bytes.toString('utf8').slice(0, valid).split('\n').length;
    throw new Error(`line ${line} holds bytes that are no UTF-8; save it as UTF-8`);
  }
}

/** As people type it: relative to where they are, where it lies below. */
function shown(file: string): string {
  const path = relative('.', file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}
