/**
 * The whole pipeline on one page: a scenario becomes a plan, the plan is run, the history is judged,
 * the verdict is reported. Read this file first.
 */

import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checks, engines, faults, findWorkload, INDEX_MARK, indexPage, platforms, reporters } from './catalog.ts';
import type { Engine } from './cluster/engine.ts';
import type { Platform } from './cluster/platform.ts';
import type { Fault, Strike } from './faults/fault.ts';
import { judge } from './judge.ts';
import { monotonicClock } from './model/clock.ts';
import { EnvironmentError, errorText, InputError, InterruptedError } from './model/errors.ts';
import type { Observation } from './model/event.ts';
import type { RunInfo } from './model/history.ts';
import type { Plan, PlannedAct } from './model/plan.ts';
import type { Report } from './model/report.ts';
import type { IndexedRun } from './model/run-index.ts';
import type { EngineChoice, Scenario } from './model/scenario.ts';
import { siblingModule } from './model/sibling-module.ts';
import type { NodeEffect, NodeName, PlacementMap } from './model/topology.ts';
import { isOpen, lostTogether, makePlan } from './plan/schedule.ts';
import { roomOf } from './plan/target.ts';
import { buildReport } from './report.ts';
import { DeadMansSwitch, limitOf } from './run/guards.ts';
import { findClusters, findClustersOfRun, type LeftBehind, reclaim } from './run/left-behind.ts';
import { Recorder, type RunListener } from './run/recorder.ts';
import { run } from './run/runner.ts';
import { attachedEngine, attachedPlatform, findFormed, notFormed } from './run/standing.ts';
import { keepRunIndex, type RunIndexPage, rebuildRunIndex } from './run-index.ts';
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

export interface ExperimentOptions {
  readonly scenario: Scenario;
  /** Overrides the scenario's seed; random where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number;
  /** Where run folders go; `reports` by default. */
  readonly reportsFolder?: string;
  /** The plan of an earlier run of this scenario: exactly its schedule is run; `seed` is left out then. */
  readonly replayed?: Plan;
  /** The command line that runs it again, but for the seed; by the scenario's file by default. */
  readonly again?: string;
  /** Hears what goes on before the run begins, such as an image that is being fetched. */
  readonly say?: (line: string) => void;
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
  const { scenario, listeners = [], say = () => undefined } = options;
  const drawn = options.replayed ?? planOf(scenario, options.seed);
  const { platform, engine, reason } = await choose(drawn, say);
  const plan = placedPlan(drawn, layoutOf(engine, scenario));

  const startedAt = new Date();
  const folder = await createRunFolder(options.reportsFolder ?? DEFAULT_REPORTS_FOLDER, scenario.name, startedAt);
  const info = describeRun(plan, folder, startedAt, options.again);
  await writeRunInputs(folder, plan, info);

  const limitMs = limitOf(scenario.guards, plannedMs(plan));
  using limited = new DeadMansSwitch(options.signal ?? new AbortController().signal, limitMs);
  const originNs = process.hrtime.bigint();
  const clock = monotonicClock(originNs);
  let failure: unknown;
  {
    using recorder = new Recorder(
      folder,
      clock,
      { load: info.kinds.map(({ name }) => name), probes: info.probes.map(({ name }) => name) },
      listeners,
    );
    recorder.event({ type: 'platform-chosen', platform: platform.name, engine: engine.name, reason });
    const leftBehind = await healLeftBehind(options.reportsFolder);
    for (const left of leftBehind) tellLeftBehind(recorder, left);
    try {
      refuseUnhealed(scenario, leftBehind);
      await run({
        plan,
        place: async (placement) => {
          const placed = placedPlan(plan, placement);
          await writePlan(folder, placed);
          return placed;
        },
        platform,
        engine,
        reason,
        faults: new Map(faults.map((fault) => [fault.name, fault])),
        workload: findWorkload(scenario.workload.use),
        observe: observationsFor(scenario),
        loadThread: siblingModule(import.meta.url, 'load-thread'),
        folder,
        recorder,
        clock,
        originNs,
        signal: limited.signal,
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
  const report = await judgeStored(await readRun(folder));
  await pointLatest(folder);
  await keepRunIndex(dirname(folder), INDEX_PAGE, true);
  return { report, folder, failure };
}

export type { LeftBehind } from './run/left-behind.ts';

/**
 * Removes the clusters of runs whose pgquake was killed; those whose pgquake still runs are left alone.
 * @param runs run folders, as paths or by their names in the reports folder; all of them by default.
 * @throws InputError when a named run does not exist.
 */
export async function healLeftBehind(
  reportsFolder: string = DEFAULT_REPORTS_FOLDER,
  runs: readonly string[] = [],
): Promise<LeftBehind[]> {
  const folders =
    runs.length === 0
      ? await findClusters(reportsFolder)
      : (await Promise.all(runs.map((run) => findClustersOfRun(runFolderOf(run, reportsFolder))))).flat();
  const outcomes: LeftBehind[] = [];
  for (const folder of folders) outcomes.push(await reclaim(folder, { platforms, faults, now: new Date() }));
  return outcomes;
}

function runFolderOf(run: string, reportsFolder: string): string {
  const folder = [run, join(reportsFolder, run)].find((candidate) => existsSync(candidate));
  if (folder !== undefined) return folder;
  throw new InputError(`no run ${run}, neither as a folder nor in ${reportsFolder}`, {
    code: 'no-such-run',
    hint: 'name a run folder, or none to look through all of them',
  });
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

/**
 * The plan of a run, with its seed drawn. Starts nothing.
 * @param placement of the shards, where it is known; without it, targets that speak of shards stay open.
 * @throws InputError where it strikes more at one time than it may, or picks what others strike.
 */
export function planOf(scenario: Scenario, seed?: number, placement?: PlacementMap): Plan {
  const plan = makePlan(scenario, { seed: seed ?? scenario.seed ?? randomInt(2 ** 32), strikesOf, placement });
  refuseTooWide(plan);
  return plan;
}

/** The same plan, with the targets picked that were open; as it is where none were, or nobody knows yet. */
export function placedPlan(plan: Plan, placement: PlacementMap | undefined): Plan {
  return placement && isOpen(plan) ? planOf(plan.scenario, plan.seed, placement) : plan;
}

/** Where an engine will put the shards that targets speak of, where it knows without a cluster. */
export function layoutOf(engine: Engine, { cluster, faults }: Scenario): PlacementMap | undefined {
  const rooms = faults.flatMap(({ target }) => roomOf(target) ?? []);
  return engine.layout?.(cluster, [...new Set(rooms)]);
}

/** @throws InputError where more nodes would be struck at one time than the scenario's guards allow. */
function refuseTooWide({ scenario, acts }: Plan): void {
  const { maxDown, place } = scenario.guards ?? {};
  if (maxDown === undefined || place === undefined) return;
  // Whatever a fault does to a node, it counts.
  const tooMany = lostTogether(acts, () => 'down').find(({ down }) => down.length > maxDown);
  if (!tooMany) return;
  throw new InputError(
    `${place.file}:${place.line}:${place.column} guards.max-down: at most ${maxDown} may be struck at one time, and ${tooMany.down.join(', ')} would be`,
    { code: 'blast-radius', hint: 'strike fewer nodes, one after the other, or allow more' },
  );
}

/** By its schedule, from the steady state to the end of settling. */
function plannedMs({ scenario, acts }: Plan): number {
  const faultsMs = Math.max(0, ...acts.map(({ atMs, forMs }) => atMs + forMs));
  return scenario.steadyStateMs + faultsMs + scenario.settleWithinMs;
}

/** What the checks of a hypothesis need beyond what every run records. */
function observationsFor({ hypothesis }: Scenario): ReadonlySet<Observation> {
  const asked = new Set(hypothesis.map(({ check }) => check));
  return new Set(checks.filter(({ name }) => asked.has(name)).flatMap(({ needs = [] }) => needs));
}

function strikesOf(fault: string, targets: readonly NodeName[], params: unknown): Strike[] | undefined {
  return faults.find((candidate) => candidate.name === fault)?.strikes?.(targets, params);
}

/** What a fault, by its name, makes of its targets. */
export function effectOf(fault: string): NodeEffect | undefined {
  return faults.find((candidate) => candidate.name === fault)?.effect;
}

/** Judges a stored run and writes its reports; needs no cluster. */
export async function reportOn(stored: StoredRun): Promise<Report> {
  const report = await judgeStored(stored);
  await keepRunIndex(dirname(await realpath(stored.folder)), INDEX_PAGE, false);
  return report;
}

async function judgeStored(stored: StoredRun): Promise<Report> {
  const report = judgeBy(stored, stored.plan.scenario);
  await writeFiles(stored.folder, rendered(report));
  return report;
}

/** Judges a stored run by a hypothesis that may be another scenario's. Writes nothing. */
export function judgeBy({ history, plan }: StoredRun, { hypothesis }: Pick<Scenario, 'hypothesis'>): Report {
  return buildReport(history, plan, judge(history, hypothesis, checks));
}

function rendered(report: Report): Readonly<Record<string, string>> {
  return Object.assign({}, ...reporters.map((reporter) => reporter.render(report)));
}

/**
 * Renders the reports of a stored run again from its report.json, with the verdict that it holds.
 * @returns the names of the files that it wrote.
 * @throws InputError where there is no report.json, or it is damaged.
 */
export async function renderAgain(folder: string): Promise<string[]> {
  const files = rendered(await readReport(join(folder, 'report.json')));
  await writeFiles(folder, files);
  return Object.keys(files);
}

const INDEX_PAGE: RunIndexPage = { render: (runs) => indexPage(runs, version()), mark: INDEX_MARK };

/**
 * Makes `index.html` and `index.json` of a reports folder anew.
 * @returns its runs, the newest first.
 * @throws InputError where there is no such folder, or its index.html is somebody else's.
 */
export function rebuildIndex(reportsFolder: string = DEFAULT_REPORTS_FOLDER): Promise<IndexedRun[]> {
  return rebuildRunIndex(reportsFolder, INDEX_PAGE);
}

/** What the choice depends on; a plan has it. */
export interface ChoiceInput {
  readonly scenario: Pick<Scenario, 'cluster'> & Partial<Pick<Scenario, 'workload'>>;
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
export async function choose(
  { scenario, acts }: ChoiceInput,
  say: (line: string) => void = () => undefined,
): Promise<Choice> {
  const { platform: wantedPlatform, engine: wantedEngine, attach } = scenario.cluster;
  if (attach !== undefined && scenario.workload) return chooseAttached(attach, scenario.workload, { scenario, acts });
  const passedOver: string[] = [];
  const hints: string[] = [];
  for (const platform of platforms) {
    if (wantedPlatform !== 'auto' && platform.name !== wantedPlatform) continue;
    const unavailable = await platform.unavailable();
    if (unavailable !== undefined) {
      passedOver.push(`${platform.name}: ${unavailable.message}`);
      if (unavailable.hint !== undefined) hints.push(unavailable.hint);
      continue;
    }
    await refuseMissingCapabilities(platform, acts);
    const engine = await chooseEngine(platform, wantedEngine, say);
    refuseSharedAddresses(platform, engine, acts);
    const why = wantedPlatform === 'auto' ? [...passedOver, platform.summary].join('; ') : 'as asked for';
    return { platform, engine, reason: why };
  }
  throw new EnvironmentError(`no platform can be used: ${passedOver.join('; ')}`, {
    code: 'no-platform',
    ...(hints.length === 0 ? {} : { hint: hints.join('; ') }),
  });
}

/** What formed the cluster that stands is found out, not chosen. */
async function chooseAttached(
  project: string,
  { use, params }: Scenario['workload'],
  { scenario, acts }: ChoiceInput,
): Promise<Choice> {
  const { platform: wantedPlatform, engine: wantedEngine } = scenario.cluster;
  const platform = platforms.find(({ name, standing }) => standing && ['auto', name].includes(wantedPlatform));
  if (!platform?.standing) {
    throw new InputError(`the platform ${wantedPlatform} has no clusters that stand, such as ${project}`, {
      code: 'cannot-attach',
      hint: 'leave --platform out, or do not attach',
    });
  }
  await refuseMissingCapabilities(platform, acts);
  const data = { workload: findWorkload(use), params };
  const nodes = await platform.standing.attach(project);
  const candidates = engines.filter(({ name }) => ['auto', name].includes(wantedEngine));
  const found = await findFormed(nodes, candidates, data.workload.dataset(params), new AbortController().signal);
  if (!found) throw notFormed(project, data);
  return {
    platform: attachedPlatform(platform, platform.standing, project),
    engine: attachedEngine(found, project, data),
    reason: `attached to the cluster ${project}, which stands`,
  };
}

/** The first that the platform's servers offer what it needs, or the one that was asked for. */
async function chooseEngine(platform: Platform, wanted: EngineChoice, say: (line: string) => void): Promise<Engine> {
  const candidates = engines.filter((engine) => wanted === 'auto' || engine.name === wanted);
  for (const engine of candidates) {
    if (engine.extension === undefined || (await platform.offers(engine.extension, say))) return engine;
  }
  const missing = candidates.map((engine) => engine.extension).join(', ');
  throw new EnvironmentError(
    `the servers of the platform ${platform.name} do not offer ${missing}, which the engine ${wanted} needs`,
    { code: 'engine-unavailable', hint: 'choose another engine with --engine, or servers that offer it' },
  );
}

async function refuseMissingCapabilities(platform: Platform, acts: ChoiceInput['acts']): Promise<void> {
  for (const name of new Set(acts.map(({ fault }) => fault))) {
    const fault = faults.find((candidate) => candidate.name === name);
    const reason = fault && (await cannotDo(platform, fault));
    if (reason === undefined) continue;
    throw new EnvironmentError(`the platform ${platform.name} cannot do ${name}: ${reason}`, {
      code: 'capability-missing',
      hint: '"pgquake doctor" lists what each platform can do here',
    });
  }
}

/** @throws EnvironmentError where the platform tells nodes apart by addresses that the engine cannot give them. */
function refuseSharedAddresses(platform: Platform, engine: Engine, acts: ChoiceInput['acts']): void {
  if (!engine.sharesAddresses) return;
  const struck = new Set(acts.map(({ fault }) => fault));
  const refused = faults.find(
    ({ name, needs }) => struck.has(name) && needs.some((one) => platform.byAddress?.has(one)),
  );
  if (!refused) return;
  throw new EnvironmentError(
    `the engine ${engine.name} on the platform ${platform.name} cannot do ${refused.name}: all its nodes know a node by one address, so nobody can tell which of them comes`,
    { code: 'capability-missing', hint: 'use --engine native, or --platform docker' },
  );
}

/** @returns why a platform cannot do a fault here, in words; `undefined` where it can. */
export async function cannotDo(platform: Platform, { needs }: Pick<Fault, 'needs'>): Promise<string | undefined> {
  const missing = needs.filter((capability) => !platform.capabilities.has(capability));
  if (missing.length > 0) return `it lacks ${missing.join(', ')}`;
  for (const capability of needs) {
    const reason = await platform.lacking?.(capability);
    if (reason !== undefined) return `it lacks ${capability}: ${reason}`;
  }
  return undefined;
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
    probes: scenario.probes ? probeKinds(scenario.probes, scenario.cluster.shards) : [],
    messages: workload.messages(scenario.workload.params),
    rows: { table: workload.table, ...workload.lookup },
    plannedActs: plan.acts.length,
    again: `${again ?? `npm run chaos -- ${scenario.file}`} --seed ${seed}`,
  };
}

/** pgquake's own version, from its package. */
export function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
