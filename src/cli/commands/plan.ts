/** `pgquake plan <scenario>`: the run as it would be, fully resolved. Starts nothing. */

import type { CommandModule } from 'yargs';
import { choose, effectOf, layoutOf, placedPlan, planOf } from '../../experiment.ts';
import { describePlan } from '../../plan/describe.ts';
import { ATTACH_OPTION, OVERRIDE_OPTIONS, type Overrides, scenarioNamed } from '../vocabulary.ts';

interface PlanArguments extends Overrides {
  scenario: string;
  seed: number | undefined;
}

export const plan: CommandModule<object, PlanArguments> = {
  command: 'plan <scenario>',
  describe: 'print what a run would do and what is predicted to survive',
  builder: (yargs) =>
    yargs
      .positional('scenario', { type: 'string', demandOption: true })
      .options(OVERRIDE_OPTIONS)
      .options(ATTACH_OPTION)
      .option('seed', { type: 'number', describe: 'the seed of the random choices' }),
  handler: async ({ scenario, seed, ...overrides }) => {
    const drawn = planOf(await scenarioNamed(scenario, overrides), seed);
    const { platform, engine, reason } = await choose(drawn);
    const planned = placedPlan(drawn, layoutOf(engine, drawn.scenario));
    console.log(`platform ${platform.name}, engine ${engine.name}: ${reason}`);
    for (const line of describePlan(planned, { effectOf, rule: engine.rule })) console.log(line);
  },
};
