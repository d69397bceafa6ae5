/** The types of the public API: what `pgquake()` takes and returns. */

import type { Catalog } from './catalog.ts';
import type { Attempt } from './model/history.ts';
import type { Plan } from './model/plan.ts';
import type { Report } from './model/report.ts';
import type { IndexedRun } from './model/run-index.ts';
import type { Scenario } from './model/scenario.ts';
import type { Verdict } from './model/verdict.ts';
import type { Variants } from './own-variants.ts';
import type { KeptProof, ProveOptions } from './prove.ts';
import type { LeftBehind } from './run/left-behind.ts';
import type { RunListener } from './run/recorder.ts';
import type { ScenarioEntry } from './scenario/find.ts';
import type { ScenarioSuite } from './scenario/load.ts';
import type { StoredRun } from './store.ts';

/** Own variants and defaults: what `pgquake.config.ts` exports. */
export interface Config extends Variants {
  /** Where run folders go; `reports` by default. In a config file, relative to the file's folder. */
  readonly reports?: string;
  /** For scenarios that name none, or `auto`. */
  readonly platform?: string;
  /** For scenarios that name none, or `auto`. */
  readonly engine?: string;
  /** For scenarios that name none. From 0 to 2^32 - 1. */
  readonly seed?: number;
}

export interface ExperimentOptions {
  /** Overrides the scenario's seed; drawn where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number;
  /** Where run folders go; the config's by default. */
  readonly reports?: string;
  /** The plan of an earlier run of this scenario, to repeat its schedule exactly. Leave `seed` out then. */
  readonly replayed?: Plan;
  /**
   * The command line that repeats the run, without the seed; by default built from the scenario's file. The seed is added to
   * it, except with `replayed`.
   */
  readonly again?: string;
  /** Called with progress before the run begins, such as the download of an image. */
  readonly say?: (line: string) => void;
  /** Receive events and operations while the run is under way. */
  readonly listeners?: readonly RunListener[];
  /** The name of the inventory's cluster, which allows pgquake to break it. Overrides the scenario's `confirm`. */
  readonly confirm?: string | undefined;
  /** Runs a smaller load where servers and client cannot sustain the scenario's. By default the run then ends. */
  readonly fit?: boolean;
  /**
   * How often the scenario is run again if the machine was too busy to judge it, from 0 to 20; the last run counts. 0 by
   * default.
   */
  readonly retries?: number;
  /** Which of several attempts this is, where the caller makes them; recorded in `run.json`. Leave `retries` out then. */
  readonly attempt?: Attempt | undefined;
  /** Gives load and probes realtime priority; needs root on Linux with at least 4 processors. False by default. */
  readonly realtime?: boolean;
  /** Aborting it heals, removes the cluster, and reports what was recorded. */
  readonly signal?: AbortSignal;
}

export interface Experiment {
  readonly verdict: Verdict;
  readonly report: Report;
  readonly folder: string;
  /** Why the run did not finish; `undefined` where it did. With a failure the verdict is never `pass`. */
  readonly failure: unknown;
}

export interface LoadOptions {
  /** Values that override the file, each `path=value`: `workload.read.rate=50/s`. None by default. */
  readonly set?: readonly string[] | undefined;
}

/** pgquake with one catalogue: everything you can do with scenarios and stored runs. */
export interface Quake {
  readonly catalog: Catalog;
  /** Where run folders go by default. */
  readonly reports: string;
  readonly defaults: Pick<Config, 'platform' | 'engine' | 'seed' | 'reports'>;
  /**
   * Loads a scenario by its name in `scenarios/` or among the shipped ones, or by its path.
   * @throws InputError where there is none; `ScenarioError` with all problems and their places. A check that no run
   * could judge is not a problem; `hopeless` of its hypothesis item says why.
   */
  load(nameOrPath: string, options?: LoadOptions): Promise<Scenario>;
  /** The same for a suite: a folder of scenarios, or a file that lists some. */
  loadSuite(nameOrPath: string, options?: LoadOptions): Promise<ScenarioSuite>;
  /** The scenarios that `load` finds by name. */
  list(): Promise<ScenarioEntry[]>;
  /**
   * Validates a scenario's text.
   * @param file its name, for messages; also names a scenario without `name`.
   * @throws ScenarioError with all problems and their places.
   */
  parse(text: string, file?: string): Scenario;
  /**
   * Makes the plan of a run and draws a missing seed. Starts nothing.
   * @throws InputError where it strikes more nodes at once than the scenario's guards allow, or the seed is out of range.
   */
  plan(scenario: Scenario, options?: { readonly seed?: number | undefined }): Plan;
  /**
   * Runs a scenario from the first server to the last report. Whatever happened, when it returns the faults are healed
   * and the cluster is removed.
   * @param scenario as loaded, or its name or path.
   * @throws EnvironmentError when it cannot begin: no platform, no run folder, realtime priority refused.
   */
  run(scenario: Scenario | string, options?: ExperimentOptions): Promise<Experiment>;
  /**
   * Judges a stored run again and writes its reports. Needs no cluster.
   * @param run its folder, or what `readRun` returned.
   * @param options.by the hypothesis of another scenario; then nothing is written.
   * @throws InputError where the folder is not a run, or is damaged.
   */
  judge(run: string | StoredRun, options?: { readonly by?: Pick<Scenario, 'hypothesis'> | undefined }): Promise<Report>;
  /**
   * Renders the reports of a stored run again from its report.json, without judging it again.
   * @returns the names of the files that it wrote.
   * @throws InputError where report.json is missing or damaged.
   */
  report(folder: string): Promise<string[]>;
  /**
   * Rebuilds `index.html` and `index.json` of a reports folder.
   * @returns its runs, the newest first.
   * @throws InputError where there is no such folder, or pgquake did not write its index.html.
   */
  index(reports?: string): Promise<IndexedRun[]>;
  /**
   * Removes the clusters of runs whose pgquake was killed. Leaves those alone whose pgquake is running.
   * @param options.reports the reports folder, the config's by default.
   * @param options.runs run folders, as paths or by their names in the reports folder; all of them by default.
   * @throws InputError when a named run does not exist.
   */
  heal(options?: {
    readonly reports?: string;
    readonly runs?: readonly string[];
    /** Also removes them where pgquake cannot tell whether the run's pgquake is running. False by default. */
    readonly force?: boolean;
  }): Promise<LeftBehind[]>;
  /**
   * Proves a placement's tolerance: takes down every set of workers and compares what it sees with the prediction.
   * Keeps `proof.json`, `proof.md` and `proof.svg` in a new folder.
   * @throws InputError, EnvironmentError, or the signal's reason. Nothing keeps running in any case.
   */
  prove(options?: ProveOptions): Promise<KeptProof>;
}
