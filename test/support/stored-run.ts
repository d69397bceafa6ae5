/** A written history as a run folder, as the store writes it. */

import { cpSync } from 'node:fs';
import type { History } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { HypothesisItem } from '../../src/model/scenario.ts';
import { Recorder } from '../../src/run/recorder.ts';
import { createRunFolder, writeRunInputs } from '../../src/store.ts';
import { ring, sharded } from './sharded.ts';

const TOPOLOGY = sharded({ workers: 4, replication: 2, partitions: 4 });

/** @param hypothesis names of checks without parameters. @returns the run's folder. */
export async function storeHistory(reports: string, history: History, hypothesis: readonly string[]): Promise<string> {
  const { run } = history;
  const items = hypothesis.map((check, i): HypothesisItem => {
    return { check, params: {}, written: {}, place: { file: 'x.yaml', line: 10 + i, column: 5 } };
  });
  const scenario = {
    name: run.scenario,
    file: 'x.yaml',
    source: `name: ${run.scenario}\n`,
    cluster: { platform: 'auto', engine: 'auto', ...TOPOLOGY },
    workload: { use: 'chat', params: {} },
    hypothesis: items,
  };
  const plan = {
    scenario,
    seed: run.seed,
    acts: [],
    placement: ring(TOPOLOGY),
    blastRadius: { nodes: [], partitions: [], ofActs: [] },
  };
  const folder = createRunFolder(reports, run.scenario, new Date('2026-11-23T12:34:56.789Z'));
  writeRunInputs(folder, plan as unknown as Plan, run);
  using recorder = new Recorder(folder, { nowMs: () => 0 }, { load: run.kinds, probes: run.probes }, []);
  for (const { at, ...event } of history.events) recorder.event(event, at);
  recorder.operations(OperationTable.inOrder(history.operations));
  recorder.probes(OperationTable.inOrder(history.probes));
  return folder;
}

/** A copy of a folder, to be damaged. */
export function copyOf(folder: string, to: string): string {
  cpSync(folder, to, { recursive: true });
  return to;
}
