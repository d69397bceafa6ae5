/** The one instance that all commands use, and what the command line may say over a scenario's head. */

import { refuseUnknown } from '../choose.ts';
import type { Scenario } from '../model/scenario.ts';
import { pgquake } from '../pgquake.ts';
import type { ScenarioSuite } from '../scenario/load.ts';
import type { ScenarioVocabulary } from '../scenario/schema.ts';

export const quake = pgquake();

export const vocabulary: ScenarioVocabulary = quake.catalog;

/** What the command line may say over the scenario's head. */
export interface Overrides {
  platform: string | undefined;
  engine: string | undefined;
  attach: string | undefined;
}

/** Their options, for the commands that make a plan. */
export const OVERRIDE_OPTIONS = {
  platform: {
    type: 'string',
    describe: 'where nodes run, over what the scenario says: auto, docker, local',
  },
  engine: {
    type: 'string',
    describe: 'what makes them one cluster, over what the scenario says: auto, citus, native',
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
  return overridden(await quake.load(name), overrides);
}

/**
 * The same for a folder of scenarios, by name or path.
 * @throws InputError with all problems of all its scenarios.
 */
export async function suiteNamed(name: string, overrides: Overrides): Promise<ScenarioSuite> {
  const suite = await quake.loadSuite(name);
  return { ...suite, scenarios: suite.scenarios.map((scenario) => overridden(scenario, overrides)) };
}

function overridden(scenario: Scenario, { platform, engine, attach }: Overrides): Scenario {
  if (platform !== undefined) refuseUnknown('platform', quake.catalog.platforms, platform);
  if (engine !== undefined) refuseUnknown('engine', quake.catalog.engines, engine);
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
