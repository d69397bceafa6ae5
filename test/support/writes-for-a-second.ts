/**
 * A process that writes a line every 20 ms for a second. Each is also counted in the file that its argument names, after which
 * it comes to no harm. Then it waits until all is written, for 300 ms if a terminal takes nothing.
 */

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { surviveOutput } from '../../src/cli/streams.ts';

const output = surviveOutput(() => process.exit(130), 300);
for (let line = 1; line <= 50; line++) {
  process.stdout.write(`line ${line}\n`);
  writeFileSync(process.argv[2] as string, `${line}`);
  await sleep(20);
}
await output.written();
process.exit(output.lost() === undefined ? 0 : 4);
