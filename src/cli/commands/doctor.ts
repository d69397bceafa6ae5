/** `pgquake doctor`: what this machine can be used for, and what is missing. */

import pc from 'picocolors';
import { cannotDo } from '../../choose.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments } from '../options.ts';
import { asTyped } from '../typed.ts';

export const doctor: Command<ConfigArguments> = {
  builder: (yargs) => yargs.options(CONFIG_OPTION),
  handler: async (args) => {
    const { platforms, faults } = (await openQuake(args)).catalog;
    let usable = 0;
    for (const platform of platforms) {
      const unavailable = await platform.unavailable();
      if (unavailable === undefined) usable++;
      const mark = unavailable === undefined ? pc.green('usable') : pc.red('not usable');
      console.log(`platform ${pc.bold(platform.name)}  ${mark}  ${unavailable?.message ?? platform.summary}`);
      if (unavailable?.hint !== undefined) console.log(`  ${asTyped(unavailable.hint)}`);
      for (const fault of faults) {
        // What a platform that cannot be used lacks beyond that, nobody can try.
        const missing = await cannotDo(
          unavailable === undefined ? platform : { ...platform, lacking: async () => undefined },
          fault,
        );
        console.log(`  ${fault.name}  ${missing === undefined ? 'yes' : `no: ${missing}`}`);
      }
    }
    process.exitCode = usable > 0 ? EXIT.pass : EXIT.environment;
  },
};
