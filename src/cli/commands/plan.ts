/** `pgquake plan <scenario>`: shows what a run would do. Starts nothing. */

import pc from 'picocolors';
import { choose } from '../../choose.ts';
import type { Lost } from '../../model/loss.ts';
import type { Scenario } from '../../model/scenario.ts';
import type { LostNodes } from '../../model/topology.ts';
import { describePlan } from '../../plan/describe.ts';
import { effectsOf, layoutOf, placedPlan, takenAway } from '../../planner.ts';
import type { Quake } from '../../quake.ts';
import { plainText } from '../../reporters/escape.ts';
import { probeKinds } from '../../run/probes.ts';
import type { Command } from '../command.ts';
import { commandLines, plannedCommands } from '../dry-run.ts';
import { hopelessWarnings } from '../hopeless.ts';
import { openQuake } from '../open.ts';
import {
  ATTACH_OPTION,
  CONFIG_OPTION,
  type ConfigArguments,
  FORMAT_OPTION,
  type FormatArguments,
  type OutputFormat,
  OVERRIDE_OPTIONS,
  type Overrides,
  SEED_OPTION,
  SET_OPTION,
} from '../options.ts';
import { printJson } from '../print-json.ts';
import { scenarioNamed, seedOf } from '../vocabulary.ts';

interface PlanArguments extends Overrides, ConfigArguments, FormatArguments {
  scenario: string;
  seed: number | undefined;
}

export const plan: Command<PlanArguments> = {
  builder: (yargs) =>
    yargs
      .positional('scenario', { type: 'string', demandOption: true, describe: 'a name in scenarios/, or a path' })
      .options(OVERRIDE_OPTIONS)
      .options(SET_OPTION)
      .option('attach', {
        ...ATTACH_OPTION.attach,
        describe: 'plan for an existing cluster: a name from "up", or an inventory file',
      })
      .options(CONFIG_OPTION)
      .options(FORMAT_OPTION)
      .options(SEED_OPTION)
      .example('$0 plan three-workers', 'what would survive, and why'),
  handler: async ({ scenario, seed, config, output, ...overrides }) => {
    const quake = await openQuake({ config }, [scenario]);
    await printPlan(quake, await scenarioNamed(quake, scenario, overrides), { seed: seedOf(seed), output });
  },
};

/** Prints what a run would do; for a cluster with an inventory, every command on every machine. */
export async function printPlan(
  quake: Quake,
  scenario: Scenario,
  { seed, output }: { readonly seed: number | undefined; readonly output: OutputFormat },
): Promise<void> {
  const { faults } = quake.catalog;
  const drawn = quake.plan(scenario, { seed });
  const { platform, engine, reason } = await choose(quake.catalog, drawn);
  const planned = placedPlan(faults, drawn, layoutOf(engine, drawn.scenario));
  const commands = await plannedCommands(quake, planned);
  if (output === 'json') {
    const on = { platform: platform.name, engine: engine.name, reason };
    return printJson({ ...on, plan: planned, ...(planned.scenario.cluster.inventory ? { commands } : {}) });
  }
  console.log(`platform ${platform.name}, engine ${engine.name}: ${reason}`);
  const { probes: spec, cluster } = planned.scenario;
  const probes = spec ? probeKinds(spec, cluster) : [];
  const state = { placement: { partitions: planned.placement, partitionOfKey: {} }, own: cluster.own };
  const options = {
    effectOf: effectsOf(faults),
    rule: engine.rule,
    probes,
    // An engine without a rule predicts through `expect`, for the cluster as it is formed.
    ...(engine.rule
      ? {}
      : {
          expect: ({ down, frozen }: LostNodes) =>
            engine.expect(state, { down: new Set(down), frozen: new Set(frozen) }).partitions,
          promises: {
            lostBy: takenAway(faults, cluster),
            promise: (lost: readonly Lost[]) => engine.expect(state, { down: new Set(), lost }).promise,
          },
        }),
  };
  for (const line of describePlan(planned, options)) console.log(line);
  for (const line of commandLines(planned, commands, faults)) console.log(line);
  for (const line of hopelessWarnings(drawn.scenario)) console.error(`${pc.yellow('warning')} ${plainText(line)}`);
}
