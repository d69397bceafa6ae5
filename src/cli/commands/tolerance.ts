/** `pgquake tolerance`: which failures a placement survives, and how likely the others are. Only --prove starts clusters. */

import { relative } from 'node:path';
import { InputError } from '../../model/errors.ts';
import { ownCommand } from '../../model/package-files.ts';
import { expectedButFound } from '../../model/quoted.ts';
import { parseShare } from '../../model/units.ts';
import { wholeNumber } from '../../model/whole-number.ts';
import { LAYOUTS } from '../../plan/tolerance/layouts.ts';
import { tolerance } from '../../plan/tolerance.ts';
import { ruleOf } from '../../prove.ts';
import type { Quake } from '../../quake.ts';
import { plainText } from '../../reporters/escape.ts';
import { proofMarkdown, proofText } from '../../reporters/proof.ts';
import { toleranceMarkdown, toleranceText } from '../../reporters/tolerance.ts';
import { type AskedPlacement, placementOf, placementOfStanding, shapeOf, shapeOfStanding } from '../asked-placement.ts';
import type { Command } from '../command.ts';
import { exitCodeOfJudgement } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { openQuake, reportsFolder } from '../open.ts';
import { CLUSTER_OPTIONS, CONFIG_OPTION, type ConfigArguments, REPORTS_OPTION } from '../options.ts';
import { endWith } from '../own-exit.ts';
import { printJson } from '../print-json.ts';
import { withEnvironment } from '../vocabulary.ts';

const OUTPUTS = ['text', 'json', 'markdown'] as const;
type Output = (typeof OUTPUTS)[number];
const NUMBER = { type: 'number', requiresArg: true } as const;
const TEXT = { type: 'string', requiresArg: true } as const;
const OUTPUT = {
  requiresArg: true,
  choices: OUTPUTS,
  default: 'text',
  describe: 'text for people, json for programs',
} as const;

/** Breaking changes of the JSON raise it. */
const JSON_VERSION = 2;

interface ToleranceArguments extends ConfigArguments, AskedPlacement {
  rule: string | undefined;
  'node-availability': string;
  'max-down': number | undefined;
  listed: number;
  seed: number;
  output: Output;
  prove: boolean;
  fault: string;
  symmetric: boolean;
  clusters: number | undefined;
  platform: string | undefined;
  engine: string | undefined;
  reports: string | undefined;
}

export const toleranceCommand: Command<ToleranceArguments> = {
  builder: (yargs) =>
    yargs
      .option('workers', { ...NUMBER, describe: 'number of workers [default: 4]' })
      .option('replication', { ...NUMBER, describe: 'copies of each shard [default: 2]' })
      .option('shards', {
        ...NUMBER,
        describe: 'number of shards [default: as many as workers]',
      })
      .option('layout', { requiresArg: true, choices: LAYOUTS, describe: 'how shards are placed [default: ring]' })
      .option('placement', {
        ...TEXT,
        describe: "a placement's JSON file, a run's folder or its report.json",
      })
      .option('attach', {
        ...TEXT,
        describe: 'use the placement of this running cluster, such as citus',
      })
      .conflicts('placement', ['attach', 'workers', 'replication', 'shards', 'layout'])
      .conflicts('attach', ['workers', 'replication', 'shards', 'layout'])
      .option('rule', {
        ...TEXT,
        describe: "the engine that decides when a shard is served [default: the run's, else native]",
      })
      .option('node-availability', {
        ...TEXT,
        default: '99.9%',
        describe: 'share of the time a node is up',
      })
      .option('max-down', { ...NUMBER, describe: 'stop at this many workers down' })
      .option('listed', {
        ...NUMBER,
        default: 5,
        describe: 'how many fatal sets to list, and shards in each',
      })
      .option('seed', {
        ...NUMBER,
        default: 1,
        describe: 'seed of random layouts and samples',
      })
      .option('output', OUTPUT)
      .option('prove', { type: 'boolean', default: false, describe: 'run a scenario for every set of workers' })
      .option('fault', {
        ...TEXT,
        default: 'node-kill',
        describe: 'with --prove: the fault, such as node-stop',
      })
      .option('symmetric', {
        type: 'boolean',
        default: false,
        describe: 'with --prove: try one set per symmetry group',
      })
      .option('clusters', {
        ...NUMBER,
        describe: 'with --prove: how many clusters run at a time [default: by CPU count]',
      })
      .options(CLUSTER_OPTIONS)
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .example('$0 tolerance --workers 8 --replication 2 --shards 32', 'what a ring of 8 workers survives')
      .example('$0 tolerance --prove', 'all 15 sets of 4 workers, predicted against observed')
      .example('$0 tolerance --prove --attach citus', 'the same on the cluster from "pgquake up"')
      .example('$0 tolerance --attach citus', "the placement of that cluster, by its engine's rule")
      .example('$0 tolerance --placement reports/latest --rule citus', 'the placement of the last run, on Citus'),
  handler: async (given) => {
    const args = withEnvironment(given);
    const quake = await openQuake(args);
    if (args.prove) {
      await proveAndReport(quake, args);
      return;
    }
    const seed = wholeNumber('--seed', args.seed, 0, 2 ** 32 - 1);
    const { placement, engine, origin } = await placementOf(quake, args, seed);
    const maxDown = args['max-down'];
    const map = tolerance(placement, {
      rule: ruleOf(quake.catalog.engines, args.rule ?? engine ?? 'native'),
      nodeAvailability: availabilityOf(args['node-availability']),
      seed,
      listed: wholeNumber('--listed', args.listed, 1, 1_000),
      ...(maxDown === undefined ? {} : { maxDown: maxDownOf(maxDown, placement.workers.length) }),
    });
    if (args.output === 'json') printJson({ version: JSON_VERSION, ...map });
    else if (args.output === 'markdown') console.log(toleranceMarkdown(map, { origin }).trimEnd());
    else for (const line of toleranceText(map, { origin, columns: process.stdout.columns ?? 100 })) console.log(line);
  },
};

async function proveAndReport(quake: Quake, args: ToleranceArguments): Promise<void> {
  if (args.placement !== undefined || args.layout !== undefined) {
    throw new InputError('--prove uses only placements that an engine creates', {
      code: 'usage',
      hint: "leave out --placement and --layout; --attach uses a running cluster's",
    });
  }
  const shape =
    args.attach === undefined ? shapeOf(args) : shapeOfStanding(await placementOfStanding(quake, args.attach));
  const maxDown = args['max-down'] ?? shape.workers;
  const interrupt = interruptible();
  try {
    const { proof, folder } = await quake.prove({
      topology: shape,
      maxDown: maxDownOf(maxDown, shape.workers),
      fault: args.fault,
      rule: args.rule,
      symmetric: args.symmetric,
      clusters: args.clusters === undefined ? undefined : wholeNumber('--clusters', args.clusters, 1, 16),
      platform: args.platform,
      engine: args.engine,
      attach: args.attach,
      again: againOf(args),
      reports: reportsFolder(quake, args.reports),
      signal: interrupt.signal,
      // Standard output carries only the result, which a program may read.
      onProgress: (line) => console.error(plainText(line)),
    });
    if (args.output === 'json') printJson(proof);
    else if (args.output === 'markdown') console.log(proofMarkdown(proof, 'proof.svg').trimEnd());
    else for (const line of proofText(proof, process.stdout.columns ?? 100)) console.log(line);
    console.error(`kept in ${relative('.', folder)}: proof.json, proof.md, proof.svg; its runs in suite.md`);
    endWith(exitCodeOfJudgement(proof.judgement));
  } finally {
    interrupt.stop();
  }
}

/** The command line that repeats the proof. */
function againOf(args: ToleranceArguments): string {
  const options = (
    [
      'attach',
      'workers',
      'replication',
      'shards',
      'max-down',
      'fault',
      'rule',
      'clusters',
      'platform',
      'engine',
    ] as const
  ).flatMap((name) => (args[name] === undefined ? [] : [`--${name} ${args[name]}`]));
  return [ownCommand(), 'tolerance --prove', ...options, ...(args.symmetric ? ['--symmetric'] : [])].join(' ');
}

function availabilityOf(text: string): number {
  const share = parseShare(text);
  // 99.9 / 100 is 0.9990000000000001 in floating point; people read this figure in the JSON.
  if (share !== undefined) return Number(share.toPrecision(15));
  throw new InputError(`--node-availability: ${expectedButFound('a share from 0% to 100% such as 99.9%', text)}`, {
    code: 'usage',
  });
}

function maxDownOf(found: number, workers: number): number {
  return wholeNumber('--max-down', found, 1, workers, ', the number of workers');
}
