/** `pgquake export <run>`: writes a stored run's history as EDN for Jepsen's Elle. Needs no cluster. */

import { createWriteStream } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvironmentError, errorText, InputError } from '../../model/errors.ts';
import { workloadNamed } from '../../planner.ts';
import { ednLines } from '../../reporters/edn.ts';
import { readRun } from '../../store.ts';
import { ledgerOf } from '../../workloads/workload.ts';
import type { Command } from '../command.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments } from '../options.ts';
import { lookUpInPlan } from '../stored-plan.ts';

interface ExportArguments extends ConfigArguments {
  run: string;
  to: string | undefined;
}

export const exportCommand: Command<ExportArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'a run folder' })
      .option('to', {
        type: 'string',
        requiresArg: true,
        describe: 'the file to write [default: history.edn in the run folder]',
      })
      .options(CONFIG_OPTION)
      .example('$0 export reports/latest', 'history.edn for Elle'),
  handler: async ({ run, to, config }) => {
    const { plan, history, folder } = await readRun(run);
    const quake = await openQuake({ config }, [plan.scenario.file]);
    const { use, params } = plan.scenario.workload;
    const workload = lookUpInPlan(folder, () => workloadNamed(quake.catalog.workloads, use));
    if (!ledgerOf(workload, params)?.readsAreHeldAgainstWrites) {
      throw new InputError(
        `the reads of the workload ${use} are not checked against its writes, so there is nothing to export`,
        {
          code: 'cannot-export',
          hint: 'export a run of the workload chat',
        },
      );
    }
    const file = to ?? join(folder, 'history.edn');
    try {
      await pipeline(Readable.from(batches(ednLines(history))), createWriteStream(file));
    } catch (error) {
      throw new EnvironmentError(`cannot write ${file}: ${errorText(error)}`, { code: 'cannot-write', cause: error });
    }
    console.log(relative('.', file));
  },
};

const LINES = 1_000;

/** Writes many lines at a time, because one write per line is slow. */
function* batches(lines: Iterable<string>): Generator<string> {
  let batch: string[] = [];
  for (const line of lines) {
    if (batch.push(line) < LINES) continue;
    yield `${batch.join('\n')}\n`;
    batch = [];
  }
  if (batch.length > 0) yield `${batch.join('\n')}\n`;
}
