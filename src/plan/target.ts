/** Which nodes a fault strikes: named ones as they are, picks from the run's random numbers. Pure. */

import { EnvironmentError, InputError } from '../model/errors.ts';
import { partitionsNamed } from '../model/partition-words.ts';
import type { PickedAtStrike } from '../model/plan.ts';
import { type MovingRole, nodesInRole, type Roles } from '../model/roles.ts';
import type { Amount, FaultStep, PartitionRef, TargetSpec } from '../model/scenario.ts';
import {
  type BesidePurpose,
  dataNodes,
  type NodeName,
  nodeNames,
  nodesThatAre,
  type Partition,
  type PlacementMap,
  type Topology,
} from '../model/topology.ts';
import { type RandomIndex, seededIndex } from './random.ts';

/** The targets of one step, in the order of the cluster. */
export interface ResolvedTarget {
  readonly nodes: readonly NodeName[];
  /** Out of which nodes, in words; absent for named ones. */
  readonly picked?: string;
}

/** One pick may take what a later one needs: then all are drawn again. */
const MAX_ATTEMPTS = 200;

/**
 * The nodes of each step. A pick never takes a node that another step strikes at the same time.
 * @param placement needed where a target speaks of partitions; `needsPlacement` tells.
 * @throws InputError where a target can take only nodes that are struck by another step at that time.
 */
export function resolveTargets(
  steps: readonly FaultStep[],
  topology: Topology,
  randomIndex: RandomIndex,
  placement: PlacementMap | undefined,
): readonly ResolvedTarget[] {
  const order = nodeNames(topology);
  const choices = steps.map(({ target }) => choiceOf(target, topology, placement));
  const turns = [...steps.keys()].sort((a, b) => rankOf(steps[a]) - rankOf(steps[b]) || a - b);
  for (let attempt = 1; ; attempt++) {
    const resolved: (readonly NodeName[] | undefined)[] = steps.map(() => undefined);
    const stuck = turns.find((index) => {
      const step = steps[index] as FaultStep;
      const struck = new Set(
        steps.flatMap((other, i) => (i !== index && overlapping(step, other) ? (resolved[i] ?? []) : [])),
      );
      resolved[index] = draw(choices[index] as Choice, struck, randomIndex);
      return resolved[index] === undefined;
    });
    if (stuck === undefined) {
      return steps.map(({ target }, i) => {
        const nodes = resolved[i] as readonly NodeName[];
        const picked = pickedWords(target, choices[i] as Choice, nodes, topology);
        return { nodes: order.filter((node) => nodes.includes(node)), ...(picked === undefined ? {} : { picked }) };
      });
    }
    if (attempt === MAX_ATTEMPTS) throw cannotPick(steps[stuck] as FaultStep, choices[stuck] as Choice);
  }
}

/** Whether its nodes are known only with the placement of the partitions. */
export function needsPlacement(target: TargetSpec): boolean {
  return 'holdsPartitionOf' in target || 'notHolding' in target || 'fatalPair' in target;
}

/** Whether nobody knows its nodes before the fault strikes: roles move. */
export function isOpenUntilStrike(
  target: TargetSpec,
): target is Extract<TargetSpec, { readonly roleAtStrike: unknown }> {
  return 'roleAtStrike' in target;
}

/**
 * The nodes that an act strikes now, of those that have its role.
 * @param pool those of an earlier strike of the same fault; picked anew where it is left out.
 * @throws EnvironmentError where too few have it.
 */
export function pickAtStrike(
  { role, draw, which, all }: PickedAtStrike,
  roles: Roles,
  pool: readonly NodeName[] = shuffled(nodesInRole(roles, role), draw),
): { readonly targets: readonly NodeName[]; readonly pool: readonly NodeName[] } {
  const targets = all ? pool : which.flatMap((index) => pool[index] ?? []);
  const wanted = all ? 1 : which.length;
  if (targets.length >= wanted) return { targets, pool };
  const seen = Object.entries(roles).map(([name, { role: now }]) => `${name} ${now}`);
  throw new EnvironmentError(`no ${role} to strike: ${seen.join(', ')}`, { code: 'no-target' });
}

function shuffled(nodes: readonly NodeName[], draw: number): readonly NodeName[] {
  const randomIndex = seededIndex(draw);
  const left = [...nodes];
  return nodes.map(() => left.splice(randomIndex(left.length), 1)[0] as NodeName);
}

/** The partition key that it speaks of, if any. */
export function keyOf(target: TargetSpec): number | undefined {
  const ref =
    'holdsPartitionOf' in target ? target.holdsPartitionOf : 'notHolding' in target ? target.notHolding : undefined;
  return ref && 'partitionKey' in ref ? ref.partitionKey : undefined;
}

/** Whether two acts are in effect at one time, also where one begins as the other ends: healing takes a moment. */
export function overlapping(a: StepTimes, b: StepTimes): boolean {
  return a.atMs <= latestEnd(b) && b.atMs <= latestEnd(a);
}

type StepTimes = Pick<FaultStep, 'atMs' | 'forMs' | 'jitterMs'>;

function latestEnd({ atMs, forMs, jitterMs = 0 }: StepTimes): number {
  return atMs + jitterMs + forMs;
}

/** How many nodes qualify; `fatal-pair` is a pair. */
export function candidatesOf(target: TargetSpec, topology: Omit<Topology, 'partitions'>): number {
  const { replication } = topology;
  const workers = dataNodes(topology).length;
  if ('nodes' in target) return target.nodes.length;
  if ('fatalPair' in target) return 2;
  if ('purpose' in target) return nodesThatAre(topology, target.purpose).length;
  if (isOpenUntilStrike(target)) return target.roleAtStrike === 'primary' ? 1 : workers - 1;
  if ('holdsPartitionOf' in target) return replication;
  return 'notHolding' in target ? workers - replication : workers;
}

/** How many nodes a target is. */
export function countOf(target: TargetSpec, topology: Omit<Topology, 'partitions'>): number {
  const candidates = candidatesOf(target, topology);
  if (!('pick' in target) || target.pick === undefined) return candidates;
  if (target.pick !== 'majority') return amountOf(target.pick, candidates);
  return majorityOf('purpose' in target ? candidates : dataNodes(topology).length);
}

function majorityOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1;
}

function amountOf(amount: Amount, of: number): number {
  return typeof amount === 'number' ? amount : Math.min(of, Math.max(1, Math.round(amount.share * of)));
}

/**
 * `1 of the 2 workers that hold partition key 42`; absent for named nodes.
 * @param partition that the target speaks of, where it is known.
 */
export function selectorWords(
  target: TargetSpec,
  topology: Omit<Topology, 'partitions'>,
  partition?: Partition,
): string | undefined {
  if ('nodes' in target) return undefined;
  const word = topology.partitionWord ?? 'partition';
  if ('fatalPair' in target) return `two workers that hold all copies of a ${word}`;
  if (isOpenUntilStrike(target)) return `${roleWords(target, topology)} at that time`;
  const [count, of] = [countOf(target, topology), candidatesOf(target, topology)];
  if ('role' in target) return `${count} of ${of} workers`;
  if ('purpose' in target)
    return count === of
      ? `all of ${PURPOSE_WORDS[target.purpose]}`
      : `${count} of ${of} of ${PURPOSE_WORDS[target.purpose]}`;
  const holding = 'holdsPartitionOf' in target;
  const ref = holding ? target.holdsPartitionOf : target.notHolding;
  const inPartition = partition && 'partitionKey' in ref ? ` (${word} ${partition.name})` : '';
  const chosen = count === of ? `the ${of}` : `${count} of the ${of}`;
  return `${chosen} workers that ${holding ? 'hold' : 'do not hold'} ${ref.written}${inPartition}`;
}

function roleWords(
  target: Extract<TargetSpec, { readonly roleAtStrike: MovingRole }>,
  topology: Omit<Topology, 'partitions'>,
): string {
  const { roleAtStrike: role, pick } = target;
  if (role === 'primary') return 'the primary';
  return pick === undefined ? `all ${ROLE_PLURALS[role]}` : `${countOf(target, topology)} of the ${ROLE_PLURALS[role]}`;
}

const PURPOSE_WORDS: Readonly<Record<BesidePurpose, string>> = {
  dcs: 'the DCS',
  proxy: 'the proxy',
  pooler: 'the pooler',
};

const ROLE_PLURALS: Readonly<Record<MovingRole, string>> = {
  primary: 'primaries',
  standby: 'standbys',
  'sync-standby': 'synchronous standbys',
};

/** What may be taken: so many of these nodes, or one of these sets. */
type Choice =
  | { readonly from: readonly NodeName[]; readonly count: number; readonly partition?: Partition }
  | { readonly sets: readonly (readonly NodeName[])[]; readonly partitions: readonly Partition[] };

function choiceOf(target: TargetSpec, topology: Topology, placement: PlacementMap | undefined): Choice {
  if ('nodes' in target) return { from: target.nodes, count: target.nodes.length };
  const count = countOf(target, topology);
  const workers = dataNodes(topology);
  // Whoever it will be, it is none of those that a pick of this moment may take.
  if (isOpenUntilStrike(target)) return { from: [], count: 0 };
  if ('role' in target) return { from: workers, count };
  if ('purpose' in target) return { from: nodesThatAre(topology, target.purpose), count };
  if (!placement) throw new Error('targets that speak of partitions need the placement');
  if ('fatalPair' in target)
    return { sets: fatalPairs(workers, placement.partitions), partitions: placement.partitions };
  const holding = 'holdsPartitionOf' in target;
  const partition = partitionOf(holding ? target.holdsPartitionOf : target.notHolding, placement);
  return { from: workers.filter((worker) => partition.copies.includes(worker) === holding), count, partition };
}

function partitionOf(ref: PartitionRef, { partitions, partitionOfKey }: PlacementMap): Partition {
  const index = 'partitionKey' in ref ? partitionOfKey[ref.partitionKey] : ref.partition;
  const partition = partitions.find((candidate) => candidate.index === index);
  if (!partition) throw new Error(`the placement does not tell where ${ref.written} is`);
  return partition;
}

/** Pairs without which some partition has no copy left. */
function fatalPairs(workers: readonly NodeName[], partitions: readonly Partition[]): NodeName[][] {
  return workers.flatMap((a, i) =>
    workers.slice(i + 1).flatMap((b) => (lostWith([a, b], partitions).length > 0 ? [[a, b]] : [])),
  );
}

function lostWith(nodes: readonly NodeName[], partitions: readonly Partition[]): Partition[] {
  return partitions.filter(({ copies: placements }) => placements.every((node) => nodes.includes(node)));
}

/** Who has no choice comes first, then who has the least. */
function rankOf(step: FaultStep | undefined): number {
  const target = step?.target;
  if (!target || 'nodes' in target) return 0;
  if ('role' in target || 'purpose' in target || isOpenUntilStrike(target)) return 5;
  if ('fatalPair' in target) return 2;
  if (target.pick === undefined) return 1;
  return 'holdsPartitionOf' in target ? 3 : 4;
}

function draw(
  choice: Choice,
  struck: ReadonlySet<NodeName>,
  randomIndex: RandomIndex,
): readonly NodeName[] | undefined {
  const isFree = (node: NodeName) => !struck.has(node);
  if ('sets' in choice) {
    const free = choice.sets.filter((set) => set.every(isFree));
    return free.length === 0 ? undefined : free[randomIndex(free.length)];
  }
  const left = choice.from.filter(isFree);
  if (choice.count > left.length) return undefined;
  // Without a choice nothing is drawn.
  if (choice.count === choice.from.length) return left;
  return Array.from({ length: choice.count }, () => left.splice(randomIndex(left.length), 1)[0] as NodeName);
}

/** What partitions a fatal pair takes away is known once it is picked. */
function pickedWords(target: TargetSpec, choice: Choice, nodes: readonly NodeName[], topology: Topology) {
  if ('from' in choice) return selectorWords(target, topology, choice.partition);
  const lost = lostWith(nodes, choice.partitions).map(({ name }) => name);
  return `a pair that holds all copies of ${partitionsNamed(topology.partitionWord, lost)}`;
}

function cannotPick({ place, fault }: FaultStep, choice: Choice): InputError {
  const [many, from] =
    'sets' in choice ? ['a pair', choice.sets.map((set) => set.join(' + '))] : [choice.count, choice.from];
  const why = from.length === 0 ? 'there is none' : `of ${from.join(', ')}: others strike there at that time`;
  return new InputError(`${place.file}:${place.line}:${place.column} ${fault}: cannot pick ${many}; ${why}`, {
    code: 'no-target',
    hint: 'strike fewer nodes at once, or one after the other',
  });
}
