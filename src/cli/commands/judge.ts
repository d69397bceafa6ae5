/** `pgquake judge <run>`: judges a stored run again. Needs no cluster. */

import { relative } from 'node:path';
import pc from 'picocolors';
import type { CommandModule } from 'yargs';
import { reportOn } from '../../experiment.ts';
import { terminalSummary } from '../../reporters/terminal.ts';
import { readRun } from '../../store.ts';
import { exitCodeOfJudgement } from '../exit-codes.ts';

interface JudgeArguments {
  run: string;
}

export const judgeCommand: CommandModule<object, JudgeArguments> = {
  command: 'judge <run>',
  describe: 'judge a stored run again and write its reports',
  builder: (yargs) => yargs.positional('run', { type: 'string', demandOption: true, describe: 'a run folder' }),
  handler: async ({ run }) => {
    const stored = await readRun(run);
    const report = await reportOn(stored);
    const columns = process.stdout.columns ?? 100;
    const lines = terminalSummary(report, { colors: pc, columns, folder: relative('.', stored.folder) });
    for (const line of lines) console.log(line);
    process.exitCode = exitCodeOfJudgement(report.judgement);
  },
};
