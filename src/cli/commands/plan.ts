/** `pgquake plan <scenario>`: the run as it would be, fully resolved. Starts nothing. */

import type { CommandModule } from 'yargs';
import { choose } from '../../choose.ts';
import { describePlan } from '../../plan/describe.ts';
import { effectsOf, layoutOf, placedPlan } from '../../planner.ts';
import { ATTACH_OPTION, OVERRIDE_OPTIONS, type Overrides, quake, scenarioNamed } from '../vocabulary.ts';

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
    const { faults } = quake.catalog;
    const drawn = quake.plan(await scenarioNamed(scenario, overrides), { seed });
    const { platform, engine, reason } = await choose(quake.catalog, drawn);
    const planned = placedPlan(faults, drawn, layoutOf(engine, drawn.scenario));
    console.log(`platform ${platform.name}, engine ${engine.name}: ${reason}`);
    for (const line of describePlan(planned, { effectOf: effectsOf(faults), rule: engine.rule })) console.log(line);
  },
};
