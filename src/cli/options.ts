/** What several commands can be told, and everything that a run can: without loading any command. */

import type { Argv } from 'yargs';

export interface ConfigArguments {
  config: string | undefined;
}

/** For the commands that know variants. */
export const CONFIG_OPTION = {
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'config file [default: pgquake.config.ts beside the scenarios]',
  },
} as const;

/** For the commands that read or write run folders. */
export const REPORTS_OPTION = {
  reports: { type: 'string', requiresArg: true, describe: 'where run folders are [default: reports]' },
} as const;

/** For the commands that end with a verdict. */
export const OUTPUT_OPTION = {
  output: {
    choices: ['text', 'json'] as const,
    requiresArg: true,
    default: 'text' as const,
    describe: 'json: the verdict as JSON on standard output, all words on standard error',
  },
} as const;

/** For the commands that tell what is there. */
export const FORMAT_OPTION = {
  output: { choices: ['text', 'json'] as const, requiresArg: true, default: 'text' as const },
} as const;

export interface FormatArguments {
  output: OutputFormat;
}

export type OutputFormat = 'text' | 'json';

export interface Overrides {
  platform: string | undefined;
  engine: string | undefined;
  attach: string | undefined;
  set?: string[] | undefined;
}

/** Their options, for the commands that make a plan. */
export const OVERRIDE_OPTIONS = {
  platform: {
    type: 'string',
    requiresArg: true,
    describe: 'where nodes run, overriding the scenario: auto, docker, local',
  },
  engine: {
    type: 'string',
    requiresArg: true,
    describe: 'what makes them one cluster, overriding the scenario: auto, native, citus, streaming, patroni',
  },
} as const;

/** For the commands that load scenarios. */
export const SET_OPTION = {
  set: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'override a value of the scenario, such as workload.read.rate=50/s; repeat it for more',
  },
} as const;

export const TIMES_OPTION = {
  times: {
    type: 'number',
    requiresArg: true,
    default: 1,
    describe: 'run each scenario this many times, and say how often it passes',
  },
} as const;

/** For the commands that may attach to a cluster that stands. */
export const ATTACH_OPTION = {
  attach: {
    type: 'string',
    requiresArg: true,
    describe: 'run on an existing cluster: the name of a standing one, or an inventory file; it is not removed',
  },
} as const;

/** For the commands that run a load. */
export const REALTIME_OPTION = {
  realtime: {
    type: 'boolean',
    default: false,
    describe: 'run the load at realtime priority: root on Linux, 4 processors or more',
  },
} as const;

export const FIT_OPTION = {
  fit: {
    type: 'boolean',
    default: false,
    describe: 'continue with a smaller load if the cluster cannot take the whole one; the report says which',
  },
} as const;

export const CONFIRM_OPTION = {
  confirm: {
    type: 'string',
    requiresArg: true,
    describe: 'repeat the name of the cluster in its inventory, which allows pgquake to break it',
  },
} as const;

/** For the command that runs scenarios. */
export const DRY_RUN_OPTION = {
  'dry-run': {
    type: 'boolean',
    default: false,
    describe: 'print what a run would do, with an inventory every command on every machine; start nothing',
  },
} as const;

export const QUIET_OPTION = {
  quiet: {
    type: 'boolean',
    default: false,
    alias: 'q',
    describe: 'leave out what happens during the run; the verdict stays',
  },
} as const;

export const RETRIES_OPTION = {
  retries: {
    type: 'number',
    requiresArg: true,
    default: 0,
    describe: 'how often to run a scenario again when the machine was too busy to judge it',
  },
} as const;

export interface RunArguments extends Overrides, ConfigArguments {
  scenario: string[];
  all: boolean;
  suite: string | undefined;
  seed: number | undefined;
  reports: string | undefined;
  realtime: boolean;
  retries: number;
  times?: number;
  fit: boolean;
  quiet?: boolean;
  confirm: string | undefined;
  'dry-run': boolean;
  output: OutputFormat;
}

/** The options of the command that runs scenarios; `--help` alone needs no more of it. */
export function runOptions(yargs: Argv): Argv<RunArguments> {
  return yargs
    .positional('scenario', { type: 'string', array: true, default: [] as string[] })
    .option('all', { type: 'boolean', default: false, describe: 'run every scenario in scenarios/' })
    .option('suite', {
      type: 'string',
      requiresArg: true,
      describe:
        'run several scenarios into one table: a name in scenarios/, the path of a folder, or of a <name>.suite.yaml',
    })
    .option('seed', { type: 'number', requiresArg: true, describe: 'repeat the random choices of an earlier run' })
    .options(OVERRIDE_OPTIONS)
    .options(ATTACH_OPTION)
    .options(CONFIRM_OPTION)
    .options(SET_OPTION)
    .options(TIMES_OPTION)
    .options(DRY_RUN_OPTION)
    .options(REPORTS_OPTION)
    .options(CONFIG_OPTION)
    .options(REALTIME_OPTION)
    .options(FIT_OPTION)
    .options(RETRIES_OPTION)
    .options(QUIET_OPTION)
    .options(OUTPUT_OPTION)
    .example('$0 one-worker', 'stop one worker; do all messages stay readable?')
    .example('$0 --suite claims', 'what holds of what is said of such clusters, in one table')
    .example('$0 three-workers --seed 7', 'the same choices every time');
}
