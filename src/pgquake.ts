/** The whole pipeline: scenario to plan, run to history, verdict to report. Read this file first. */

import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Catalog, INDEX_MARK, indexPage, proofFiles, shipped } from './catalog.ts';
import { type Choice, choose, refuseUnknown } from './choose.ts';
import { diskFailure, useDisk } from './disk/files-in.ts';
import { judge } from './judge.ts';
import { Begun } from './model/begun.ts';
import { monotonicClock } from './model/clock.ts';
import { EnvironmentError, errorText, InterruptedError } from './model/errors.ts';
import { oldNode } from './model/node-age.ts';
import { threadModule, version } from './model/package-files.ts';
import type { Report } from './model/report.ts';
import type { Scenario } from './model/scenario.ts';
import { unlessAborted } from './model/unless-aborted.ts';
import { ownVariants, withOwn } from './own-variants.ts';
import { asksAgain, layoutOf, observationsFor, placedPlan, plannedMs, planOf, workloadNamed } from './planner.ts';
import { proveTolerance, type RunOn } from './prove.ts';
import type { Config, Experiment, ExperimentOptions, LoadOptions, Quake } from './quake.ts';
import { buildReport } from './report.ts';
import { withRetries } from './retries.ts';
import { limitOf, RunLimit } from './run/guards.ts';
import { HostMonitor, LIGHT_LOOK_MS } from './run/host-monitor.ts';
import { healLeftBehind, refuseUnhealed, tellLeftBehind } from './run/left-behind.ts';
import type { Recorder } from './run/recorder.ts';
import { describeRun, routed } from './run/run-info.ts';
import { refuseRealtime } from './run/thread-priority.ts';
import { keepRunIndex, type RunIndexPage, rebuildRunIndex } from './run-index.ts';
import { loadingJudges, runParts } from './run-parts.ts';
import { completed, refusal } from './scenario/complete.ts';
import { refuseUnconfirmed } from './scenario/confirmed.ts';
import { SCENARIO_FOLDERS } from './scenario/find.ts';
import { knownHeads } from './scenario/known.ts';
import { listScenarios, loadScenario, loadSuite } from './scenario/load.ts';
import { parseScenario } from './scenario/parse.ts';
import { lacking } from './scenario/requirements.ts';
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
import { placeOf } from './workloads/workload.ts';

/**
 * @param config own variants beside the shipped ones, and defaults.
 * @throws InputError where a variant is malformed, two have one name, or a default is not in the catalogue.
 * @throws EnvironmentError if this Node.js is too old.
 */
export function pgquake(config: Config = {}): Quake {
  const tooOld = oldNode();
  if (tooOld !== undefined) throw new EnvironmentError(tooOld, { code: 'node-old', hint: 'install a newer Node.js' });
  const catalog = withOwn(shipped, config);
  if (config.platform !== undefined) refuseUnknown('platform', catalog.platforms, config.platform);
  if (config.engine !== undefined) refuseUnknown('engine', catalog.engines, config.engine);
  const { reports = DEFAULT_REPORTS_FOLDER } = config;
  const sources = { vocabulary: catalog, folders: SCENARIO_FOLDERS };
  const load = async (nameOrPath: string, { set }: LoadOptions = {}) =>
    withDefaults(await loadScenario(nameOrPath, sources, set), config);
  return {
    catalog,
    reports,
    defaults: config,
    load,
    async loadSuite(nameOrPath, { set } = {}) {
      const suite = await loadSuite(nameOrPath, sources, set);
      return { ...suite, scenarios: suite.scenarios.map((scenario) => withDefaults(scenario, config)) };
    },
    // The build's list of known scenarios holds for the shipped variants only.
    list: async () => listScenarios(sources, ownVariants(config) ? new Map() : await knownHeads()),
    parse: (text, file = 'scenario') => withDefaults(parseScenario(text, file, catalog), config),
    plan: (scenario, options) => planOf(catalog.faults, scenario, options),
    async run(nameOrScenario, { retries = 0, ...options } = {}) {
      const scenario = typeof nameOrScenario === 'string' ? await load(nameOrScenario) : nameOrScenario;
      return withRetries({
        retries,
        checks: catalog.checks,
        signal: options.signal,
        attempt: (attempt) =>
          runScenario(catalog, scenario, { reports, ...options, attempt: attempt ?? options.attempt }),
        tell: (which, why) => options.say?.(`retry ${which}: ${why}`),
      });
    },
    judge: async (run, { by } = {}) => {
      const stored = typeof run === 'string' ? await readRun(run) : run;
      return by ? judgeBy(catalog, stored, by) : judgeAndIndex(catalog, stored);
    },
    report: (folder) => renderAgain(catalog, folder),
    index: (folder = reports) => rebuildRunIndex(folder, INDEX_PAGE),
    heal: ({ reports: folder = reports, runs = [], force = false } = {}) =>
      healLeftBehind({ ...healersIn(catalog), force }, folder, runs),
    prove: (options = {}) => {
      const { platform = config.platform, engine = config.engine } = options;
      const run = (scenario: Scenario, on: RunOn) => runScenario(catalog, scenario, on);
      return proveTolerance(catalog, { run, render: proofFiles }, { reports, ...options, platform, engine });
    },
  };
}

/** Applies a default where the scenario does not set the value. */
function withDefaults(scenario: Scenario, { platform, engine, seed }: Config): Scenario {
  const { cluster } = scenario;
  return {
    ...scenario,
    cluster: {
      ...cluster,
      platform: cluster.platform === 'auto' ? (platform ?? 'auto') : cluster.platform,
      engine: cluster.engine === 'auto' ? (engine ?? 'auto') : cluster.engine,
    },
    ...(scenario.seed === undefined && seed !== undefined ? { seed } : {}),
  };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the pipeline of a run, from its plan to its verdict.
async function runScenario(
  catalog: Catalog,
  asked: Scenario,
  options: ExperimentOptions & {
    /** The cluster that several runs share; by default the run creates its own. */
    readonly on?: Choice;
  },
): Promise<Experiment> {
  const { reports = DEFAULT_REPORTS_FOLDER, listeners = [], say = () => undefined, realtime = false } = options;
  if (realtime) refuseRealtime();
  const scenario = await completed(asked, catalog.workloads);
  refuseUnconfirmed(scenario, options.confirm);
  const { faults } = catalog;
  // Both while `choose` waits for the platforms.
  const parts = runParts();
  parts.catch(() => undefined);
  await using writing = new Begun(useDisk(reports));
  const drawn = options.replayed ?? planOf(faults, scenario, { seed: options.seed });
  // Until the recorder exists, an abort has nothing to undo.
  const stopped = options.signal ?? new AbortController().signal;
  const { platform, engine, reason } = options.on ?? (await unlessAborted(choose(catalog, drawn, say), stopped));
  const workload = workloadNamed(catalog.workloads, scenario.workload.use);
  const workloadPlace = await placeOf(workload);
  const plan = placedPlan(faults, drawn, layoutOf(engine, scenario));

  const startedAt = new Date();
  await unlessAborted(writing.ready, stopped);
  const folder = createRunFolder(reports, scenario.name, startedAt);
  const { probes, cluster } = plan.scenario;
  const { params } = plan.scenario.workload;
  const lacks = lacking({ workload, params, probes, cluster });
  const info = describeRun(plan, workload, { folder, startedAt, engine, lacks, ...options });
  writeRunInputs(folder, plan, info);

  const limitMs = limitOf(scenario.guards, plannedMs(plan));
  using limited = new RunLimit(stopped, limitMs);
  const originNs = process.hrtime.bigint();
  const clock = monotonicClock(originNs);
  let failure: unknown;
  const kinds = { load: info.kinds, probes: info.probes };
  const { Recorder, run } = await parts;
  const unreadable = new AbortController();
  const recorder = new Recorder(folder, clock, kinds, [...listeners, loadingJudges(unreadable)]);
  {
    using _closing = recorder;
    using _watching = new HostMonitor({
      clock,
      recorder,
      ...(scenario.cluster.inventory ? { lookMs: LIGHT_LOOK_MS } : {}),
    });
    recorder.event({ type: 'platform-chosen', platform: platform.name, engine: engine.name, reason });
    try {
      const leftBehind = await healLeftBehind(healersIn(catalog), resolve(reports));
      for (const left of leftBehind) tellLeftBehind(recorder, left);
      refuseUnhealed(scenario, leftBehind);
      await run({
        plan,
        place: (placement) => {
          const placed = placedPlan(faults, plan, placement);
          writePlan(folder, placed);
          return placed;
        },
        platform,
        engine,
        reason,
        faults: new Map(faults.map((fault) => [fault.name, fault])),
        workload,
        workloadPlace,
        refusal: (problems) => refusal(scenario, problems),
        observe: observationsFor(catalog.checks, scenario),
        asksAgain: asksAgain(catalog.checks, scenario),
        loadThread: threadModule('load-thread'),
        witnessThread: threadModule('witness-thread'),
        folder,
        recorder,
        clock,
        originNs,
        signal: AbortSignal.any([limited.signal, recorder.signal, unreadable.signal]),
        realtime,
        fit: options.fit ?? false,
        fitted: (share, kinds) =>
          writeRunInputs(folder, plan, { ...info, kinds: routed(kinds, engine), fitted: share }),
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
  const report = judgeBy(catalog, await readOwnRun(folder, recorder, failure, say), scenario);
  const files = rendered(catalog, report);
  try {
    writeFiles(folder, files);
  } catch (error) {
    failure ??= error;
  }
  await pointHere(folder, files['report.json'], say);
  return { verdict: { judgement: report.judgement, results: report.results }, report, folder, failure };
}

/**
 * Reads back what the run recorded, with the events that could not be written.
 * @throws the run's own failure if there was one, else an EnvironmentError: someone changed its folder.
 */
async function readOwnRun(
  folder: string,
  { unsaved }: Recorder,
  failure: unknown,
  say: (line: string) => void,
): Promise<StoredRun> {
  const silent = diskFailure(folder);
  if (silent) {
    say(`no report: ${silent.message}`);
    throw failure ?? silent;
  }
  try {
    const stored = await readRun(folder);
    return { ...stored, history: { ...stored.history, events: [...stored.history.events, ...unsaved] } };
  } catch (error) {
    throw (
      failure ??
      new EnvironmentError(`the run's history is gone: ${errorText(error)}`, {
        code: 'history-lost',
        hint: `leave ${folder} alone while a run uses it`,
        cause: error,
      })
    );
  }
}

function healersIn({ platforms, inventory, faults }: Catalog) {
  return { platforms: [...platforms, inventory], faults };
}

/** Updates `latest` and the index. They are not part of the run, so a failure never costs the verdict. */
async function pointHere(folder: string, text: string | undefined, say: (line: string) => void): Promise<void> {
  const missed = pointLatest(folder);
  if (missed !== undefined) say(missed);
  try {
    const written = text === undefined ? undefined : { id: basename(folder), text };
    await keepRunIndex(dirname(folder), INDEX_PAGE, true, written);
  } catch (error) {
    say(`the index of all runs is not up to date: ${errorText(error)}`);
  }
}

/** Judges a stored run, writes its reports and updates the index. Needs no cluster. */
async function judgeAndIndex(catalog: Catalog, stored: StoredRun): Promise<Report> {
  const report = judgeBy(catalog, stored, stored.plan.scenario);
  writeFiles(stored.folder, rendered(catalog, report));
  await keepRunIndex(dirname(await realpath(stored.folder)), INDEX_PAGE, false);
  return report;
}

/** Judges a stored run by any scenario's hypothesis. Writes nothing. */
function judgeBy(catalog: Catalog, { history, plan }: StoredRun, { hypothesis }: Pick<Scenario, 'hypothesis'>): Report {
  return buildReport(history, plan, judge(history, hypothesis, catalog.checks));
}

function rendered({ reporters }: Catalog, report: Report): Readonly<Record<string, string>> {
  return Object.assign({}, ...reporters.map((reporter) => reporter.render(report)));
}

async function renderAgain(catalog: Catalog, folder: string): Promise<string[]> {
  const files = rendered(catalog, await readReport(join(folder, 'report.json')));
  writeFiles(folder, files);
  return Object.keys(files);
}

const INDEX_PAGE: RunIndexPage = { render: (runs) => indexPage(runs, version()), mark: INDEX_MARK };
