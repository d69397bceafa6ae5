/** `pgquake doctor`: what this machine can be used for, and what is missing. */

import pc from 'picocolors';
import type { CommandModule } from 'yargs';
import { faults, platforms } from '../../catalog.ts';
import { EXIT } from '../exit-codes.ts';

export const doctor: CommandModule = {
  command: 'doctor',
  describe: 'tell which platforms and faults can be used here, and why not',
  handler: async () => {
    let usable = 0;
    for (const platform of platforms) {
      const unavailable = await platform.unavailable();
      if (unavailable === undefined) usable++;
      const mark = unavailable === undefined ? pc.green('usable') : pc.red('not usable');
      console.log(`platform ${pc.bold(platform.name)}  ${mark}  ${unavailable ?? platform.summary}`);
      for (const fault of faults) {
        const missing = fault.needs.filter((capability) => !platform.capabilities.has(capability));
        console.log(`  ${fault.name}  ${missing.length === 0 ? 'yes' : `no: lacks ${missing.join(', ')}`}`);
      }
    }
    process.exitCode = usable > 0 ? EXIT.pass : EXIT.environment;
  },
};
