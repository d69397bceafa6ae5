/** Ends pgquake on a Node.js that is too old, where it was started without `bin/pgquake.cjs`, which also checks. */

import { oldNode } from '../model/node-age.ts';
import { ownCommand } from '../model/package-files.ts';
import { EXIT } from './exit-codes.ts';
import { exitNow } from './own-exit.ts';

/** An old Node.js cannot parse all modules. */
export function refuseOldNode(): void {
  const problem = oldNode();
  if (problem === undefined) return;
  console.error(`error ${problem}`);
  console.error(` hint start it with "${ownCommand()}", or install a newer Node.js`);
  exitNow(EXIT.environment);
}
