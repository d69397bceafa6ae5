/** Commands in messages, as the user types them with this installation of pgquake. */

import { ownCommand } from '../model/package-files.ts';

/** Messages name commands as `"pgquake heal"` and `"pgquake --help"`. */
export function asTyped(message: string): string {
  return message.replaceAll(/"pgquake (?=[a-z-])/g, `"${ownCommand()} `);
}
