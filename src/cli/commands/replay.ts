/** `pgquake replay <run>`: runs the schedule of an earlier run again, with the same random choices. */

import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import { readPlan } from '../../store.ts';
import type { Command } from '../command.ts';
import { openQuake, reportsFolder } from '../open.ts';
import {
  CONFIG_OPTION,
  CONFIRM_OPTION,
  type ConfigArguments,
  FIT_OPTION,
  OUTPUT_OPTION,
  type OutputFormat,
  REALTIME_OPTION,
  REPORTS_OPTION,
  RETRIES_OPTION,
} from '../options.ts';
import { Output } from '../output.ts';
import { endWith } from '../own-exit.ts';
import { type AttemptArguments, interruptibleRun, replayOf, retriesOf, runOne, type Stage } from './run.ts';

interface ReplayArguments extends ConfigArguments {
  run: string;
  reports: string | undefined;
  realtime: boolean;
  retries: number;
  fit: boolean;
  confirm: string | undefined;
  output: OutputFormat;
}

export const replay: Command<ReplayArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'a run folder' })
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .options(REALTIME_OPTION)
      .options(FIT_OPTION)
      .options(RETRIES_OPTION)
      .options(CONFIRM_OPTION)
      .options(OUTPUT_OPTION)
      .example('$0 replay reports/latest', 'the same faults on the same nodes at the same times'),
  handler: async ({ run, config, reports: folder, realtime, retries: written, fit, confirm, output: format }) => {
    const retries = retriesOf(written);
    const replayed = await readPlan(run);
    const quake = await openQuake({ config }, [replayed.scenario.file]);
    const reports = reportsFolder(quake, folder);
    const output = new Output(format);
    const stage: Stage = {};
    const interrupt = interruptibleRun(stage);
    // The plan has every override.
    const none = { platform: undefined, engine: undefined, attach: undefined };
    const args: AttemptArguments = { ...none, config, realtime, fit, confirm };
    try {
      const { signal } = interrupt;
      const settings = {
        quake,
        reports,
        seed: undefined,
        retries,
        replayed,
        args,
        // Not by the name `latest`, which will be another run.
        again: replayOf(relative('.', await realpath(run)) || '.', args),
        signal,
        stage,
        table: undefined,
        output,
      };
      endWith(await runOne(replayed.scenario, settings));
    } finally {
      interrupt.stop();
      output.close(false);
    }
  },
};
