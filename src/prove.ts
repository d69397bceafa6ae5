/** A proof of tolerance from the first server to its files: chooses where, runs it, keeps what was found. */

import { availableParallelism } from 'node:os';
import type { Catalog } from './catalog.ts';
import { choose } from './choose.ts';
import type { Engine } from './cluster/engine.ts';
import { InputError } from './model/errors.ts';
import { suggestion } from './model/nearest.ts';
import { placedBy, predictBy, type ServiceRule } from './model/service-rule.ts';
import { dataNodes, type Topology } from './model/topology.ts';
import { formatDuration } from './model/units.ts';
import type { Proof, ProvenSubset } from './plan/proof.ts';
import type { Shape } from './plan/tolerance/layouts.ts';
import { prove } from './run/prover.ts';
import { createRunFolder, DEFAULT_REPORTS_FOLDER, writeFiles } from './store.ts';

/** A cluster keeps about so many cores busy while it restarts. */
const CORES_PER_CLUSTER = 4;
const MAX_CLUSTERS = 4;
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
  /** Where the proof's folder goes; `reports` by default. */
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

/** Faults that a proof can be made with. A frozen node neither answers nor refuses, and no rule here speaks of it. */
export function downFaults({ faults }: Pick<Catalog, 'faults'>): string[] {
  return faults.filter(({ effect, strikes }) => effect === 'down' && !strikes).map(({ name }) => name);
}

/**
 * Runs a proof and keeps it in a folder of its own.
 * @param render the files of a proof, by name.
 * @throws InputError where the fault cannot be used for it; EnvironmentError, or the signal's reason; nothing runs on
 * in any case.
 */
export async function proveTolerance(
  catalog: Catalog,
  render: (proof: Proof) => Readonly<Record<string, string>>,
  options: ProveOptions,
): Promise<KeptProof> {
  const { topology: shape = DEFAULT_SHAPE, symmetric = false, onProgress = () => undefined } = options;
  const fault = downFault(catalog, options.fault ?? 'node-kill');
  const rule = options.rule === undefined ? undefined : ruleOf(catalog.engines, options.rule);
  const cluster = { platform: options.platform ?? 'auto', engine: options.engine ?? 'auto' } as const;
  const { platform, engine, reason } = await choose(catalog, { scenario: { cluster }, acts: [{ fault: fault.name }] });
  onProgress(`platform ${platform.name}, engine ${engine.name}: ${reason}`);
  const { workers, ...copies } = shape;
  const topology: Topology = { nodes: engine.nodes(workers), ...copies };
  const folder = await createRunFolder(options.reports ?? DEFAULT_REPORTS_FOLDER, 'tolerance', new Date());
  const proof = await prove({
    topology,
    platform,
    engine,
    fault,
    maxDown: options.maxDown ?? workers,
    ...(rule === undefined
      ? {}
      : {
          predict: (placement, down) =>
            predictBy(rule, placedBy(rule, { workers: dataNodes(topology), ...placement }), down),
          predictedBy: `rule ${options.rule}`,
        }),
    symmetric,
    clusters:
      options.clusters ?? Math.max(1, Math.min(MAX_CLUSTERS, Math.floor(availableParallelism() / CORES_PER_CLUSTER))),
    folder,
    signal: options.signal ?? new AbortController().signal,
    onSubset: (subset, done, planned) => onProgress(progressLine(subset, done, planned)),
  });
  await writeFiles(folder, render(proof));
  return { proof, folder };
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
