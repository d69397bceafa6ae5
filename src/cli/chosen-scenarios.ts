/** The scenarios that a command line chooses: by name, pattern, path, tag or suite, or all of them. */

import { existsSync, realpathSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { InputError } from '../model/errors.ts';
import { quoted } from '../model/quoted.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Quake } from '../quake.ts';
import type { ScenarioEntry } from '../scenario/find.ts';
import type { ScenarioSuite } from '../scenario/load.ts';
import type { RunArguments } from './options.ts';
import { tagged } from './tagged.ts';
import { scenarioNamed, suiteNamed } from './vocabulary.ts';

/** @returns the suite that `--suite` names, limited to scenarios with one of the tags; `undefined` without `--suite`. */
export async function chosenSuite(
  quake: Quake,
  { suite, scenario, all, tag = [], ...overrides }: RunArguments,
): Promise<ScenarioSuite | undefined> {
  if (suite === undefined) return undefined;
  if (all || scenario.length > 0) {
    throw new InputError(`--suite runs a whole suite; found ${all ? '--all' : scenario.join(', ')} as well`, {
      code: 'usage',
      hint: 'run the suite and the scenarios one after the other',
    });
  }
  const found = await suiteNamed(quake, suite, overrides);
  return { ...found, scenarios: tagged(found.scenarios, tag) };
}

/** Loads all scenarios before the first one runs, so that a misspelt name starts nothing. */
export async function chosenScenarios(
  quake: Quake,
  { scenario, all, tag = [], ...overrides }: RunArguments,
): Promise<Scenario[]> {
  if (all && scenario.length > 0) {
    throw new InputError(`--all and scenario names exclude each other; found ${scenario.join(', ')}`, {
      code: 'usage',
      hint: 'leave out --all, or the names',
    });
  }
  if (!all && scenario.length === 0 && tag.length === 0) {
    throw new InputError('no scenario named', {
      code: 'usage',
      hint: 'name one, such as one-worker, or give a path; "pgquake list" shows all',
    });
  }
  // Listing reads every scenario file.
  const known = scenario.length === 0 || scenario.some(isPattern) ? await quake.list() : [];
  const names = scenario.length === 0 ? files(known, all) : (await Promise.all(scenario.map(meant(known)))).flat();
  const loaded = await Promise.all([...new Set(names)].map((name) => scenarioNamed(quake, name, overrides)));
  return tagged(eachOnce(loaded), tag);
}

/** A name and a path may lead to the same file. */
function eachOnce(scenarios: readonly Scenario[]): Scenario[] {
  return [...new Map(scenarios.map((scenario) => [realpathSync(scenario.file), scenario])).values()];
}

/** `--all` leaves out the scenarios of suites: a suite is run by its name. */
function files(known: readonly ScenarioEntry[], all: boolean): string[] {
  return (all ? known.filter(({ suite }) => suite === undefined) : known).map(({ file }) => file);
}

function isPattern(word: string): boolean {
  return /[*?]/.test(word) && !existsSync(word);
}

/** A pattern matches names in scenarios/, or files if it is a path. */
function meant(known: readonly ScenarioEntry[]): (word: string) => Promise<readonly string[]> {
  return async (word) => {
    if (!isPattern(word)) return [word];
    const isPath = /^[./\\]|\.ya?ml$/.test(word);
    const found = isPath ? await filesMatching(word) : matching(word, known);
    if (found.length > 0) return found;
    throw new InputError(`no scenario matches ${quoted(word)}`, {
      code: 'scenario-unknown',
      hint: 'a pattern matches names as "pgquake list" shows them, or files, such as ./mine/*.yaml',
    });
  };
}

async function filesMatching(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob(pattern)) found.push(file);
  return found.sort();
}

/** `*` matches any part of a name, `**` also crosses suites, `?` matches one letter. */
function matching(pattern: string, known: readonly ScenarioEntry[]): string[] {
  const source = pattern.replace(/\*\*|[*?]|[^\w]/g, (part) => PARTS[part] ?? `\\${part}`);
  const expression = new RegExp(`^${source}$`);
  return known.filter(({ name }) => expression.test(name)).map(({ file }) => file);
}

const PARTS: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
