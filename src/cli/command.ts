/** A command without its name and summary, which are known before it is loaded. */

import type { ArgumentsCamelCase, Argv } from 'yargs';

export interface Command<Arguments> {
  builder(yargs: Argv): Argv<Arguments>;
  handler(args: ArgumentsCamelCase<Arguments>): Promise<void>;
}
