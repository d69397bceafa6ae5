/** The command line as yargs parses it. */

import yargs, { type Argv } from 'yargs';
import { version } from '../model/package-files.ts';
import { COMMANDS, commandLineOf } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { kindsOf } from './known-options.ts';
import { refuseForms } from './refused-forms.ts';
import { refuseNoNumber } from './refused-words.ts';
import { typedIn } from './typed-in.ts';
import { UsageError } from './usage.ts';

/** Arguments that may be paths. */
const PATHS = ['scenario', 'suite', 'inventory', 'attach'] as const;

/** What middleware also gets: the types of yargs leave it out. */
interface Called extends Argv {
  getInternalMethods(): { getContext(): { readonly commands: readonly string[] } };
}

/** @param args the words after the program's name. @param commands those of `commands.ts`; tests replace their handlers. */
export function commandLine(args: readonly string[], commands = COMMANDS): Argv {
  // Left to itself, yargs exits after the help, whether or not that is written.
  const cli = yargs(args).exitProcess(false);
  for (const command of commands) cli.command(command);
  return (
    cli
      .scriptName('pgquake')
      .usage('$0 [scenario..]\n\nBreaks nodes of a replicated PostgreSQL cluster on purpose and proves what survives.')
      // A dot is part of no option's name; words after `--` are for another program, and never arguments.
      .parserConfiguration({ 'dot-notation': false, 'populate--': true })
      .middleware((_, parser?: unknown) => {
        const [name] = (parser as Called).getInternalMethods().getContext().commands;
        refuseForms(args, name, kindsOf(commandLineOf(name), parser as Called));
      }, true)
      .middleware((argv) => {
        refuseNoNumber(args, argv);
        for (const name of PATHS) {
          const typed = argv[name] as string | string[] | undefined;
          if (typed !== undefined) argv[name] = typedIn(typed, process.env.INIT_CWD);
        }
      })
      .demandCommand(0)
      .strict()
      .version(version())
      .alias({ help: 'h', version: 'v' })
      .epilogue(
        `Exit codes: ${EXIT.pass} pass, ${EXIT.fail} fail, ${EXIT.unknown} could not judge, ${EXIT.input} bad input, ${EXIT.environment} environment, ` +
          `${EXIT.bug} a bug in pgquake, ${EXIT.interrupted} interrupted.`,
      )
      .wrap(Math.min(100, process.stdout.columns ?? 100))
      .fail((message, error) => {
        throw error ?? new UsageError(message);
      })
  );
}
