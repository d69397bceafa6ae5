/** Opens pgquake for one command: with the config file beside its scenarios, or the one that is named. */

import { dirname, join, relative } from 'node:path';
import { findConfig } from '../find-config.ts';
import { InputError } from '../model/errors.ts';
import type { Quake } from '../quake.ts';
import type { ConfigArguments } from './options.ts';

/** Where scenarios are looked for by name, so their config too. */
const SCENARIOS = 'scenarios';

/**
 * @param args.config the file that the command line names; else PGQUAKE_CONFIG, else what is found.
 * @param scenarios names or paths of scenarios, beside which a config is looked for; by default beside named scenarios.
 * @throws InputError where the file cannot be used, or the scenarios have different ones.
 */
export async function openQuake({ config }: ConfigArguments, scenarios: readonly string[] = []): Promise<Quake> {
  const file = configFile({ config }, scenarios);
  // All variants and what reads them: loaded by the commands that need a quake.
  if (file === undefined) return (await import('../pgquake.ts')).pgquake();
  return (await import('../config.ts')).loadConfig(file);
}

/** The config file that counts: flag, else environment, else what is found beside the scenarios. */
export function configFile({ config }: ConfigArguments, scenarios: readonly string[] = []): string | undefined {
  return config ?? (process.env.PGQUAKE_CONFIG || configBeside(scenarios));
}

function configBeside(scenarios: readonly string[]): string | undefined {
  const folders = scenarios.length === 0 ? [SCENARIOS] : scenarios.map(folderOf);
  const files = [...new Set(folders.map(findConfig))];
  if (files.length < 2) return files[0];
  const found = files.map((file) => (file === undefined ? 'none' : relative('.', file)));
  throw new InputError(`these scenarios have different config files: ${found.join(', ')}`, {
    code: 'usage',
    hint: 'run them one after the other, or name one file with --config',
  });
}

function folderOf(scenario: string): string {
  if (/\.ya?ml$/.test(scenario)) return dirname(scenario);
  return /[/\\]|^\.+$/.test(scenario) ? scenario : join(SCENARIOS, scenario);
}

/** Where run folders go: flag, else environment, else config file, else `reports`. */
export function reportsFolder(quake: Quake, flag: string | undefined): string {
  return flag ?? (process.env.PGQUAKE_REPORTS || relative('.', quake.reports) || '.');
}
