/** Whether this Node.js can run pgquake: an error later on would read like a bug in pgquake. */

import { oldestNode } from './package-files.ts';

/** @returns what is wrong with it, in words; `undefined` if it is new enough. */
export function oldNode(found = process.versions.node): string | undefined {
  const [wantedMajor = 0, wantedMinor = 0] = oldestNode().split('.').map(Number);
  const [major = 0, minor = 0] = found.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return undefined;
  return `pgquake needs Node.js ${oldestNode()} or newer; this is ${found} (${process.execPath})`;
}
