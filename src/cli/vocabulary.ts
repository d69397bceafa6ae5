/** Overrides of a scenario by the command line and the environment. */

import { refuseUnknown } from '../choose.ts';
import { InputError } from '../model/errors.ts';
import { MAX_SEED } from '../model/plan.ts';
import { quoted } from '../model/quoted.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Quake } from '../quake.ts';
import { SCENARIO_FOLDERS } from '../scenario/find.ts';
import { isInventoryFile, readInventory } from '../scenario/inventory.ts';
import { loadScenario, type ScenarioSuite } from '../scenario/load.ts';
import { onInventory } from '../scenario/on-inventory.ts';
import type { Overrides } from './options.ts';

/**
 * Loads a scenario by name or path and applies the overrides of the command line and the environment.
 * @throws InputError with all problems and their places.
 */
export async function scenarioNamed(quake: Quake, name: string, overrides: Overrides): Promise<Scenario> {
  return overridden(quake, await quake.load(name, { set: overrides.set }), overrides);
}

/**
 * Loads a scenario without overrides and without the defaults of a config file.
 * @throws InputError with all problems and their places.
 */
export function writtenScenario({ catalog }: Quake, name: string): Promise<Scenario> {
  return loadScenario(name, { vocabulary: catalog, folders: SCENARIO_FOLDERS });
}

/**
 * Loads a suite by name or path and applies the overrides to each of its scenarios.
 * @throws InputError with all problems of all its scenarios.
 */
export async function suiteNamed(quake: Quake, name: string, overrides: Overrides): Promise<ScenarioSuite> {
  const suite = await quake.loadSuite(name, { set: overrides.set });
  return { ...suite, scenarios: suite.scenarios.map((scenario) => overridden(quake, scenario, overrides)) };
}

/** A flag takes precedence over the environment. */
export function withEnvironment<T extends Pick<Overrides, 'platform'>>(args: T): T {
  return { ...args, platform: args.platform ?? (process.env.PGQUAKE_PLATFORM || undefined) };
}

/** @throws InputError if the flag, or PGQUAKE_SEED without a flag, is not a seed. */
export function seedOf(flag: number | undefined): number | undefined {
  const variable = process.env.PGQUAKE_SEED || undefined;
  const [name, text] = flag === undefined ? ['PGQUAKE_SEED', variable] : ['--seed', flag];
  if (text === undefined) return undefined;
  const seed = String(text).trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED) return seed;
  throw new InputError(`${name}: expected a whole number from 0 to ${MAX_SEED}, found ${quoted(String(text))}`, {
    code: 'usage',
  });
}

function overridden({ catalog }: Quake, scenario: Scenario, overrides: Overrides): Scenario {
  const { platform, engine, attach } = withEnvironment(overrides);
  if (platform !== undefined)
    refuseUnknown('platform', catalog.platforms, platform, 'it comes from --platform or PGQUAKE_PLATFORM');
  if (engine !== undefined) refuseUnknown('engine', catalog.engines, engine);
  if (attach !== undefined && isInventoryFile(attach)) return onInventory(scenario, readInventory(attach), catalog);
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

export { shipped as vocabulary } from '../catalog.ts';
