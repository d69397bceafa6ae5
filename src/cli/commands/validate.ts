/** `pgquake validate <scenario..>`: reports what is wrong with scenarios. Starts nothing. */

import { InputError } from '../../model/errors.ts';
import type { Scenario } from '../../model/scenario.ts';
import type { Quake } from '../../quake.ts';
import { hopelessChecks, ScenarioError, together } from '../../scenario/problems.ts';
import type { Command } from '../command.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, FORMAT_OPTION, type FormatArguments } from '../options.ts';
import { printJson } from '../print-json.ts';

interface ValidateArguments extends ConfigArguments, FormatArguments {
  scenario: string[];
}

export const validate: Command<ValidateArguments> = {
  builder: (yargs) =>
    yargs
      .positional('scenario', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'names in scenarios/, or paths',
      })
      .options(CONFIG_OPTION)
      .options(FORMAT_OPTION)
      .example('$0 validate ./mine.yaml', 'check a file before running it'),
  handler: async ({ scenario, config, output }) => {
    const quake = await openQuake({ config }, scenario);
    const errors: InputError[] = [];
    const told: object[] = [];
    for (const name of scenario) {
      const looked = await lookAt(quake, name);
      if (looked instanceof InputError) {
        errors.push(looked);
        told.push({ scenario: name, valid: false, problems: problemsIn(looked) });
      } else {
        told.push({ scenario: name, valid: true, file: looked.file });
        if (output === 'text') console.log(`${looked.file}: ok`);
      }
    }
    if (output === 'json') printJson(told);
    if (errors.length > 0) throw together(errors);
  },
};

/** @returns the scenario, or the error. */
async function lookAt(quake: Quake, name: string): Promise<Scenario | InputError> {
  try {
    const scenario = await quake.load(name);
    const hopeless = hopelessChecks(scenario.hypothesis);
    return hopeless.length > 0 ? new ScenarioError(hopeless) : scenario;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** @returns the problems, each with its place if it is known. */
function problemsIn(error: InputError): readonly object[] {
  return error instanceof ScenarioError ? error.problems : [{ message: error.message }];
}
