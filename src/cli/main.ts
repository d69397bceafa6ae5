/** The entry of the command line: runs a command and turns its result into text and an exit code. */

import { hideBin } from 'yargs/helpers';
import { InputError, InterruptedError } from '../model/errors.ts';
import { withServer } from '../sql/failure.ts';
import { commandLine } from './command-line.ts';
import { reuseCompiled } from './compile-cache.ts';
import { EXIT, type ExitCode, exitCodeOfError, worstExitCode } from './exit-codes.ts';
import { exitDespiteThreads } from './exit-despite-threads.ts';
import { explain } from './explain.ts';
import { endInOrder, listen } from './interrupt.ts';
import { refuseOldNode } from './old-node.ts';
import { endWith, exitNow, ownExitCode } from './own-exit.ts';
import { refuseGivenTwice, refuseStandardInput } from './refused-words.ts';
import { surviveOutput } from './streams.ts';
import { explainUsage, orCommand, UsageError } from './usage.ts';

/** Time for what a finished command left open: an unanswered call, a thread. */
const GRACE_MS = 2_000;

refuseOldNode();
const args = hideBin(process.argv);
reuseCompiled();
let hasEnded = false;
const refuseExits = listen(
  { interrupted: () => (hasEnded && !output.isUnread() ? undefined : EXIT.interrupted), of: exitCodeOfError },
  explain,
);
const output = surviveOutput(() => {
  const reason = new InterruptedError('interrupted: the reader of the output is gone', { code: 'interrupted' });
  if (!endInOrder(reason, 'the reader of the output is gone')) exitNow(EXIT.interrupted);
});
process.on('exit', () => {
  // A program that reads the output must learn that it is incomplete.
  if (output.lost() === undefined) return;
  endWith(worstExitCode([ownExitCode() as ExitCode, EXIT.environment]));
});
exitDespiteThreads();
try {
  refuseGivenTwice(args);
  refuseStandardInput(args);
  await commandLine(args).middleware(refuseExits).parseAsync();
} catch (thrown) {
  const error = await explained(thrown);
  explain(error);
  endWith(exitCodeOfError(error));
}
hasEnded = true;
// Where Node.js ends by itself it first removes its signal handlers, and then frees its memory for up to 0.2 s: a signal
// would end it without the exit code of the verdict.
process.on('beforeExit', () => exitNow());
setTimeout(() => void output.written().then(() => exitNow()), GRACE_MS).unref();

async function explained(thrown: unknown): Promise<unknown> {
  // yargs does not pass every error that it throws to `fail`.
  if (thrown instanceof Error && thrown.name === 'YError') return explained(new UsageError(thrown.message));
  if (thrown instanceof UsageError) return explainUsage(thrown, args, await commandLine(args).getHelp());
  if (thrown instanceof InputError) return orCommand(thrown, args);
  return withServer(thrown, []);
}
