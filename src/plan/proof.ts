/**
 * The proof of a prediction: chooses the sets of workers to take down, and compares which partitions were readable and
 * writable with the prediction. Pure; `prove.ts` runs the sets.
 */

import { InputError } from '../model/errors.ts';
import type { Report } from '../model/report.ts';
import type { NodeName, Partition, PartitionPrediction } from '../model/topology.ts';
import { type Judgement, worst } from '../model/verdict.ts';
import type { Shape } from './tolerance/layouts.ts';

/** Breaking changes raise it. */
export const PROOF_VERSION = 2;

/** Each takes a second or more, so a larger number is surely a mistake. */
export const MAX_SUBSETS = 2_000;
/** Up to this many workers, all permutations are tried for symmetry; with more, only rotations. */
const MAX_PERMUTED_WORKERS = 6;

export interface SubsetToProve {
  readonly down: readonly NodeName[];
  /** Sets that the placement's symmetry maps to this one, itself included; 1 where nothing was pruned. */
  readonly standsFor: number;
}

/** What one partition did while some workers were down. */
export interface ObservedPartition {
  readonly partition: string;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly readError?: string;
  readonly writeError?: string;
}

export interface ProvenPartition extends ObservedPartition {
  readonly predicted: { readonly readable: boolean; readonly writable: boolean };
}

export interface ProvenSubset extends SubsetToProve {
  /** `fail`: something differs from the prediction. `unknown`: it could not be tried. */
  readonly judgement: Judgement;
  /** What differs, or why it could not be tried. */
  readonly findings: readonly string[];
  readonly partitions: readonly ProvenPartition[];
  /** The name of its run's folder, which is beside the proof's folder. */
  readonly run: string;
  /** From asking for the fault to its effect, to asking for its undo, to its end. 0 if the run did not get there. */
  readonly strikeMs: number;
  readonly probeMs: number;
  readonly healMs: number;
}

export interface Proof {
  readonly version: typeof PROOF_VERSION;
  readonly judgement: Judgement;
  /** One sentence: what was found. */
  readonly finding: string;
  /** Wall clock, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly platform: string;
  readonly engine: string;
  /** The source of the prediction: the engine itself, or a rule by name. */
  readonly predictedBy: string;
  readonly fault: string;
  readonly topology: Shape;
  /** What the engine calls a partition. */
  readonly partitionWord: string;
  readonly placement: readonly Partition[];
  /** The cluster that the proof attached to; absent where pgquake created clusters. */
  readonly attached?: string;
  /** The number of clusters that ran side by side. */
  readonly clusters: number;
  /** Whether sets were left out by symmetry. */
  readonly pruned: boolean;
  readonly subsets: readonly ProvenSubset[];
}

export interface ProofRuns {
  readonly reports: readonly Report[];
  /** The number of sets to prove. */
  readonly planned: number;
  readonly pgquakeVersion: string;
  /** The command line that repeats the proof. */
  readonly again: string;
}

/**
 * All sets of 1 to `maxDown` workers, small ones first.
 * @param symmetric whether one set may stand for all sets that are equal by the placement's symmetry.
 * @param writesAlsoNeed a worker that every write needs; none by default.
 * @throws InputError when there are more than `MAX_SUBSETS`.
 */
export function subsetsToProve(
  workers: readonly NodeName[],
  placement: readonly Pick<Partition, 'copies'>[],
  maxDown: number,
  symmetric: boolean,
  writesAlsoNeed?: NodeName,
): SubsetToProve[] {
  const all = subsetsUpTo(workers.length, maxDown);
  const orbits = new Map<string, { readonly down: readonly number[]; standsFor: number }>();
  const symmetries = symmetric ? symmetriesOf(workers, placement, writesAlsoNeed) : [];
  for (const down of all) {
    // The first set among its images stands for all of them.
    const images = [down, ...symmetries.map((map) => down.map((w) => map[w] as number).sort((a, b) => a - b))];
    const key = images.map((image) => image.map((w) => String(w).padStart(5)).join()).sort()[0] as string;
    const orbit = orbits.get(key);
    if (orbit) orbit.standsFor++;
    else orbits.set(key, { down, standsFor: 1 });
  }
  return [...orbits.values()].map(({ down, standsFor }) => ({
    down: down.map((w) => workers[w] as NodeName),
    standsFor,
  }));
}

function subsetsUpTo(n: number, maxDown: number): number[][] {
  const all: number[][] = [];
  let level: number[][] = [[]];
  for (let k = 1; k <= maxDown; k++) {
    level = level.flatMap((subset) =>
      Array.from({ length: n - 1 - (subset.at(-1) ?? -1) }, (_, i) => [...subset, (subset.at(-1) ?? -1) + 1 + i]),
    );
    all.push(...level);
    if (all.length > MAX_SUBSETS) {
      throw new InputError(`--max-down: ${k} of ${n} workers down makes more than ${MAX_SUBSETS} sets to prove`, {
        code: 'usage',
        hint: 'prove fewer workers down at once, or a smaller cluster',
      });
    }
  }
  return all;
}

/** Renumberings of the workers that keep the placements, the order of copies, and the worker that every write needs. */
function symmetriesOf(
  workers: readonly NodeName[],
  partitions: readonly Pick<Partition, 'copies'>[],
  writesAlsoNeed: NodeName | undefined,
): number[][] {
  const indexOf = new Map(workers.map((worker, i) => [worker, i]));
  const held = partitions.map(({ copies }) => copies.map((worker) => indexOf.get(worker) as number));
  const described = (map: readonly number[]) =>
    held
      .map((placements) => placements.map((w) => map[w]).join())
      .sort()
      .join(';');
  const identity = workers.map((_, i) => i);
  const same = described(identity);
  const alone = indexOf.get(writesAlsoNeed ?? '');
  return candidates(identity).filter((map) => described(map) === same && (alone === undefined || map[alone] === alone));
}

function candidates(identity: readonly number[]): number[][] {
  if (identity.length > MAX_PERMUTED_WORKERS) {
    return identity.map((shift) => identity.map((w) => (w + shift) % identity.length));
  }
  let permutations: number[][] = [[]];
  for (const w of identity) {
    permutations = permutations.flatMap((shorter) =>
      Array.from({ length: shorter.length + 1 }, (_, at) => shorter.toSpliced(at, 0, w)),
    );
  }
  return permutations;
}

/** Compares what was observed with what was predicted. @param word for a partition. */
export function comparePartitions(
  predicted: readonly PartitionPrediction[],
  observed: readonly ObservedPartition[],
  word: string,
): { readonly partitions: ProvenPartition[]; readonly findings: string[] } {
  const findings: string[] = [];
  const partitions = observed.map((seen): ProvenPartition => {
    const promise = predicted.find(({ partition }) => partition === seen.partition);
    if (!promise) throw new Error(`nothing was predicted for ${word} ${seen.partition}`);
    const { readable, writable } = promise;
    if (readable !== seen.readable)
      findings.push(difference(`${word} ${seen.partition}`, 'readable', readable, seen.readError));
    if (writable !== seen.writable)
      findings.push(difference(`${word} ${seen.partition}`, 'writable', writable, seen.writeError));
    return { ...seen, predicted: { readable, writable } };
  });
  return { partitions, findings };
}

function difference(partition: string, what: string, predicted: boolean, error: string | undefined): string {
  if (!predicted) return `${partition} is ${what}, but was predicted not to be`;
  return `${partition} is not ${what}, but was predicted to be${error === undefined ? '' : ` (${error})`}`;
}

/**
 * The verdict over all sets: `fail` if one differs, else `unknown` if one could not be judged.
 * @param word for a partition.
 */
export function judgeProof(
  subsets: readonly ProvenSubset[],
  planned: number,
  word: string,
): Pick<Proof, 'judgement' | 'finding'> {
  const judged = subsets.map(({ judgement }) => judgement);
  const judgement = worst(subsets.length < planned ? [...judged, 'unknown'] : judged);
  const differing = subsets.filter((subset) => subset.judgement === 'fail');
  const tried = judged.filter((each) => each !== 'unknown').length;
  const [first] = differing;
  if (first) {
    return {
      judgement,
      finding: `${differing.length} of ${planned} sets of workers behave differently than predicted; the first: ${first.down.join(' + ')} down, ${first.findings[0]}.`,
    };
  }
  if (tried < planned)
    return { judgement, finding: `${planned - tried} of ${planned} sets of workers could not be judged.` };
  return { judgement, finding: `All ${planned} sets of workers behave as predicted, ${word} by ${word}.` };
}
