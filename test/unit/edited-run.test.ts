/** A run whose files someone edited: each command still says who must act. It never tells of a bug or a refutation. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { compare } from '../../src/cli/commands/compare.ts';
import { exportCommand } from '../../src/cli/commands/export.ts';
import { heal } from '../../src/cli/commands/heal.ts';
import { judgeCommand } from '../../src/cli/commands/judge.ts';
import { refuseIncomplete } from '../../src/cli/commands/replay.ts';
import { reportCommand } from '../../src/cli/commands/report.ts';
import { EXIT, exitCodeOfError } from '../../src/cli/exit-codes.ts';
import type { Platform } from '../../src/cluster/platform.ts';
import { EnvironmentError, InputError } from '../../src/model/errors.ts';
import { pgquake } from '../../src/pgquake.ts';
import { readPlan } from '../../src/store.ts';
import { runs } from '../support/properties.ts';

const STORED = join(import.meta.dirname, '../histories/version-1');

/** Can be chosen, and makes nothing. */
const barren: Platform = {
  name: 'barren',
  summary: 'Makes nothing.',
  capabilities: new Set(shipped.platforms.flatMap(({ capabilities }) => [...capabilities])),
  unavailable: async () => undefined,
  offers: async () => false,
  provision: async () => {
    throw new EnvironmentError('nothing is made', { code: 'barren' });
  },
  reclaim: async () => ({ removed: [] }),
};
const quake = pgquake({ platforms: [barren] });

let folder: string;
let whole: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-edited-'));
  whole = join(folder, 'whole');
  cpSync(STORED, whole, { recursive: true });
  const { seed } = JSON.parse(readFileSync(join(whole, 'run.json'), 'utf8'));
  const source = readFileSync(join(whole, 'scenario.yaml'), 'utf8').replace('platform: local', 'platform: barren');
  const plan = quake.plan(quake.parse(source, join(folder, 'stopped.yaml')), { seed });
  writeFileSync(join(whole, 'plan.json'), JSON.stringify(plan));
  await quake.judge(whole);
});

afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockReturnValue(undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function replay(run: string): Promise<void> {
  const plan = await readPlan(run);
  refuseIncomplete(quake, plan, run);
  const { failure } = await quake.run(plan.scenario, { replayed: plan, reports: join(folder, 'replays') });
  throw failure;
}

/** What yargs adds to every command's arguments. */
const TYPED = { _: [], $0: 'pgquake' };
const NONE = { config: undefined, ...TYPED };
const COMMANDS: Readonly<Record<string, (run: string) => unknown>> = {
  judge: (run) => judgeCommand.handler({ run, scenario: undefined, output: 'text', ...NONE }),
  report: (run) => reportCommand.handler({ run, index: true, reports: folder, ...NONE }),
  export: (run) => exportCommand.handler({ run, to: join(run, 'out.edn'), ...NONE }),
  heal: (run) => heal.handler({ run: [run], reports: folder, force: false, ...NONE }),
  compare: (run) =>
    compare.handler({
      run: [whole, run],
      output: 'text',
      'fail-on-regression': false,
      failOnRegression: false,
      'time-tolerance': '20%',
      timeTolerance: '20%',
      'availability-tolerance': '0.1%',
      availabilityTolerance: '0.1%',
      ...TYPED,
    }),
  replay,
};

async function exitCodeOf(command: string, run: string): Promise<{ code: unknown; error?: unknown }> {
  process.exitCode = undefined;
  try {
    await COMMANDS[command]?.(run);
    return { code: process.exitCode ?? EXIT.pass };
  } catch (error) {
    return { code: exitCodeOfError(error), error };
  }
}

type Path = readonly (string | number)[];

/** The paths of all values below a value. */
function pathsIn(value: unknown, at: Path = []): Path[] {
  const below = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(Object(value) === value ? (value as object) : {});
  return below.flatMap(([key, inner]) => [[...at, key], ...pathsIn(inner, [...at, key])]);
}

/** A copy of the run in which one value of one file is gone, or another. */
function edited(file: string, path: Path, other: unknown): string {
  const run = mkdtempSync(join(folder, 'edited-'));
  cpSync(whole, run, { recursive: true });
  const content = JSON.parse(readFileSync(join(run, file), 'utf8'));
  const parent = path.slice(0, -1).reduce((inner, key) => inner[key], content);
  const last = path.at(-1) as string | number;
  if (other !== undefined) parent[last] = other;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  writeFileSync(join(run, file), JSON.stringify(content));
  return run;
}

const READS: readonly (readonly [file: string, commands: readonly string[], tries: number])[] = [
  ['run.json', ['judge', 'export', 'heal'], 60],
  ['plan.json', ['judge', 'export', 'heal'], 60],
  ['plan.json', ['replay'], 60],
  ['report.json', ['report', 'compare'], 60],
];

describe.each(READS)('%s of which a value is gone or another', (file, commands, tries) => {
  test.each(commands)(
    `${file} for %s`,
    async (command) => {
      const paths = pathsIn(JSON.parse(readFileSync(join(whole, file), 'utf8')));
      const other = fc.constantFrom(undefined, undefined, undefined, null, 'x', -1, 1e300, [], {});
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...paths), other, async (path, value) => {
          const run = edited(file, path, value);
          const { code, error } = await exitCodeOf(command, run);
          rmSync(run, { recursive: true, force: true });
          if (code === EXIT.bug || code === EXIT.fail) throw error ?? new Error(`exit code ${code}`);
          if (error instanceof InputError) expect(error.message).toContain(run);
        }),
        { numRuns: runs(tries) },
      );
    },
    60_000,
  );
});

test.each([
  ['judge', ['scenario', 'file']],
  ['export', ['scenario', 'file']],
  ['export', ['scenario', 'workload']],
  ['replay', ['scenario', 'file']],
  ['replay', ['scenario', 'faults', 0, 'target', 'nodes']],
  ['replay', ['scenario', 'workload', 'params', 'read']],
] as const)('%s refuses a plan without %j', async (command, path) => {
  const run = edited('plan.json', path, undefined);
  const { code, error } = await exitCodeOf(command, run);
  expect(code).toBe(EXIT.input);
  expect((error as InputError).message).toContain(
    `${join(run, 'plan.json')}: not a readable run of pgquake: scenario.`,
  );
});

test('export names the plan with an unknown workload', async () => {
  const run = edited('plan.json', ['scenario', 'workload', 'use'], 'x');
  const { code, error } = await exitCodeOf('export', run);
  expect(code).toBe(EXIT.input);
  expect((error as InputError).message).toContain(`${join(run, 'plan.json')}: there is no workload "x"`);
});

test.each([
  ['fault', ['acts', 0, 'fault']],
  ['workload', ['scenario', 'workload', 'use']],
  ['check', ['scenario', 'hypothesis', 0, 'check']],
  ['engine', ['scenario', 'cluster', 'engine']],
  ['platform', ['scenario', 'cluster', 'platform']],
] as const)('replay names the plan with an unknown %s', async (kind, path) => {
  const run = edited('plan.json', path, 'x');
  const { code, error } = await exitCodeOf('replay', run);
  expect(code).toBe(EXIT.input);
  expect((error as InputError).message).toContain(`${join(run, 'plan.json')}: there is no ${kind} "x"`);
});
