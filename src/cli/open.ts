/** Opens pgquake for one command, with the config file that the user named or the one beside the scenarios. */

import { dirname, join, relative } from 'node:path';
import { findConfig } from '../find-config.ts';
import { InputError } from '../model/errors.ts';
import type { Quake } from '../quake.ts';
import type { ConfigArguments } from './options.ts';

/** The folder of scenarios that are run by name; their config file is here too. */
const SCENARIOS = 'scenarios';

/**
 * @param args.config the file from the command line; else PGQUAKE_CONFIG, else the file beside the scenarios.
 * @param scenarios names or paths of scenarios; without any, the config is looked for in scenarios/.
 * @throws InputError if the file cannot be used, or if the scenarios have different config files.
 */
export async function openQuake({ config }: ConfigArguments, scenarios: readonly string[] = []): Promise<Quake> {
  const file = configFile({ config }, scenarios);
  // Imported here because it loads every variant, which not all commands need.
  if (file === undefined) return (await import('../pgquake.ts')).pgquake();
  return (await import('../config.ts')).loadConfig(file);
}

/** The config file: from the flag, else the environment, else beside the scenarios. */
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

/** The folder for runs: from the flag, else the environment, else the config file, else `reports`. */
export function reportsFolder(quake: Quake, flag: string | undefined): string {
  return flag ?? (process.env.PGQUAKE_REPORTS || relative('.', quake.reports) || '.');
}
