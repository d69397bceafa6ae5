/** `pgquake config [scenario]`: shows each setting of a run and where it comes from. Starts nothing. */

import { relative } from 'node:path';
import pc from 'picocolors';
import type { Quake } from '../../quake.ts';
import { plainText } from '../../reporters/escape.ts';
import type { Command } from '../command.ts';
import { configFile, openQuake } from '../open.ts';
import {
  CONFIG_OPTION,
  type ConfigArguments,
  FORMAT_OPTION,
  type FormatArguments,
  OVERRIDE_OPTIONS,
  REPORTS_OPTION,
  SEED_OPTION,
} from '../options.ts';
import { printJson } from '../print-json.ts';
import { type Setting, settingOf } from '../setting.ts';
import { writtenScenario } from '../vocabulary.ts';

interface ConfigCommandArguments extends ConfigArguments, FormatArguments {
  scenario: string | undefined;
  platform: string | undefined;
  engine: string | undefined;
  seed: number | undefined;
  reports: string | undefined;
}

export const configCommand: Command<ConfigCommandArguments> = {
  builder: (yargs) =>
    yargs
      .positional('scenario', { type: 'string', describe: 'a name in scenarios/, or a path' })
      .options(OVERRIDE_OPTIONS)
      .options(SEED_OPTION)
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .options(FORMAT_OPTION)
      .example('$0 config one-worker', 'which platform, engine, seed and folder a run would use, and why'),
  handler: async (args) => {
    const settings = await settingsOf(args);
    if (args.output === 'json') return printJson(settings);
    const width = (of: (setting: Setting) => string) => Math.max(...settings.map((setting) => of(setting).length));
    const [names, values] = [width(({ name }) => name), width(({ value }) => value)];
    for (const { name, value, from } of settings) {
      console.log(`${pc.bold(name.padEnd(names))}  ${plainText(value).padEnd(values)}  ${pc.dim(plainText(from))}`);
    }
  },
};

async function settingsOf(args: ConfigCommandArguments): Promise<Setting[]> {
  const scenarios = args.scenario === undefined ? [] : [args.scenario];
  const quake = await openQuake(args, scenarios);
  const file = configFile(args, scenarios);
  const config = file === undefined ? undefined : shown(file);
  const scenario = await saidByScenario(quake, args.scenario);
  const { platform, engine, seed, reports } = quake.defaults;
  const inConfig = (value: string | number | undefined) => ({ from: config ?? 'config file', value });
  const inScenario = (value: string | number | undefined) => ({ from: scenario.file, value });
  const variable = (name: string) => ({ from: name, value: process.env[name] });
  return [
    settingOf(
      'config',
      [
        { from: '--config', value: args.config },
        variable('PGQUAKE_CONFIG'),
        { from: 'beside the scenarios', value: config },
      ],
      'none',
    ),
    settingOf(
      'platform',
      [
        { from: '--platform', value: args.platform },
        variable('PGQUAKE_PLATFORM'),
        inScenario(scenario.platform),
        inConfig(platform),
      ],
      'auto',
    ),
    settingOf(
      'engine',
      [{ from: '--engine', value: args.engine }, inScenario(scenario.engine), inConfig(engine)],
      'auto',
    ),
    settingOf(
      'seed',
      [{ from: '--seed', value: args.seed }, variable('PGQUAKE_SEED'), inScenario(scenario.seed), inConfig(seed)],
      'drawn for every run',
    ),
    settingOf(
      'reports',
      [
        { from: '--reports', value: args.reports },
        variable('PGQUAKE_REPORTS'),
        inConfig(reports === undefined ? undefined : shown(reports)),
      ],
      quake.reports,
    ),
  ];
}

interface Said {
  readonly file: string;
  readonly platform?: string | undefined;
  readonly engine?: string | undefined;
  readonly seed?: number | undefined;
}

/** `auto` in a scenario sets nothing, so that a default applies. */
async function saidByScenario(quake: Quake, name: string | undefined): Promise<Said> {
  if (name === undefined) return { file: 'scenario' };
  const { file, cluster, seed } = await writtenScenario(quake, name);
  const said = (value: string) => (value === 'auto' ? undefined : value);
  return { file, platform: said(cluster.platform), engine: said(cluster.engine), seed };
}

function shown(path: string): string {
  const near = relative('.', path);
  return near.startsWith('..') ? path : near;
}
