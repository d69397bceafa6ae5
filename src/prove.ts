/**
 * A proof of tolerance: a scenario for each set of workers, run one after the other on one cluster, and what was seen
 * held against what was predicted.
 */

import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import type { Catalog } from './catalog.ts';
import { type Choice, choose } from './choose.ts';
import type { Engine } from './cluster/engine.ts';
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

/** A cluster keeps about four cores busy while it restarts; more than four at once only wait for each other. */
const CLUSTERS = Math.max(1, Math.min(4, Math.floor(availableParallelism() / 4)));
const DEFAULT_SHAPE: Shape = { workers: 4, replication: 2, partitions: 4 };

export interface ProveOptions {
  /** 4 workers, 4 partitions, each on 2 of them, by default. */
  readonly topology?: Shape;
  /** Sets of 1 up to this many workers; of all workers by default. */
  readonly maxDown?: number;
  /** A fault that takes nodes down; `node-kill` by default. */
  readonly fault?: string;
  /** The engine whose rule is held against what is seen; by default the one that runs. */
  readonly rule?: string | undefined;
  /** Leaves out what the placement's symmetry makes equal. False by default. */
  readonly symmetric?: boolean;
  /** Clusters side by side; as many as the cores allow by default. */
  readonly clusters?: number | undefined;
  /** `auto` by default. */
  readonly platform?: string | undefined;
  /** `auto` by default. */
  readonly engine?: string | undefined;
  /** A cluster that stands, which must be as `topology` says; by default clusters are made for the proof. */
  readonly attach?: string | undefined;
  /** The command line that proves it again; `pgquake tolerance --prove` by default. */
  readonly again?: string | undefined;
  /** Where the folders of the proof and of its runs go; `reports` by default. */
  readonly reports?: string;
  readonly signal?: AbortSignal;
  /** Hears of every set as it is done. */
  readonly onProgress?: (line: string) => void;
}

export interface KeptProof {
  readonly proof: Proof;
  /** Its folder. */
  readonly folder: string;
}

/** What every run of a proof is made with. */
export interface RunOn {
  readonly on: Choice;
  readonly reports: string;
  readonly again: string;
  readonly signal: AbortSignal;
}

/** What is above this file: how a scenario is run, and how a proof is rendered. */
export interface Hands {
  readonly run: (scenario: Scenario, on: RunOn) => Promise<{ readonly report: Report; readonly folder: string }>;
  /** @returns the files of a proof, by name. */
  readonly render: (proof: Proof, runs: ProofRuns) => Readonly<Record<string, string>>;
}

/** Faults that a proof can be made with. A frozen node neither answers nor refuses, and no rule here speaks of it. */
export function downFaults({ faults }: Pick<Catalog, 'faults'>): string[] {
  return faults.filter(({ effect, strikes }) => effect === 'down' && !strikes).map(({ name }) => name);
}

/**
 * Runs a proof and keeps it in a folder of its own, beside those of its runs.
 * @throws InputError where the fault cannot be used for it; EnvironmentError where no cluster can be had, or the signal's
 * reason; nothing runs on in any case. A cluster that does not get well again ends its part: then sets are missing, and
 * the judgement is never `pass`.
 */
export async function proveTolerance(catalog: Catalog, hands: Hands, options: ProveOptions): Promise<KeptProof> {
  const { reports = DEFAULT_REPORTS_FOLDER, attach, rule, onProgress = () => undefined } = options;
  const { topology: shape = DEFAULT_SHAPE, maxDown = shape.workers, platform = 'auto', engine = 'auto' } = options;
  const signal = options.signal ?? new AbortController().signal;
  const fault = downFault(catalog, options.fault ?? 'node-kill');
  const expect = rule === undefined ? undefined : expectationBy(ruleOf(catalog.engines, rule));
  // Says whether there are too many before anything is started.
  const everySubset = subsetsToProve(workersNamed(shape.workers), [], maxDown, false);
  const written = { catalog, shape, fault: fault.name, platform, engine, attach, refusesWhenDown: false };
  const first = scenarioOf(everySubset[0] as SubsetToProve, 1, written);
  const chosen = await choose(catalog, { scenario: first, acts: [{ fault: fault.name }] }, onProgress);
  onProgress(`platform ${chosen.platform.name}, engine ${chosen.engine.name}: ${chosen.reason}`);

  const startedAt = new Date();
  const folder = await createRunFolder(reports, 'tolerance', startedAt);
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
  await writeFiles(
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

/** A command that runs one set again by its scenario, which is beside the proof. */
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
  /** Why this platform and this engine. */
  readonly reason: string;
  /** Of the proof. */
  readonly folder: string;
}

/** Every set once, on the next cluster that is free. @returns those that were run, in the order of the plan. */
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
      await writeFiles(folder, { [basename(scenario.file)]: scenario.source });
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

/** What all scenarios of a proof have in common, and what reads their texts. */
interface Written extends Omit<ProofScenarioOptions, 'down' | 'number'> {
  readonly catalog: Catalog;
}

/** @param folder where its file will be; nowhere by default. */
function scenarioOf({ down }: SubsetToProve, number: number, { catalog, ...written }: Written, folder = '.'): Scenario {
  const { name, text } = proofScenario({ ...written, down, number });
  return parseScenario(text, join(folder, `${name}.yaml`), catalog);
}

/** What the rule of another engine expects of a placement. */
function expectationBy(rule: ServiceRule): Engine['expect'] {
  return ({ placement }, { down }) => {
    const workers = [...new Set(placement.partitions.flatMap(({ copies }) => copies))].sort();
    return { partitions: predictBy(rule, placedBy(rule, { workers, ...placement }), down) };
  };
}

/**
 * The rule of an engine by its name.
 * @throws InputError where there is none.
 */
export function ruleOf(engines: readonly Engine[], name: string): ServiceRule {
  const engine = engines.find((candidate) => candidate.name === name);
  if (engine?.rule) return engine.rule;
  const known = engines.flatMap((candidate) => (candidate.rule ? [candidate.name] : []));
  throw new InputError(`there is no engine "${name}" whose rule could be used; ${suggestion(name, known)}`, {
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
    hint: 'a proof takes workers down, and keeps them down until it has asked every partition',
  });
}

function progressLine(subset: ProvenSubset, done: number, planned: number): string {
  const words = { pass: 'as predicted', fail: 'NOT as predicted', unknown: 'not judged' }[subset.judgement];
  const took = formatDuration(subset.strikeMs + subset.probeMs + subset.healMs);
  const why = subset.findings[0] === undefined ? '' : `: ${subset.findings[0]}`;
  return `${String(done).padStart(String(planned).length)}/${planned}  ${subset.down.join(' + ')} down: ${words}${why} (${took})`;
}
