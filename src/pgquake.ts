/**
 * The whole pipeline on one page: a scenario becomes a plan, the plan is run, the history is judged,
 * the verdict is reported. Read this file first.
 */

import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Catalog, INDEX_MARK, indexPage, proofFiles, shipped } from './catalog.ts';
import { choose } from './choose.ts';
import { judge } from './judge.ts';
import { monotonicClock } from './model/clock.ts';
import { EnvironmentError, errorText, InputError, InterruptedError } from './model/errors.ts';
import type { Attempt, RunInfo } from './model/history.ts';
import type { Plan } from './model/plan.ts';
import type { Report } from './model/report.ts';
import type { IndexedRun } from './model/run-index.ts';
import type { Scenario } from './model/scenario.ts';
import { siblingModule } from './model/sibling-module.ts';
import { unlessAborted } from './model/unless-aborted.ts';
import type { Verdict } from './model/verdict.ts';
import { layoutOf, observationsFor, placedPlan, plannedMs, planOf, workloadNamed } from './planner.ts';
import { type KeptProof, type ProveOptions, proveTolerance } from './prove.ts';
import { buildReport } from './report.ts';
import { DeadMansSwitch, limitOf } from './run/guards.ts';
import { describeMachine, HostMonitor } from './run/host-monitor.ts';
import { healLeftBehind, type LeftBehind } from './run/left-behind.ts';
import { Recorder, type RunListener } from './run/recorder.ts';
import { run } from './run/runner.ts';
import { refuseRealtime } from './run/thread-priority.ts';
import { keepRunIndex, type RunIndexPage, rebuildRunIndex } from './run-index.ts';
import { listScenarios, loadScenario, loadSuite, type ScenarioEntry, type ScenarioSuite } from './scenario/load.ts';
import { parseScenario } from './scenario/parse.ts';
import {
  createRunFolder,
  DEFAULT_REPORTS_FOLDER,
  pointLatest,
  readReport,
  readRun,
  type StoredRun,
  writeFiles,
  writePlan,
  writeRunInputs,
} from './store.ts';
import { probeKinds } from './workloads/probes.ts';
import { placeOf, type Workload } from './workloads/workload.ts';

const PACKAGE_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** Where scenarios are looked for by name; the user's own come before the shipped ones. */
export const SCENARIO_FOLDERS: readonly string[] = [
  ...new Set([resolve('scenarios'), join(PACKAGE_FOLDER, 'scenarios')]),
];

export interface ExperimentOptions {
  /** Overrides the scenario's seed; random where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number;
  /** Where run folders go; `reports` by default. */
  readonly reports?: string;
  /** The plan of an earlier run of this scenario: exactly its schedule is run; `seed` is left out then. */
  readonly replayed?: Plan;
  /** The command line that runs it again, but for the seed; by the scenario's file by default. */
  readonly again?: string;
  /** Hears what goes on before the run begins, such as an image that is being fetched. */
  readonly say?: (line: string) => void;
  /** Hear what happens while it happens. */
  readonly listeners?: readonly RunListener[];
  /** Which of several attempts it is, for the record. */
  readonly attempt?: Attempt | undefined;
  /** Threads of load and probes run at realtime priority: root on Linux with 4 processors or more. Not by default. */
  readonly realtime?: boolean;
  /** Aborting it heals, disposes, and reports what there is. */
  readonly signal?: AbortSignal;
}

export interface Experiment {
  readonly verdict: Verdict;
  readonly report: Report;
  /** The run's folder. */
  readonly folder: string;
  /** What kept the run from its end, if anything did: then the verdict is never `pass`. */
  readonly failure: unknown;
}

/** pgquake with one catalogue: what can be done with scenarios and with stored runs. */
export interface Quake {
  readonly catalog: Catalog;
  /**
   * Loads a scenario by its name in `scenarios/` or among the shipped ones, or by its path.
   * @throws InputError where there is none; `ScenarioError` with all its problems and their places.
   */
  load(nameOrPath: string): Promise<Scenario>;
  /** The same for a folder of scenarios. */
  loadSuite(nameOrPath: string): Promise<ScenarioSuite>;
  /** The scenarios that `load` finds by name. */
  list(): Promise<ScenarioEntry[]>;
  /**
   * Validates a scenario's text.
   * @param file its name, for messages; where it ends in .yaml, the scenario must have the same name.
   * @throws ScenarioError with all problems and their places.
   */
  parse(text: string, file?: string): Scenario;
  /**
   * The plan of a run, its seed drawn where none is given. Starts nothing.
   * @throws InputError where it strikes more at one time than the scenario's guards allow.
   */
  plan(scenario: Scenario, options?: { readonly seed?: number | undefined }): Plan;
  /**
   * Runs a scenario from the first server to the last report. Faults are healed and the cluster is gone when it
   * returns, whatever happened.
   * @param scenario as loaded, or its name or path.
   * @throws EnvironmentError when it cannot even begin: no platform, no folder for the run, realtime priority refused.
   */
  run(scenario: Scenario | string, options?: ExperimentOptions): Promise<Experiment>;
  /**
   * Judges a stored run again and writes its reports. Needs no cluster.
   * @param run its folder, or what was read from it.
   * @param options.by the hypothesis of another scenario; then nothing is written.
   * @throws InputError where the folder is no run, or is damaged.
   */
  judge(run: string | StoredRun, options?: { readonly by?: Pick<Scenario, 'hypothesis'> | undefined }): Promise<Report>;
  /**
   * Renders the reports of a stored run again from its report.json, with the verdict that it holds.
   * @returns the names of the files that it wrote.
   * @throws InputError where there is no report.json, or it is damaged.
   */
  report(folder: string): Promise<string[]>;
  /**
   * Makes `index.html` and `index.json` of a reports folder anew.
   * @returns its runs, the newest first.
   * @throws InputError where there is no such folder, or its index.html is somebody else's.
   */
  index(reports?: string): Promise<IndexedRun[]>;
  /**
   * Removes the clusters of runs whose pgquake was killed; those whose pgquake still runs are left alone.
   * @param options.reports the reports folder, `reports` by default.
   * @param options.runs run folders, as paths or by their names in the reports folder; all of them by default.
   * @throws InputError when a named run does not exist.
   */
  heal(options?: { readonly reports?: string; readonly runs?: readonly string[] }): Promise<LeftBehind[]>;
  /**
   * Proves a placement's tolerance: takes down every set of workers and holds what is seen against what is predicted.
   * Keeps `proof.json`, `proof.md` and `proof.svg` in a folder of its own.
   * @throws InputError, EnvironmentError, or the signal's reason; nothing runs on in any case.
   */
  prove(options?: ProveOptions): Promise<KeptProof>;
}

/** Own variants beside the shipped ones, by kind. */
export type Variants = Partial<Catalog>;

/**
 * @param own variants beside the shipped ones.
 * @throws InputError where a name is there twice.
 */
export function pgquake(own: Variants = {}): Quake {
  const catalog = withOwn(shipped, own);
  const sources = { vocabulary: catalog, folders: SCENARIO_FOLDERS };
  const load = (nameOrPath: string) => loadScenario(nameOrPath, sources);
  return {
    catalog,
    load,
    loadSuite: (nameOrPath) => loadSuite(nameOrPath, sources),
    list: () => listScenarios(sources),
    parse: (text, file = 'scenario') => parseScenario(text, file, catalog),
    plan: (scenario, options) => planOf(catalog.faults, scenario, options),
    run: async (scenario, options = {}) =>
      runScenario(catalog, typeof scenario === 'string' ? await load(scenario) : scenario, options),
    judge: async (run, { by } = {}) => {
      const stored = typeof run === 'string' ? await readRun(run) : run;
      return by ? judgeBy(catalog, stored, by) : judgeAndIndex(catalog, stored);
    },
    report: (folder) => renderAgain(catalog, folder),
    index: (reports = DEFAULT_REPORTS_FOLDER) => rebuildRunIndex(reports, INDEX_PAGE),
    heal: ({ reports = DEFAULT_REPORTS_FOLDER, runs = [] } = {}) => healLeftBehind(catalog, reports, runs),
    prove: (options = {}) => proveTolerance(catalog, proofFiles, options),
  };
}

/** @throws InputError where a name is there twice. */
function withOwn(base: Catalog, own: Variants): Catalog {
  return {
    faults: joined('fault', base.faults, own.faults),
    checks: joined('check', base.checks, own.checks),
    workloads: joined('workload', base.workloads, own.workloads),
    platforms: joined('platform', base.platforms, own.platforms),
    engines: joined('engine', base.engines, own.engines),
    reporters: joined('reporter', base.reporters, own.reporters),
  };
}

function joined<V extends { readonly name: string }>(kind: string, base: readonly V[], own: readonly V[] = []): V[] {
  const all = [...base];
  for (const variant of own) {
    if (all.some(({ name }) => name === variant.name)) {
      const whose = base.some(({ name }) => name === variant.name) ? 'one that pgquake ships' : 'another of yours';
      throw new InputError(`the ${kind} "${variant.name}" has the name of ${whose}`, {
        code: 'name-taken',
        hint: 'give it a name of its own',
      });
    }
    all.push(variant);
  }
  return all;
}

async function runScenario(catalog: Catalog, scenario: Scenario, options: ExperimentOptions): Promise<Experiment> {
  const { reports = DEFAULT_REPORTS_FOLDER, listeners = [], say = () => undefined, realtime = false } = options;
  if (realtime) refuseRealtime();
  const { faults } = catalog;
  const drawn = options.replayed ?? planOf(faults, scenario, { seed: options.seed });
  // Nothing is there yet that would have to be put back.
  const stopped = options.signal ?? new AbortController().signal;
  const { platform, engine, reason } = await unlessAborted(choose(catalog, drawn, say), stopped);
  const workload = workloadNamed(catalog.workloads, scenario.workload.use);
  const workloadPlace = await placeOf(workload);
  const plan = placedPlan(faults, drawn, layoutOf(engine, scenario));

  const startedAt = new Date();
  const folder = await unlessAborted(createRunFolder(reports, scenario.name, startedAt), stopped);
  const info = describeRun(plan, workload, { folder, startedAt, ...options });
  await writeRunInputs(folder, plan, info);

  const limitMs = limitOf(scenario.guards, plannedMs(plan));
  using limited = new DeadMansSwitch(stopped, limitMs);
  const originNs = process.hrtime.bigint();
  const clock = monotonicClock(originNs);
  let failure: unknown;
  const kinds = { load: info.kinds.map(({ name }) => name), probes: info.probes.map(({ name }) => name) };
  const recorder = new Recorder(folder, clock, kinds, listeners);
  {
    using _closing = recorder;
    using _watching = new HostMonitor({ clock, recorder });
    recorder.event({ type: 'platform-chosen', platform: platform.name, engine: engine.name, reason });
    try {
      const leftBehind = await healLeftBehind(catalog, reports);
      for (const left of leftBehind) tellLeftBehind(recorder, left);
      refuseUnhealed(scenario, leftBehind);
      await run({
        plan,
        place: async (placement) => {
          const placed = placedPlan(faults, plan, placement);
          await writePlan(folder, placed);
          return placed;
        },
        platform,
        engine,
        reason,
        faults: new Map(faults.map((fault) => [fault.name, fault])),
        workload,
        workloadPlace,
        observe: observationsFor(catalog.checks, scenario),
        loadThread: siblingModule(import.meta.url, 'load-thread'),
        folder,
        recorder,
        clock,
        originNs,
        signal: AbortSignal.any([limited.signal, recorder.signal]),
        realtime,
        say,
      });
    } catch (error) {
      failure = error;
      const interrupted = error instanceof InterruptedError;
      recorder.event(
        interrupted ? { type: 'interrupted', reason: error.message } : { type: 'run-failed', error: errorText(error) },
      );
    }
  }
  failure ??= recorder.signal.reason;
  const report = judgeBy(catalog, await readOwnRun(folder, recorder, failure), scenario);
  const files = await writeFiles(folder, rendered(catalog, report)).catch((error: unknown) => ({ error }));
  failure ??= files?.error;
  await pointHere(folder, say);
  return { verdict: { judgement: report.judgement, results: report.results }, report, folder, failure };
}

/**
 * Reads back what the run has recorded, with the events that could not be written.
 * @throws what kept the run from its end, or an EnvironmentError: its folder is not what the run has made of it.
 */
async function readOwnRun(folder: string, { unsaved }: Recorder, failure: unknown): Promise<StoredRun> {
  try {
    const stored = await readRun(folder);
    return { ...stored, history: { ...stored.history, events: [...stored.history.events, ...unsaved] } };
  } catch (error) {
    throw (
      failure ??
      new EnvironmentError(`the run's history is gone: ${errorText(error)}`, {
        code: 'history-lost',
        hint: `let ${folder} alone while a run is under way`,
        cause: error,
      })
    );
  }
}

/** What leads to a run is no part of it: it never costs a verdict. */
async function pointHere(folder: string, say: (line: string) => void): Promise<void> {
  const missed = await pointLatest(folder);
  if (missed !== undefined) say(missed);
  try {
    await keepRunIndex(dirname(folder), INDEX_PAGE, true);
  } catch (error) {
    say(`the index of all runs is not up to date: ${errorText(error)}`);
  }
}

/** A cluster that is in use is nobody's business but that of its own run. */
function tellLeftBehind(recorder: Recorder, left: LeftBehind): void {
  const of = basename(left.folder);
  if (left.state === 'failed') recorder.event({ type: 'reclaim-failed', of, error: errorText(left.error) });
  if (left.state === 'reclaimed') {
    const { removed, voided, undone } = left;
    recorder.event({ type: 'reclaimed', of, when: new Date().toISOString(), removed, voided, undone });
  }
}

/** A cluster that stands may be the very one that could not be healed: nothing seen on it would mean anything. */
function refuseUnhealed(scenario: Scenario, leftBehind: readonly LeftBehind[]): void {
  const failed = leftBehind.find(({ state }) => state === 'failed');
  if (failed?.state !== 'failed' || scenario.cluster.attach === undefined) return;
  throw new EnvironmentError(`${basename(failed.folder)} left something broken: ${errorText(failed.error)}`, {
    code: 'not-healed',
    hint: 'heal it first: "pgquake heal"',
  });
}

/** Judges a stored run, writes its reports and the index of all; needs no cluster. */
async function judgeAndIndex(catalog: Catalog, stored: StoredRun): Promise<Report> {
  const report = await judgeStored(catalog, stored);
  await keepRunIndex(dirname(await realpath(stored.folder)), INDEX_PAGE, false);
  return report;
}

async function judgeStored(catalog: Catalog, stored: StoredRun): Promise<Report> {
  const report = judgeBy(catalog, stored, stored.plan.scenario);
  await writeFiles(stored.folder, rendered(catalog, report));
  return report;
}

/** Judges a stored run by a hypothesis that may be another scenario's. Writes nothing. */
function judgeBy(catalog: Catalog, { history, plan }: StoredRun, { hypothesis }: Pick<Scenario, 'hypothesis'>): Report {
  return buildReport(history, plan, judge(history, hypothesis, catalog.checks));
}

function rendered({ reporters }: Catalog, report: Report): Readonly<Record<string, string>> {
  return Object.assign({}, ...reporters.map((reporter) => reporter.render(report)));
}

async function renderAgain(catalog: Catalog, folder: string): Promise<string[]> {
  const files = rendered(catalog, await readReport(join(folder, 'report.json')));
  await writeFiles(folder, files);
  return Object.keys(files);
}

const INDEX_PAGE: RunIndexPage = { render: (runs) => indexPage(runs, version()), mark: INDEX_MARK };

interface DescribedRun extends Pick<ExperimentOptions, 'again' | 'realtime' | 'attempt'> {
  readonly folder: string;
  readonly startedAt: Date;
}

function describeRun(
  plan: Plan,
  workload: Workload,
  { folder, startedAt, again, realtime, attempt }: DescribedRun,
): RunInfo {
  const { scenario, seed } = plan;
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
    probes: scenario.probes ? probeKinds(scenario.probes, scenario.cluster.shards) : [],
    messages: workload.messages(scenario.workload.params),
    rows: { table: workload.table, ...workload.lookup },
    plannedActs: plan.acts.length,
    ...(attempt ? { attempt } : {}),
    machine: describeMachine(),
    ...(realtime ? { realtime: true as const } : {}),
    again: `${again ?? `npm run chaos -- ${scenario.file}`} --seed ${seed}`,
  };
}

/** pgquake's own version, from its package. */
export function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
