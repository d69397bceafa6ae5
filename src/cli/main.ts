#!/usr/bin/env node
/** The command line: finds the command, turns what it ends with into text and an exit code. */

import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { InputError, InterruptedError } from '../model/errors.ts';
import { version } from '../pgquake.ts';
import { withServer } from '../sql/failure.ts';
import { compare } from './commands/compare.ts';
import { connect } from './commands/connect.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { exportCommand } from './commands/export.ts';
import { heal } from './commands/heal.ts';
import { judgeCommand } from './commands/judge.ts';
import { list } from './commands/list.ts';
import { logs } from './commands/logs.ts';
import { plan } from './commands/plan.ts';
import { replay } from './commands/replay.ts';
import { reportCommand } from './commands/report.ts';
import { restart } from './commands/restart.ts';
import { run } from './commands/run.ts';
import { schema } from './commands/schema.ts';
import { status } from './commands/status.ts';
import { toleranceCommand } from './commands/tolerance.ts';
import { up } from './commands/up.ts';
import { validate } from './commands/validate.ts';
import { EXIT, type ExitCode, exitCodeOfError, worstExitCode } from './exit-codes.ts';
import { explain } from './explain.ts';
import { refuseGivenTwice } from './given-twice.ts';
import { endInOrder, listen } from './interrupt.ts';
import { surviveOutput } from './streams.ts';

/** For what a command that has ended left open: a call without an answer, a thread. */
const GRACE_MS = 2_000;

listen({ interrupted: EXIT.interrupted, of: exitCodeOfError }, explain);
const unwritten = surviveOutput(() => {
  const reason = new InterruptedError('interrupted: the reader of the output is gone', { code: 'interrupted' });
  if (!endInOrder(reason, 'the reader of the output is gone')) process.exit(EXIT.interrupted);
});
process.on('exit', () => {
  // A program that reads the output must hear that it is not whole.
  if (unwritten() === undefined) return;
  process.exitCode = worstExitCode([(process.exitCode ?? EXIT.pass) as ExitCode, EXIT.environment]);
});
try {
  refuseGivenTwice(hideBin(process.argv));
  await yargs(hideBin(process.argv))
    .scriptName('pgquake')
    .usage('$0 <scenario..>\n\nBreaks nodes of a replicated PostgreSQL cluster and proves what survives.')
    .command(run)
    .command(list)
    .command(validate)
    .command(plan)
    .command(toleranceCommand)
    .command(replay)
    .command(judgeCommand)
    .command(reportCommand)
    .command(compare)
    .command(exportCommand)
    .command(doctor)
    .command(heal)
    .command(up)
    .command(status)
    .command(connect)
    .command(logs)
    .command(restart)
    .command(down)
    .command(schema)
    .demandCommand(0)
    .strict()
    .version(version())
    .alias({ help: 'h', version: 'v' })
    .epilogue(
      `Exit codes: ${EXIT.pass} pass, ${EXIT.fail} fail, ${EXIT.unknown} unknown (could not judge), ${EXIT.input} bad input, ` +
        `${EXIT.environment} environment, ${EXIT.bug} a bug in pgquake, ${EXIT.interrupted} interrupted.`,
    )
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .fail((message, error) => {
      throw error ?? new InputError(message, { code: 'usage', hint: 'see pgquake --help' });
    })
    .parseAsync();
} catch (thrown) {
  const error = withServer(thrown, []);
  explain(error);
  process.exitCode = exitCodeOfError(error);
}
setTimeout(() => process.exit(), GRACE_MS).unref();
