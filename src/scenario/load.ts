/** Loads scenarios by name or by path. */

import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import { quoted } from '../model/quoted.ts';
import type { Scenario } from '../model/scenario.ts';
import { withChanges } from './changes.ts';
import { completed } from './complete.ts';
import {
  entriesOf,
  namedFiles,
  readText,
  type ScenarioEntry,
  scenarioFiles,
  shown,
  suiteListFile,
  suiteListName,
  suitesIn,
} from './find.ts';
import { type Head, type KnownHeads, keyOf } from './known.ts';
import { parseScenario } from './parse.ts';
import { together } from './problems.ts';
import type { ScenarioVocabulary } from './schema.ts';
import { readSuiteList } from './suite-list.ts';

export interface ScenarioSources {
  readonly vocabulary: ScenarioVocabulary;
  /** Searched for names in this order; missing folders are skipped. */
  readonly folders: readonly string[];
}

/**
 * Loads a scenario by its name in one of the folders, or by its path.
 * @param changes values that override the file, each `path=value`; none by default.
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
    throw new InputError(`${shown(file)} lists a suite; expected a scenario file`, {
      code: 'scenario-unreadable',
      hint: `"pgquake --suite ${shown(file)}" runs all scenarios in it`,
    });
  }
  const text = withChanges(await readText(file), changes);
  return completed(parseScenario(text, shown(file), vocabulary), vocabulary.workloads);
}

/** The scenarios in the folders, as `scenarioFiles` finds them. The summary of an invalid one says so. */
export async function listScenarios(
  { vocabulary, folders }: ScenarioSources,
  known: KnownHeads = new Map(),
): Promise<ScenarioEntry[]> {
  const found = await scenarioFiles(folders);
  return Promise.all(
    found.map(async (entry) => ({
      ...entry,
      file: shown(entry.file),
      ...(await headOf(entry.file, vocabulary, known)),
    })),
  );
}

/**
 * @returns the file of `suite/name`, where one of the folders has that suite.
 * @throws InputError where a folder has the suite without the scenario, and no such file exists.
 */
async function inSuite(name: string, folders: readonly string[]): Promise<string | undefined> {
  const [, suite, scenario] = /^([^/\\.]+)\/([^/\\]+?)(?:\.yaml)?$/.exec(name) ?? [];
  if (suite === undefined || scenario === undefined) return undefined;
  const files = await namedFiles(folders.map((folder) => join(folder, suite)));
  if (files.size > 0 && !files.has(scenario) && !existsSync(name)) {
    const known = [...files.keys()].map((one) => `${suite}/${one}`);
    throw unknownScenario(name, nearest(name, known));
  }
  return files.get(scenario);
}

/** Scenarios that belong together: those in one folder, in the order of their files, or those that a file lists. */
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

/** The names of the suite lists in the folders. */
async function suiteListsIn(folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(folders.map(entriesOf));
  return [...new Set(files.flat().flatMap((file) => suiteListName(file) ?? []))];
}

async function headOf(file: string, vocabulary: ScenarioVocabulary, known: KnownHeads): Promise<Head> {
  try {
    const text = await readText(file);
    const found = known.get(keyOf(file, text));
    if (found !== undefined) return found;
    const { summary, tags } = parseScenario(text, shown(file), vocabulary);
    return { summary, ...(tags === undefined ? {} : { tags }) };
  } catch (error) {
    if (error instanceof InputError) return { summary: `not valid: "pgquake validate ${shown(file)}" says why` };
    throw error;
  }
}

async function fileNamed(name: string, folders: readonly string[]): Promise<string> {
  const files = await namedFiles(folders);
  const file = files.get(name);
  if (file !== undefined) return file;
  const meant = (await sameInSuite(name, folders)) ?? nearest(name, [...files.keys()]);
  const isSuite = (await suitesIn(folders)).includes(name) || (await suiteListsIn(folders)).includes(name);
  if (!isSuite) throw unknownScenario(name, meant);
  throw new InputError(`there is no scenario ${quoted(name)}`, {
    code: 'suite-named',
    hint: `${name} is a suite: "pgquake --suite ${name}" runs all scenarios in it`,
  });
}

function unknownScenario(name: string, meant: string | undefined): InputError {
  const guess = meant === undefined ? '' : `; did you mean "${meant}"?`;
  return new InputError(`there is no scenario ${quoted(name)}${guess}`, {
    code: 'scenario-unknown',
    hint: '"pgquake list" shows all scenarios, with those of suites; or give a path, such as ./mine.yaml',
  });
}

/** `patroni/primary-lost` for `primary-lost`. */
async function sameInSuite(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const suite of await suitesIn(folders)) {
    if ((await namedFiles(folders.map((folder) => join(folder, suite)))).has(name)) return `${suite}/${name}`;
  }
  return undefined;
}
