/** A command without its name and summary, which `commands.ts` holds so that help loads no command. */

import type { ArgumentsCamelCase, Argv } from 'yargs';

export interface Command<Arguments> {
  builder(yargs: Argv): Argv<Arguments>;
  handler(args: ArgumentsCamelCase<Arguments>): Promise<void>;
}
