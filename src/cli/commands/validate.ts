/** `pgquake validate <scenario..>`: says what is wrong with scenarios, and starts nothing. */

import { InputError } from '../../model/errors.ts';
import { hopelessChecks, ScenarioError, together } from '../../scenario/problems.ts';
import type { Command } from '../command.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments } from '../options.ts';

interface ValidateArguments extends ConfigArguments {
  scenario: string[];
}

export const validate: Command<ValidateArguments> = {
  builder: (yargs) =>
    yargs.positional('scenario', { type: 'string', array: true, demandOption: true }).options(CONFIG_OPTION),
  handler: async ({ scenario, config }) => {
    const quake = await openQuake({ config }, scenario);
    const errors: InputError[] = [];
    for (const name of scenario) {
      try {
        const { file, hypothesis } = await quake.load(name);
        const hopeless = hopelessChecks(hypothesis);
        if (hopeless.length > 0) throw new ScenarioError(hopeless);
        console.log(`${file}: ok`);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        errors.push(error);
      }
    }
    if (errors.length > 0) throw together(errors);
  },
};
