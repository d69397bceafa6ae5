/** Proves tolerance: runs one scenario for each set of workers and compares what it saw with the prediction. */

import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import type { Catalog } from './catalog.ts';
import { type Choice, choose } from './choose.ts';
import type { Engine } from './cluster/engine.ts';
import { useDisk } from './disk/files-in.ts';
import { InputError } from './model/errors.ts';
import { KeySet } from './model/key-ranges.ts';
import { suggestion } from './model/nearest.ts';
import { ownCommand, version } from './model/package-files.ts';
import { partitionWordOf } from './model/partition-words.ts';
import type { Report } from './model/report.ts';
import type { Scenario } from './model/scenario.ts';
import { placedBy, predictBy, type ServiceRule } from './model/service-rule.ts';
import { dataNodes } from './model/topology.ts';
import { formatDuration } from './model/units.ts';
import {
  judgeProof,
  PROOF_VERSION,
  type Proof,
  type ProofRuns,
  type ProvenSubset,
  type SubsetToProve,
  subsetsToProve,
} from './plan/proof.ts';
import { type ProofScenarioOptions, proofScenario } from './plan/proof-scenario.ts';
import { type Shape, workersNamed } from './plan/tolerance/layouts.ts';
import { workloadNamed } from './planner.ts';
import { leftWell, presentIn, provenSubset } from './proven-set.ts';
import { LentClusters } from './run/lent-cluster.ts';
import { parseScenario } from './scenario/parse.ts';
import { createRunFolder, DEFAULT_REPORTS_FOLDER, readRun, writeFiles } from './store.ts';

/** A restarting cluster keeps about four cores busy; more than four clusters only wait for each other. */
const CLUSTERS = Math.max(1, Math.min(4, Math.floor(availableParallelism() / 4)));
const DEFAULT_SHAPE: Shape = { workers: 4, replication: 2, partitions: 4 };

export interface ProveOptions {
  /** By default 4 workers and 4 partitions, each on 2 workers. */
  readonly topology?: Shape;
  /** Takes down sets of 1 to this many workers; by default up to all of them. */
  readonly maxDown?: number;
  /** A fault that takes nodes down; `node-kill` by default. */
  readonly fault?: string;
  /** The engine whose rule predicts; by default the one that runs. */
  readonly rule?: string | undefined;
  /** Leaves out sets that the placement's symmetry makes equal. False by default. */
  readonly symmetric?: boolean;
  /** Clusters that run side by side; by default as many as the cores allow. */
  readonly clusters?: number | undefined;
  /** `auto` by default. */
  readonly platform?: string | undefined;
  /** `auto` by default. */
  readonly engine?: string | undefined;
  /** A running cluster that matches `topology`; by default pgquake creates clusters for the proof. */
  readonly attach?: string | undefined;
  /** The command line that repeats the proof; `pgquake tolerance --prove` by default. */
  readonly again?: string | undefined;
  /** The folder for the proof and its runs; `reports` by default. */
  readonly reports?: string;
  readonly signal?: AbortSignal;
  /** Called with one line for each set that is done. */
  readonly onProgress?: (line: string) => void;
}

export interface KeptProof {
  readonly proof: Proof;
  /** Its folder. */
  readonly folder: string;
}

/** What all runs of a proof share. */
export interface RunOn {
  readonly on: Choice;
  readonly reports: string;
  readonly again: string;
  readonly signal: AbortSignal;
}

/** What the layer above provides: running a scenario and rendering a proof. */
export interface Hands {
  readonly run: (scenario: Scenario, on: RunOn) => Promise<{ readonly report: Report; readonly folder: string }>;
  /** @returns the files of a proof, by name. */
  readonly render: (proof: Proof, runs: ProofRuns) => Readonly<Record<string, string>>;
}

/** Faults that a proof can use. The rules do not cover frozen nodes, which neither answer nor refuse. */
function downFaults({ faults }: Pick<Catalog, 'faults'>): string[] {
  return faults.filter(({ effect, strikes }) => effect === 'down' && !strikes).map(({ name }) => name);
}

/**
 * Runs a proof and keeps it in its own folder, beside those of its runs. A cluster that does not recover runs no more
 * sets; then sets are missing and the judgement is never `pass`.
 * @throws InputError where the fault is unsuitable, EnvironmentError where pgquake cannot get a cluster, or the
 * signal's reason. Nothing keeps running in any case.
 */
export async function proveTolerance(catalog: Catalog, hands: Hands, options: ProveOptions): Promise<KeptProof> {
  const { reports = DEFAULT_REPORTS_FOLDER, attach, rule, onProgress = () => undefined } = options;
  const { topology: shape = DEFAULT_SHAPE, maxDown = shape.workers, platform = 'auto', engine = 'auto' } = options;
  const signal = options.signal ?? new AbortController().signal;
  const fault = downFault(catalog, options.fault ?? 'node-kill');
  const expect = rule === undefined ? undefined : expectationBy(ruleOf(catalog.engines, rule));
  // Refuses too many sets before anything starts.
  const everySubset = subsetsToProve(workersNamed(shape.workers), [], maxDown, false);
  const written = { catalog, shape, fault: fault.name, platform, engine, attach, refusesWhenDown: false };
  const first = scenarioOf(everySubset[0] as SubsetToProve, 1, written);
  const chosen = await choose(catalog, { scenario: first, acts: [{ fault: fault.name }] }, onProgress);
  onProgress(`platform ${chosen.platform.name}, engine ${chosen.engine.name}: ${chosen.reason}`);

  const startedAt = new Date();
  // Shared with the runs.
  await using _disk = await useDisk(reports);
  const folder = createRunFolder(reports, 'tolerance', startedAt);
  const on = expect ? { ...chosen, engine: { ...chosen.engine, expect } } : chosen;
  await using clusters = new LentClusters(on, first);
  if (attach === undefined) {
    const workload = workloadNamed(catalog.workloads, first.workload.use);
    const count = Math.min(options.clusters ?? CLUSTERS, everySubset.length);
    await clusters.make(count, { workload, needs: fault.needs, folder, signal, say: onProgress });
  }
  const { placement } = clusters;
  const plan =
    options.symmetric && clusters.areAlike
      ? subsetsToProve(dataNodes(first.cluster), placement.partitions, maxDown, true, placement.writesAlsoNeed)
      : everySubset;
  const madeOn = { platform: chosen.platform.name, engine: chosen.engine.name };
  const { refusesWhenDown = false } = chosen.platform;
  const done = await proveAll(plan, clusters, {
    ...{ hands, reports, folder, signal, onProgress, reason: chosen.reason },
    written: { ...written, ...madeOn, refusesWhenDown },
  });
  signal.throwIfAborted();

  const subsets = done.map(({ proven }) => proven);
  const word = partitionWordOf(placement.partitionWord);
  const proof: Proof = {
    version: PROOF_VERSION,
    ...judgeProof(subsets, plan.length, word),
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    ...madeOn,
    predictedBy: rule === undefined ? `engine ${chosen.engine.name}` : `rule ${rule}`,
    fault: fault.name,
    topology: shape,
    partitionWord: word,
    placement: placement.partitions,
    ...(attach === undefined ? {} : { attached: attach }),
    clusters: clusters.all.length,
    pruned: plan.length < everySubset.length,
    subsets,
  };
  writeFiles(
    folder,
    hands.render(proof, {
      reports: done.map(({ report }) => report),
      planned: plan.length,
      pgquakeVersion: version(),
      again: options.again ?? `${ownCommand()} tolerance --prove`,
    }),
  );
  return { proof, folder };
}

/** The command that repeats one set by its scenario file, which is in the proof's folder. */
function againOf({ file }: Scenario): string {
  return `${ownCommand()} ${relative('.', file)}`;
}

interface ProvenRunOf {
  readonly proven: ProvenSubset;
  readonly report: Report;
}

interface ProveAllOptions extends Required<Pick<ProveOptions, 'reports' | 'signal' | 'onProgress'>> {
  readonly hands: Hands;
  readonly written: Written;
  readonly reason: string;
  /** The proof's folder. */
  readonly folder: string;
}

/**
 * Runs every set once, each on the next free cluster.
 * @returns the sets that ran, in the order of the plan.
 */
async function proveAll(
  plan: readonly SubsetToProve[],
  clusters: LentClusters,
  { hands, written, reports, folder, reason, signal, onProgress }: ProveAllOptions,
): Promise<ProvenRunOf[]> {
  const open = [...plan.entries()];
  const done = new Map<number, ProvenRunOf>();
  const word = partitionWordOf(clusters.placement.partitionWord);
  const excusing = new Set(written.catalog.checks.filter(({ excuses }) => excuses).map(({ name }) => name));
  const proveOn = async ({ platform, engine }: Pick<Choice, 'platform' | 'engine'>) => {
    const on = { platform, engine, reason };
    let known = new KeySet();
    for (let next = open.shift(); next; next = open.shift()) {
      const [i, subset] = next;
      const scenario = scenarioOf(subset, i + 1, written, folder);
      writeFiles(folder, { [basename(scenario.file)]: scenario.source });
      const ended = await hands.run(scenario, { on, reports, signal, again: againOf(scenario) });
      if (signal.aborted) return;
      const { history } = await readRun(ended.folder);
      const { report } = ended;
      const proven = provenSubset(subset, { report, history, known, word, excusing });
      known = presentIn(history) ?? known;
      done.set(i, { proven, report });
      onProgress(progressLine(proven, done.size, plan.length));
      if (signal.aborted || !leftWell(history)) return;
    }
  };
  await Promise.all(clusters.all.map(proveOn));
  return [...done].sort(([a], [b]) => a - b).map(([, run]) => run);
}

/** What all scenarios of a proof share, and the catalogue to parse them with. */
interface Written extends Omit<ProofScenarioOptions, 'down' | 'number'> {
  readonly catalog: Catalog;
}

/** @param folder where the caller will write its file; the current folder by default. */
function scenarioOf({ down }: SubsetToProve, number: number, { catalog, ...written }: Written, folder = '.'): Scenario {
  const { name, text } = proofScenario({ ...written, down, number });
  return parseScenario(text, join(folder, `${name}.yaml`), catalog);
}

function expectationBy(rule: ServiceRule): Engine['expect'] {
  return ({ placement }, { down }) => {
    const workers = [...new Set(placement.partitions.flatMap(({ copies }) => copies))].sort();
    return { partitions: predictBy(rule, placedBy(rule, { workers, ...placement }), down) };
  };
}

/**
 * Finds the rule of an engine by name.
 * @throws InputError where there is none.
 */
export function ruleOf(engines: readonly Engine[], name: string): ServiceRule {
  const engine = engines.find((candidate) => candidate.name === name);
  if (engine?.rule) return engine.rule;
  const known = engines.flatMap((candidate) => (candidate.rule ? [candidate.name] : []));
  throw new InputError(`there is no engine "${name}" that has a rule; ${suggestion(name, known)}`, {
    code: 'usage',
    hint: 'choose one with --rule',
  });
}

function downFault(catalog: Catalog, name: string) {
  const known = downFaults(catalog);
  const fault = catalog.faults.find((candidate) => candidate.name === name && known.includes(name));
  if (fault) return fault;
  throw new InputError(`no proof can be made with the fault "${name}"; ${suggestion(name, known)}`, {
    code: 'fault-unfit',
    hint: 'a proof needs a fault that takes workers down until pgquake has probed every partition',
  });
}

function progressLine(subset: ProvenSubset, done: number, planned: number): string {
  const words = { pass: 'as predicted', fail: 'NOT as predicted', unknown: 'not judged' }[subset.judgement];
  const took = formatDuration(subset.strikeMs + subset.probeMs + subset.healMs);
  const why = subset.findings[0] === undefined ? '' : `: ${subset.findings[0]}`;
  return `${String(done).padStart(String(planned).length)}/${planned}  ${subset.down.join(' + ')} down: ${words}${why} (${took})`;
}
