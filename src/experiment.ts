/**
 * The whole pipeline on one page: a scenario becomes a plan, the plan is run, the history is judged,
 * the verdict is reported. Read this file first.
 */

import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { checks, engines, faults, findWorkload, platforms, reporters } from './catalog.ts';
import type { Engine } from './cluster/engine.ts';
import type { Platform } from './cluster/platform.ts';
import { judge } from './judge.ts';
import { monotonicClock } from './model/clock.ts';
import { EnvironmentError, errorText, InterruptedError } from './model/errors.ts';
import type { RunInfo } from './model/history.ts';
import type { Plan, PlannedAct } from './model/plan.ts';
import type { Report } from './model/report.ts';
import type { Scenario } from './model/scenario.ts';
import { makePlan } from './plan/schedule.ts';
import { buildReport } from './report.ts';
import { Recorder, type RunListener } from './run/recorder.ts';
import { run } from './run/runner.ts';
import {
  createRunFolder,
  DEFAULT_REPORTS_FOLDER,
  readRun,
  type StoredRun,
  writeReports,
  writeRunInputs,
} from './store.ts';

export interface ExperimentOptions {
  readonly scenario: Scenario;
  /** Overrides the scenario's seed; random where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number;
  /** Where run folders go; `reports` by default. */
  readonly reportsFolder?: string;
  /** The command line that runs it again, but for the seed; by the scenario's file by default. */
  readonly again?: string;
  /** Hear what happens while it happens. */
  readonly listeners?: readonly RunListener[];
  /** Aborting it heals, disposes, and reports what there is. */
  readonly signal?: AbortSignal;
}

export interface Experiment {
  readonly report: Report;
  /** The run's folder. */
  readonly folder: string;
  /** What kept the run from its end, if anything did: then the verdict is never `pass`. */
  readonly failure: unknown;
}

/**
 * Runs one scenario from the first server to the last report. Faults are healed and the cluster is gone
 * when it returns, whatever happened.
 * @throws EnvironmentError when it cannot even begin: no platform, or no folder for the run.
 */
export async function runExperiment(options: ExperimentOptions): Promise<Experiment> {
  const { scenario, listeners = [], signal = new AbortController().signal } = options;
  const plan = planOf(scenario, options.seed);
  const { platform, engine, reason } = await choose(plan);

  const startedAt = new Date();
  const folder = await createRunFolder(options.reportsFolder ?? DEFAULT_REPORTS_FOLDER, scenario.name, startedAt);
  await writeRunInputs(folder, plan, describeRun(plan, folder, startedAt, options.again));

  const originNs = process.hrtime.bigint();
  const clock = monotonicClock(originNs);
  let failure: unknown;
  {
    using recorder = new Recorder(folder, clock, listeners);
    recorder.event({ type: 'platform-chosen', platform: platform.name, engine: engine.name, reason });
    try {
      await run({
        plan,
        platform,
        engine,
        reason,
        faults: new Map(faults.map((fault) => [fault.name, fault])),
        workload: findWorkload(scenario.workload.use),
        loadThread: siblingModule('load-thread'),
        folder,
        recorder,
        clock,
        originNs,
        signal,
      });
    } catch (error) {
      failure = error;
      const interrupted = error instanceof InterruptedError;
      recorder.event(
        interrupted ? { type: 'interrupted', reason: error.message } : { type: 'run-failed', error: errorText(error) },
      );
    }
  }
  const report = await reportOn(await readRun(folder));
  return { report, folder, failure };
}

/** The plan of a run, with its seed drawn. Starts nothing. */
export function planOf(scenario: Scenario, seed?: number): Plan {
  return makePlan(scenario, { seed: seed ?? scenario.seed ?? randomInt(2 ** 32), takesDown });
}

/** Whether a fault takes its targets down, by the fault's name. */
export function takesDown(fault: string): boolean {
  return faults.some((candidate) => candidate.name === fault && candidate.takesDown);
}

/** Judges a stored run and writes its reports; needs no cluster. */
export async function reportOn(stored: StoredRun): Promise<Report> {
  const verdict = judge(stored.history, stored.plan.scenario.hypothesis, checks);
  const report = buildReport(stored.history, stored.plan, verdict);
  await writeReports(stored.folder, Object.assign({}, ...reporters.map((reporter) => reporter.render(report))));
  return report;
}

/** What the choice depends on; a plan has it. */
export interface ChoiceInput {
  readonly scenario: Pick<Scenario, 'cluster'>;
  readonly acts: readonly Pick<PlannedAct, 'fault'>[];
}

/** What a run will be made on, and why. */
export interface Choice {
  readonly platform: Platform;
  readonly engine: Engine;
  readonly reason: string;
}

/**
 * Chooses platform and engine.
 * @throws EnvironmentError when none can be used, or the one at hand cannot do what the faults need.
 */
export async function choose({ scenario, acts }: ChoiceInput): Promise<Choice> {
  const { platform: wantedPlatform, engine: wantedEngine } = scenario.cluster;
  const passedOver: string[] = [];
  for (const platform of platforms) {
    if (wantedPlatform !== 'auto' && platform.name !== wantedPlatform) continue;
    const unavailable = await platform.unavailable();
    if (unavailable !== undefined) {
      passedOver.push(`${platform.name}: ${unavailable}`);
      continue;
    }
    refuseMissingCapabilities(platform, acts);
    const engine = engines.find((candidate) => wantedEngine === 'auto' || candidate.name === wantedEngine);
    if (!engine) throw new EnvironmentError(`no engine ${wantedEngine} here`, { code: 'engine-unavailable' });
    const why = wantedPlatform === 'auto' ? (passedOver[0] ?? platform.summary) : 'the scenario asks for it';
    return { platform, engine, reason: why };
  }
  throw new EnvironmentError(`no platform can be used: ${passedOver.join('; ')}`, { code: 'no-platform' });
}

function refuseMissingCapabilities(platform: Platform, acts: ChoiceInput['acts']): void {
  for (const act of acts) {
    const needs = faults.find((fault) => fault.name === act.fault)?.needs ?? [];
    const missing = needs.filter((capability) => !platform.capabilities.has(capability));
    if (missing.length > 0) {
      throw new EnvironmentError(
        `the platform ${platform.name} cannot do ${act.fault}: it lacks ${missing.join(', ')}`,
        { code: 'capability-missing' },
      );
    }
  }
}

function describeRun(plan: Plan, folder: string, startedAt: Date, again: string | undefined): RunInfo {
  const { scenario, seed } = plan;
  const workload = findWorkload(scenario.workload.use);
  return {
    id: basename(folder),
    scenario: scenario.name,
    summary: scenario.summary,
    ...(scenario.claim === undefined ? {} : { claim: scenario.claim }),
    seed,
    startedAt: startedAt.toISOString(),
    pgquakeVersion: version(),
    nodeVersion: process.version,
    kinds: workload.kinds(scenario.workload.params),
    messages: workload.messages(scenario.workload.params),
    plannedActs: plan.acts.length,
    again: `${again ?? `npm run chaos -- ${scenario.file}`} --seed ${seed}`,
  };
}

/** pgquake's own version, from its package. */
export function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** A module beside this one, as source (`.ts`) or as published (`.js`). */
function siblingModule(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}
