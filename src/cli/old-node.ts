/** Ends pgquake on a Node.js that is too old, where it was started without `bin/pgquake.cjs`, which also checks. */

import { oldestNode, ownCommand } from '../model/package-files.ts';
import { EXIT } from './exit-codes.ts';
import { exitNow } from './own-exit.ts';

/** An error later on would read like a bug in pgquake: an old Node.js cannot parse all its modules. */
export function refuseOldNode(found = process.versions.node): void {
  const [wantedMajor = 0, wantedMinor = 0] = oldestNode().split('.').map(Number);
  const [major = 0, minor = 0] = found.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  console.error(`error pgquake needs Node.js ${oldestNode()} or newer; this is ${found} (${process.execPath})`);
  console.error(` hint start it with "${ownCommand()}", or install a newer Node.js`);
  exitNow(EXIT.environment);
}
