/** The words that a scenario may use here, and where scenarios are looked for. */

import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checks, engines, faults, platforms, workloads } from '../catalog.ts';
import type { EngineChoice, PlatformChoice, Scenario } from '../model/scenario.ts';
import { loadScenario, loadSuite, type ScenarioSuite } from '../scenario/load.ts';
import type { ScenarioVocabulary } from '../scenario/schema.ts';

export const vocabulary: ScenarioVocabulary = {
  faults,
  checks,
  workloads,
  platforms: platforms.map((platform) => platform.name),
  engines: engines.map((engine) => engine.name),
};

const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/** The user's own scenarios come before the shipped ones. */
export const SCENARIO_FOLDERS: readonly string[] = [
  ...new Set([resolve('scenarios'), join(PACKAGE_FOLDER, 'scenarios')]),
];

/** What the command line may say over the scenario's head. */
export interface Overrides {
  platform: PlatformChoice | undefined;
  engine: EngineChoice | undefined;
  attach: string | undefined;
}

/** Their options, for the commands that make a plan. */
export const OVERRIDE_OPTIONS = {
  platform: {
    choices: ['auto', ...platforms.map((platform) => platform.name)] as PlatformChoice[],
    describe: 'where nodes run, over what the scenario says',
  },
  engine: {
    choices: ['auto', ...engines.map((engine) => engine.name)] as EngineChoice[],
    describe: 'what makes them one cluster, over what the scenario says',
  },
} as const;

/** For the commands that may attach to a cluster that stands. */
export const ATTACH_OPTION = {
  attach: { type: 'string', describe: 'run on the cluster of this name that stands, such as citus; it stays' },
} as const;

/**
 * Loads a scenario by name or path, with what the command line says over its head.
 * @throws InputError with all problems and their places.
 */
export async function scenarioNamed(name: string, overrides: Overrides): Promise<Scenario> {
  return overridden(await loadScenario(name, { vocabulary, folders: SCENARIO_FOLDERS }), overrides);
}

/**
 * The same for a folder of scenarios, by name or path.
 * @throws InputError with all problems of all its scenarios.
 */
export async function suiteNamed(name: string, overrides: Overrides): Promise<ScenarioSuite> {
  const suite = await loadSuite(name, { vocabulary, folders: SCENARIO_FOLDERS });
  return { ...suite, scenarios: suite.scenarios.map((scenario) => overridden(scenario, overrides)) };
}

function overridden(scenario: Scenario, { platform, engine, attach }: Overrides): Scenario {
  return {
    ...scenario,
    cluster: {
      ...scenario.cluster,
      ...(platform === undefined ? {} : { platform }),
      ...(engine === undefined ? {} : { engine }),
      ...(attach === undefined ? {} : { attach }),
    },
  };
}
