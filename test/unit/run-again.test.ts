/** The command that repeats a run. */

import { describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { replayOf } from '../../src/cli/commands/run.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { ownCommand } from '../../src/model/package-files.ts';
import { makePlan } from '../../src/plan/schedule.ts';
import { workloadNamed } from '../../src/planner.ts';
import { describeRun } from '../../src/run/run-info.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const scenario = parseScenario(
  `name: one
summary: A worker is killed.
faults: [{ fault: node-kill, target: worker1, for: 1s }]
hypothesis: [{ check: no-duplicates }]
`,
  'one.yaml',
  vocabulary,
);
const plan = makePlan(scenario, { seed: 7 });
const [engine] = shipped.engines;

function again(options: { readonly again?: string; readonly replayed?: typeof plan }): string {
  if (!engine) throw new Error('no engine');
  const workload = workloadNamed(shipped.workloads, scenario.workload.use);
  return describeRun(plan, workload, { engine, folder: 'x', startedAt: new Date(0), lacks: [], ...options }).again;
}

describe('a run', () => {
  test('is repeated by its scenario and its seed', () => {
    expect(again({})).toBe(`${ownCommand()} one.yaml --seed 7`);
    expect(again({ again: 'pgquake one --fit' })).toBe('pgquake one --fit --seed 7');
  });

  test('that repeats a schedule is repeated by a command that takes no seed', () => {
    expect(again({ again: 'pgquake replay reports/one', replayed: plan })).toBe('pgquake replay reports/one');
  });
});

test('replay is repeated with its own options', () => {
  const none = { platform: undefined, engine: undefined, attach: undefined, config: undefined, confirm: undefined };
  expect(replayOf('reports/one', { ...none, realtime: false, fit: false })).toBe(`${ownCommand()} replay reports/one`);
  expect(replayOf("my 'runs'", { ...none, config: 'own.ts', realtime: true, fit: true })).toBe(
    `${ownCommand()} replay 'my '\\''runs'\\''' --realtime --config own.ts --fit`,
  );
});
