/** `pgquake replay <run>`: runs the schedule of an earlier run again, with the same random choices. */

import { realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { refuseUnknown } from '../../choose.ts';
import { InputError } from '../../model/errors.ts';
import type { Plan } from '../../model/plan.ts';
import type { Scenario } from '../../model/scenario.ts';
import type { Quake } from '../../quake.ts';
import { refuseRetries } from '../../retries.ts';
import { readPlan } from '../../store.ts';
import type { Command } from '../command.ts';
import { openQuake, reportsFolder } from '../open.ts';
import {
  CONFIG_OPTION,
  CONFIRM_OPTION,
  type ConfigArguments,
  FIT_OPTION,
  OUTPUT_OPTION,
  type OutputFormat,
  REALTIME_OPTION,
  REPORTS_OPTION,
  RETRIES_OPTION,
} from '../options.ts';
import { Output } from '../output.ts';
import { endWith } from '../own-exit.ts';
import { lookUpInPlan } from '../stored-plan.ts';
import { type AttemptArguments, interruptibleRun, replayOf, runOne, type Stage } from './run.ts';

interface ReplayArguments extends ConfigArguments {
  run: string;
  reports: string | undefined;
  realtime: boolean;
  retries: number;
  fit: boolean;
  confirm: string | undefined;
  output: OutputFormat;
}

export const replay: Command<ReplayArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'a run folder' })
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .options(REALTIME_OPTION)
      .options(FIT_OPTION)
      .options(RETRIES_OPTION)
      .options(CONFIRM_OPTION)
      .options(OUTPUT_OPTION)
      .example('$0 replay reports/latest', 'the same faults on the same nodes at the same times'),
  handler: async ({ run, config, reports: folder, realtime, retries, fit, confirm, output: format }) => {
    refuseRetries('--retries', retries);
    const replayed = await readPlan(run);
    const quake = await openQuake({ config }, [replayed.scenario.file]);
    refuseIncomplete(quake, replayed, run);
    const reports = reportsFolder(quake, folder);
    const output = new Output(format);
    const stage: Stage = {};
    const interrupt = interruptibleRun(stage);
    // The plan has every override.
    const none = { platform: undefined, engine: undefined, attach: undefined };
    const args: AttemptArguments = { ...none, config, realtime, fit, confirm };
    try {
      const { signal } = interrupt;
      const settings = {
        quake,
        reports,
        seed: undefined,
        retries,
        replayed,
        args,
        // Not by the name `latest`, which will be another run.
        again: replayOf(relative('.', await realpath(run)) || '.', args),
        signal,
        stage,
        table: undefined,
        output,
      };
      endWith(await runOne(replayed.scenario, settings));
    } finally {
      interrupt.stop();
      output.close(false);
    }
  },
};

/**
 * No schema of a stored plan knows the parameters of variants, so they are compared with those in the scenario's text.
 * @param run its folder.
 * @throws InputError where the plan lacks one.
 */
export function refuseIncomplete(quake: Quake, plan: Plan, run: string): void {
  const { scenario } = plan;
  lookUpInPlan(run, () => refuseUnknownNames(quake, plan));
  let written: Scenario;
  try {
    written = quake.parse(scenario.source, scenario.file);
  } catch {
    return; // The text names what is gone or has changed, such as an inventory; the plan may still be whole.
  }
  const lacking = lackingIn(scenario, {
    ...(written.workload.use === scenario.workload.use ? { workload: { params: written.workload.params } } : {}),
    ...(written.cluster.own?.engine === scenario.cluster.own?.engine ? { cluster: { own: written.cluster.own } } : {}),
  });
  if (lacking === undefined) return;
  throw new InputError(`${join(run, 'plan.json')}: not a readable run of pgquake: scenario.${lacking}: it is missing`, {
    code: 'run-unreadable',
    hint: 'give the folder of a run as pgquake wrote it',
  });
}

function refuseUnknownNames({ catalog }: Quake, { scenario, acts }: Plan): void {
  const { cluster, workload, faults, hypothesis } = scenario;
  refuseUnknown('platform', catalog.platforms, cluster.platform);
  refuseUnknown('engine', catalog.engines, cluster.engine);
  refuseUnknown('workload', catalog.workloads, workload.use);
  for (const { fault } of [...faults, ...acts]) refuseUnknown('fault', catalog.faults, fault);
  for (const { check } of hypothesis) refuseUnknown('check', catalog.checks, check);
}

/** The path of the first key whose value the other one lacks or has as another type. */
function lackingIn(found: unknown, wanted: unknown): string | undefined {
  if (wanted === undefined || wanted === null) return undefined;
  if (typeof found !== typeof wanted || found === null || Array.isArray(found) !== Array.isArray(wanted)) return '';
  if (typeof wanted !== 'object' || Array.isArray(wanted)) return undefined;
  for (const [key, value] of Object.entries(wanted)) {
    const below = lackingIn((found as Readonly<Record<string, unknown>>)[key], value);
    if (below !== undefined) return below === '' ? key : `${key}.${below}`;
  }
  return undefined;
}
