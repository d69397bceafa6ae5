/** `pgquake watch <inventory>`: runs load, probes and witness on an existing cluster during maintenance. Breaks nothing. */

import { relative } from 'node:path';
import { InputError } from '../../model/errors.ts';
import { ownCommand } from '../../model/package-files.ts';
import type { Scenario } from '../../model/scenario.ts';
import { formatDuration, parseDurationMs } from '../../model/units.ts';
import type { Quake } from '../../quake.ts';
import { readInventory } from '../../scenario/inventory.ts';
import type { Command } from '../command.ts';
import { openQuake, reportsFolder } from '../open.ts';
import {
  CONFIG_OPTION,
  type ConfigArguments,
  OUTPUT_OPTION,
  type OutputFormat,
  REPORTS_OPTION,
  SEED_OPTION,
} from '../options.ts';
import { Output } from '../output.ts';
import { endWith } from '../own-exit.ts';
import { seedOf } from '../vocabulary.ts';
import { interruptibleRun, runOne, type Stage } from './run.ts';

interface WatchArguments extends ConfigArguments {
  inventory: string;
  for: string;
  seed: number | undefined;
  reports: string | undefined;
  output: OutputFormat;
}

const MAX_MS = 24 * 3_600_000;
const NO_OVERRIDES = {
  platform: undefined,
  engine: undefined,
  attach: undefined,
  realtime: false,
  fit: false,
  confirm: undefined,
} as const;

export const watch: Command<WatchArguments> = {
  builder: (yargs) =>
    yargs
      .positional('inventory', { type: 'string', demandOption: true, describe: 'the inventory file' })
      .option('for', { type: 'string', requiresArg: true, default: '10m', describe: 'how long to watch' })
      .options(SEED_OPTION)
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .options(OUTPUT_OPTION)
      .example(
        '$0 watch inventory.yaml --for 10m',
        'during a manual switchover: how long were writes out, what was lost?',
      ),
  handler: async ({ inventory, for: howLong, seed, reports, output: format, config }) => {
    const quake = await openQuake({ config });
    const scenario = watching(quake, inventory, durationOf(howLong));
    const output = new Output(format);
    const stage: Stage = {};
    const interrupt = interruptibleRun(stage);
    try {
      endWith(
        await runOne(scenario, {
          quake,
          reports: reportsFolder(quake, reports),
          seed: seedOf(seed),
          retries: 0,
          args: { ...NO_OVERRIDES, config },
          again: `${ownCommand()} watch ${inventory} --for ${howLong}`,
          signal: interrupt.signal,
          stage,
          table: undefined,
          output,
        }),
      );
    } finally {
      interrupt.stop();
      output.close(false);
    }
  },
};

function durationOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0 && ms <= MAX_MS) return ms;
  throw new InputError(`--for: expected a duration such as 10m, up to 24h, found ${JSON.stringify(text)}`, {
    code: 'usage',
  });
}

/**
 * The hypothesis is what no maintenance may do: lose acknowledged writes, or let two nodes take writes at the same time.
 * Rates are low because every statement costs the servers: the load sends one write for every second
 * probe, and probes show outages. The table grows during the watch, so a read takes few rows and full scans are rare.
 */
export function watching(quake: Quake, file: string, watchMs: number): Scenario {
  const { name, nodes } = readInventory(file);
  const text = `name: watch-${name}
summary: Watches ${name} for ${formatDuration(watchMs)}; no acknowledged write may be lost.
cluster: { attach: ${JSON.stringify(file)} }
workload: { use: ledger, buckets: 256, rows-per-bucket: 1, read: { rate: 1/s }, write: { rate: 150/m }, scan: { rate: 12/m } }
hypothesis:
  - { check: lost-writes }
  - { check: split-brain }
${nodes.length > 1 ? '  - { check: replicas-agree }\n' : ''}`;
  return { ...quake.parse(text, relative('.', `watch-${name}`)), watchMs };
}
