/** Options that commands share, and all options of a run. Loads no command. */

import type { Argv } from 'yargs';

export interface ConfigArguments {
  config: string | undefined;
}

/** For the commands that know variants. */
export const CONFIG_OPTION = {
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'config file [default: PGQUAKE_CONFIG, else pgquake.config.ts near the scenarios]',
  },
} as const;

/** For the commands that read or write run folders. */
export const REPORTS_OPTION = {
  reports: {
    type: 'string',
    requiresArg: true,
    describe: "folder of all runs [default: PGQUAKE_REPORTS, else the config file's, else reports]",
  },
} as const;

const TEXT_OR_JSON = { choices: ['text', 'json'], requiresArg: true, default: 'text' } as const;

/** For the commands that end with a verdict. */
export const OUTPUT_OPTION = {
  output: {
    ...TEXT_OR_JSON,
    describe: 'json: the verdict as JSON on standard output, all text on standard error',
  },
} as const;

/** For the commands that list or show something. */
export const FORMAT_OPTION = {
  output: { ...TEXT_OR_JSON, describe: 'text for people, json for programs' },
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

/** For the commands that start clusters without a scenario. */
export const CLUSTER_OPTIONS = {
  platform: { type: 'string', requiresArg: true, describe: 'where nodes run: auto, docker, local' },
  engine: {
    type: 'string',
    requiresArg: true,
    describe: 'how nodes form a cluster: auto, native, citus, streaming, patroni',
  },
} as const;

/** For the commands that plan a scenario. */
export const OVERRIDE_OPTIONS = {
  platform: { ...CLUSTER_OPTIONS.platform, describe: `${CLUSTER_OPTIONS.platform.describe}; overrides the scenario` },
  engine: { ...CLUSTER_OPTIONS.engine, describe: `${CLUSTER_OPTIONS.engine.describe}; overrides the scenario` },
} as const;

/** For the commands that plan or start one run. */
export const SEED_OPTION = {
  seed: { type: 'number', requiresArg: true, describe: 'the seed of the random choices' },
} as const;

/** For the commands that load scenarios. */
export const SET_OPTION = {
  set: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'override a value of the scenario, such as workload.read.rate=50/s; may be repeated',
  },
} as const;

const TIMES_OPTION = {
  times: {
    type: 'number',
    requiresArg: true,
    default: 1,
    describe: 'run each scenario this many times, and say how often it passes',
  },
} as const;

/** For the commands that may attach to an existing cluster. */
export const ATTACH_OPTION = {
  attach: {
    type: 'string',
    requiresArg: true,
    describe: 'run on an existing cluster and leave it running: a name from "up", or an inventory file',
  },
} as const;

/** For the commands that run a load. */
export const REALTIME_OPTION = {
  realtime: {
    type: 'boolean',
    default: false,
    describe: 'run load and probes at realtime priority; needs Linux, root, 4 CPUs',
  },
} as const;

export const FIT_OPTION = {
  fit: {
    type: 'boolean',
    default: false,
    describe: 'if the cluster cannot take the whole load, continue with a smaller one; the report says which',
  },
} as const;

export const CONFIRM_OPTION = {
  confirm: {
    type: 'string',
    requiresArg: true,
    describe: "the cluster's name in its inventory; allows pgquake to break nodes",
  },
} as const;

const DRY_RUN_OPTION = {
  'dry-run': {
    type: 'boolean',
    default: false,
    describe: 'print what a run would do, and start nothing; with an inventory, every command on every machine',
  },
} as const;

const QUIET_OPTION = {
  quiet: {
    type: 'boolean',
    default: false,
    alias: 'q',
    describe: 'print only problems and the verdict',
  },
} as const;

const VERBOSE_OPTION = {
  verbose: {
    type: 'boolean',
    default: false,
    describe: 'also print each new kind of failure, and every check in full',
  },
} as const;

/** For the commands that choose scenarios. */
export const TAG_OPTION = {
  tag: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'only scenarios with this tag; repeat it to allow any of several tags',
  },
} as const;

export const RETRIES_OPTION = {
  retries: {
    type: 'number',
    requiresArg: true,
    default: 0,
    describe: 'run a scenario again, up to this many times, if the machine was too busy to judge it',
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
  verbose?: boolean;
  tag?: string[] | undefined;
  confirm: string | undefined;
  'dry-run': boolean;
  output: OutputFormat;
}

/** The options of the command that runs scenarios, in a file that `--help` can load without the command. */
export function runOptions(yargs: Argv): Argv<RunArguments> {
  return yargs
    .positional('scenario', {
      type: 'string',
      array: true,
      default: [] as string[],
      defaultDescription: 'none',
      describe: 'names in scenarios/, patterns such as "patroni/*", or paths',
    })
    .option('all', { type: 'boolean', default: false, describe: 'run scenarios/*.yaml, without suites' })
    .option('suite', {
      type: 'string',
      requiresArg: true,
      describe:
        'run several scenarios and report them in one table: a suite in scenarios/, a folder, or a <name>.suite.yaml',
    })
    .options(TAG_OPTION)
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
    .options(VERBOSE_OPTION)
    .options(OUTPUT_OPTION)
    .example('$0 one-worker', 'stop one worker; do all messages stay readable?')
    .example('$0 --suite claims', 'check common claims, in one table')
    .example("$0 'patroni/*' --dry-run", 'what these scenarios would do')
    .example('$0 three-workers --seed 7', 'repeat the choices of seed 7');
}
