/** `pgquake judge <run>`: judges a stored run again, optionally by another scenario's hypothesis. Needs no cluster. */

import { relative } from 'node:path';
import pc from 'picocolors';
import { terminalSummary } from '../../reporters/terminal.ts';
import { readRun } from '../../store.ts';
import type { Command } from '../command.ts';
import { exitCodeOfJudgement } from '../exit-codes.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, OUTPUT_OPTION, type OutputFormat } from '../options.ts';
import { Output } from '../output.ts';
import { endWith } from '../own-exit.ts';

interface JudgeArguments extends ConfigArguments {
  run: string;
  scenario: string | undefined;
  output: OutputFormat;
}

export const judgeCommand: Command<JudgeArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'a run folder' })
      .option('scenario', {
        type: 'string',
        requiresArg: true,
        describe: 'judge by the hypothesis of this scenario, a name or a path; writes nothing',
      })
      .options(CONFIG_OPTION)
      .options(OUTPUT_OPTION)
      .example('$0 judge reports/latest --scenario stricter.yaml', 'would that run have passed this too?'),
  handler: async ({ run, scenario, config, output: format }) => {
    const stored = await readRun(run);
    const quake = await openQuake({ config }, [scenario ?? stored.plan.scenario.file]);
    const by = scenario === undefined ? undefined : await quake.load(scenario);
    const report = await quake.judge(stored, { by });
    const output = new Output(format);
    const folder = relative('.', stored.folder) || '.';
    if (by !== undefined)
      output.say(`${stored.history.run.id}, judged by the hypothesis of ${by.file}; nothing was written`);
    const summary = terminalSummary(report, { colors: pc, columns: output.columns, folder });
    for (const line of summary) output.say(line);
    output.judged(report, folder);
    output.close();
    endWith(exitCodeOfJudgement(report.judgement));
  },
};
