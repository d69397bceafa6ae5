/** The types of the public API: what `pgquake()` takes and gives. */

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

/** Own variants beside the shipped ones, and defaults: what `pgquake.config.ts` exports. */
export interface Config extends Variants {
  /** Where run folders go; `reports` by default. In a config file a relative path counts from the file's folder. */
  readonly reports?: string;
  /** For scenarios that name none, or `auto`. */
  readonly platform?: string;
  /** For scenarios that name none, or `auto`. */
  readonly engine?: string;
  /** For scenarios that name none. From 0 to 2^32 - 1. */
  readonly seed?: number;
}

export interface ExperimentOptions {
  /** Overrides the scenario's seed; random where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number;
  /** Where run folders go; the config's by default. */
  readonly reports?: string;
  /** The plan of an earlier run of this scenario: exactly its schedule is run; `seed` is left out then. */
  readonly replayed?: Plan;
  /** The command line that runs it again, but for the seed; by the scenario's file by default. */
  readonly again?: string;
  /** Hears what goes on before the run begins, such as an image that is being fetched. */
  readonly say?: (line: string) => void;
  /** Hear what happens while it happens. */
  readonly listeners?: readonly RunListener[];
  /** The name of the cluster of an inventory, by which its being broken is allowed; over the scenario's own. */
  readonly confirm?: string | undefined;
  /** Goes on with a smaller load where servers and client do not bear the scenario's. Not by default: the run ends then. */
  readonly fit?: boolean;
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

export interface LoadOptions {
  /** Values over the author's head, each `path=value`: `workload.read.rate=50/s`. None by default. */
  readonly set?: readonly string[] | undefined;
}

/** pgquake with one catalogue: what can be done with scenarios and with stored runs. */
export interface Quake {
  readonly catalog: Catalog;
  /** Where run folders go by default. */
  readonly reports: string;
  /** What the config says for scenarios that name none. */
  readonly defaults: Pick<Config, 'platform' | 'engine' | 'seed' | 'reports'>;
  /**
   * Loads a scenario by its name in `scenarios/` or among the shipped ones, or by its path.
   * @throws InputError where there is none; `ScenarioError` with all its problems and their places. A check that no run
   * could judge is none: `hopeless` of the hypothesis item says why.
   */
  load(nameOrPath: string, options?: LoadOptions): Promise<Scenario>;
  /** The same for a folder of scenarios. */
  loadSuite(nameOrPath: string, options?: LoadOptions): Promise<ScenarioSuite>;
  /** The scenarios that `load` finds by name. */
  list(): Promise<ScenarioEntry[]>;
  /**
   * Validates a scenario's text.
   * @param file its name, for messages, and for the scenario where that names none.
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
   * @param options.reports the reports folder, the config's by default.
   * @param options.runs run folders, as paths or by their names in the reports folder; all of them by default.
   * @throws InputError when a named run does not exist.
   */
  heal(options?: {
    readonly reports?: string;
    readonly runs?: readonly string[];
    /** Also where it cannot be told whether the pgquake of a run still runs. False by default. */
    readonly force?: boolean;
  }): Promise<LeftBehind[]>;
  /**
   * Proves a placement's tolerance: takes down every set of workers and holds what is seen against what is predicted.
   * Keeps `proof.json`, `proof.md` and `proof.svg` in a folder of its own.
   * @throws InputError, EnvironmentError, or the signal's reason; nothing runs on in any case.
   */
  prove(options?: ProveOptions): Promise<KeptProof>;
}
