/** `pgquake heal`: undoes what killed runs left behind: removes their clusters, or heals attached ones. */

import { existsSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import pc from 'picocolors';
import { plainText } from '../../reporters/escape.ts';
import type { LeftBehind } from '../../run/left-behind.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode, exitCodeOfError, worstExitCode } from '../exit-codes.ts';
import { explain } from '../explain.ts';
import { openQuake, reportsFolder } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, REPORTS_OPTION } from '../options.ts';
import { endWith } from '../own-exit.ts';

interface HealArguments extends ConfigArguments {
  run: string[];
  reports: string | undefined;
  force: boolean;
}

export const heal: Command<HealArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'run folders [default: all]',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'also heal runs whose pgquake may still be running',
      })
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .example('$0 heal', 'clean up after a run that was killed'),
  handler: async ({ run, force, ...args }) => {
    const quake = await openQuake(args);
    const reports = reportsFolder(quake, args.reports);
    warnOfMissing(run.length === 0 ? (args.reports ?? process.env.PGQUAKE_REPORTS) : undefined);
    const outcomes = await quake.heal({ reports, runs: run, force });
    for (const outcome of outcomes) tell(outcome);
    if (outcomes.length === 0) console.log(`nothing was left behind in ${[reports, ...run].at(-1)}`);
    endWith(worstExitCode(outcomes.map(exitCodeOf)));
  },
};

/** Only a warning: a clean-up may follow a run that never started. @param folder if the user named it. */
function warnOfMissing(folder: string | undefined): void {
  if (!folder || existsSync(folder)) return;
  console.error(`${pc.yellow('warning')} there is no folder ${plainText(folder)}`);
}

function exitCodeOf(outcome: LeftBehind): ExitCode {
  return outcome.state === 'failed' ? exitCodeOfError(outcome.error) : EXIT.pass;
}

function tell(outcome: LeftBehind): void {
  const name = pc.bold(plainText(relative('.', resolve(outcome.folder)) || basename(outcome.folder)));
  if (outcome.state === 'in-use') {
    console.log(`${name}: left alone; it belongs to ${outcome.by}`);
    return;
  }
  if (outcome.state === 'failed') {
    console.log(`${name}: ${pc.red('not healed')}`);
    explain(outcome.error);
    return;
  }
  console.log(
    `${name}: ${pc.green('healed')}${outcome.removed.length + outcome.undone.length === 0 ? ', nothing was left to remove' : ''}`,
  );
  for (const line of outcome.removed) console.log(`  removed ${plainText(line)}`);
  for (const line of outcome.undone) console.log(`  undone: ${plainText(line)}`);
  if (outcome.unrecorded !== undefined) console.log(`  not recorded in its history: ${plainText(outcome.unrecorded)}`);
  if (outcome.whole) console.log('  verified: replication has caught up, no prepared transaction is left');
  for (const undo of outcome.voided) console.log(`  no longer owed: ${plainText(undo)}; the node is gone`);
}
