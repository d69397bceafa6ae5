/** The contents of `run.json`: what runs, with which kinds of operations. Known before the run begins. */

import { basename } from 'node:path';
import type { Engine } from '../cluster/engine.ts';
import type { Attempt, OperationKind, RunInfo } from '../model/history.ts';
import { ownCommand, version } from '../model/package-files.ts';
import type { Plan } from '../model/plan.ts';
import type { Requirement } from '../model/requirements.ts';
import { ledgerOf, type Workload } from '../workloads/workload.ts';
import { describeMachine } from './host-monitor.ts';
import { probeKinds } from './probes.ts';

export interface DescribedRun {
  readonly engine: Engine;
  readonly folder: string;
  readonly startedAt: Date;
  /** What checks may require and the run does not provide. */
  readonly lacks: readonly Requirement[];
  /** The command line that repeats the run, without the seed; by default built from the scenario's file. */
  readonly again?: string;
  /** The plan that the run repeats, if any: it has the seed. */
  readonly replayed?: Plan;
  readonly realtime?: boolean;
  readonly attempt?: Attempt | undefined;
}

export function describeRun(
  plan: Plan,
  workload: Workload,
  { engine, folder, startedAt, lacks, again, replayed, realtime, attempt }: DescribedRun,
): RunInfo {
  const { scenario, seed } = plan;
  const { params } = scenario.workload;
  const ledger = ledgerOf(workload, params);
  return {
    id: basename(folder),
    scenario: scenario.name,
    summary: scenario.summary,
    ...(scenario.claim === undefined ? {} : { claim: scenario.claim }),
    seed,
    startedAt: startedAt.toISOString(),
    pgquakeVersion: version(),
    nodeVersion: process.version,
    ...(ledger?.keyWord === undefined ? {} : { keyWord: ledger.keyWord }),
    kinds: routed(workload.kinds(params), engine),
    probes: scenario.probes ? routed(probeKinds(scenario.probes, scenario.cluster), engine) : [],
    messages: ledger?.initialRows(params) ?? 0,
    ...(ledger ? { rows: { table: ledger.table, ...ledger.lookup } } : {}),
    ...(lacks.length === 0 ? {} : { lacks }),
    plannedActs: plan.acts.length,
    ...(attempt ? { attempt } : {}),
    machine: describeMachine(),
    ...(realtime ? { realtime: true as const } : {}),
    again: again !== undefined && replayed ? again : `${again ?? `${ownCommand()} ${scenario.file}`} --seed ${seed}`,
  };
}

/** Adds each kind's route: by default the engine's first route, which accepts writes. */
export function routed<K extends OperationKind>(
  kinds: readonly K[],
  { routes: [main] = [] }: Pick<Engine, 'routes'>,
): K[] {
  return kinds.map((kind) => ({ ...kind, route: kind.route ?? main }));
}
