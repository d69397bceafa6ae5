/** Which scenarios a command line chooses: by name, pattern, path, tag, suite, or all. */

import { existsSync } from 'node:fs';
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

/** @returns the suite that is asked for, if one is, with those of its scenarios that have one of the tags. */
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

/** All scenarios are loaded before the first is run: a misspelt one starts nothing. */
export async function chosenScenarios(
  quake: Quake,
  { scenario, all, tag = [], ...overrides }: RunArguments,
): Promise<Scenario[]> {
  if (all && scenario.length > 0) {
    throw new InputError(`--all runs every scenario; found ${scenario.join(', ')} as well`, {
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
  // To list them is to read them all.
  const known = scenario.length === 0 || scenario.some(isPattern) ? await quake.list() : [];
  const names = scenario.length === 0 ? files(known, all) : (await Promise.all(scenario.map(meant(known)))).flat();
  const loaded = await Promise.all([...new Set(names)].map((name) => scenarioNamed(quake, name, overrides)));
  return tagged(loaded, tag);
}

/** Suites are run by their names, so `--all` leaves them out. */
function files(known: readonly ScenarioEntry[], all: boolean): string[] {
  return (all ? known.filter(({ suite }) => suite === undefined) : known).map(({ file }) => file);
}

function isPattern(word: string): boolean {
  return /[*?]/.test(word) && !existsSync(word);
}

/** A pattern stands for the names in scenarios/ that it matches, or for the files, where it is a path. */
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

/** `*` is any part of a name, `**` also across suites, `?` one letter. */
function matching(pattern: string, known: readonly ScenarioEntry[]): string[] {
  const source = pattern.replace(/\*\*|[*?]|[^\w]/g, (part) => PARTS[part] ?? `\\${part}`);
  const expression = new RegExp(`^${source}$`);
  return known.filter(({ name }) => expression.test(name)).map(({ file }) => file);
}

const PARTS: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
