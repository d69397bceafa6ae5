/** Commands in messages, as a person types them where this pgquake is installed. */

import { ownCommand } from '../model/package-files.ts';

/** Messages name commands as `"pgquake heal"` and `"pgquake --help"`. */
export function asTyped(message: string): string {
  return message.replaceAll(/"pgquake (?=[a-z-])/g, `"${ownCommand()} `);
}
