/** Resolves targets to nodes, with picks by the run's random numbers. Pure. */

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
  /** What they were picked from, in words; absent for named nodes. */
  readonly picked?: string;
}

/** A pick may take a node that a later one needs; then all are drawn again. */
const MAX_ATTEMPTS = 200;

/**
 * Picks the nodes of each step. A pick never takes a node that another step strikes at the same time.
 * @param placement required where `needsPlacement` of a target is true.
 * @throws InputError where other steps strike all nodes that a target could take at that time.
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

/** Whether its nodes depend on the placement of the partitions. */
export function needsPlacement(target: TargetSpec): boolean {
  return 'holdsPartitionOf' in target || 'notHolding' in target || 'fatalPair' in target;
}

/** Whether its nodes are known only when the fault strikes, because roles move. */
export function isOpenUntilStrike(
  target: TargetSpec,
): target is Extract<TargetSpec, { readonly roleAtStrike: unknown }> {
  return 'roleAtStrike' in target;
}

/**
 * Picks the nodes that an act strikes now, among those that have its role.
 * @param pool the nodes of an earlier strike of the same fault; by default shuffled anew.
 * @throws EnvironmentError where too few nodes have the role.
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

/** The partition key that a target names, if any. */
export function keyOf(target: TargetSpec): number | undefined {
  const ref =
    'holdsPartitionOf' in target ? target.holdsPartitionOf : 'notHolding' in target ? target.notHolding : undefined;
  return ref && 'partitionKey' in ref ? ref.partitionKey : undefined;
}

/** Whether two acts overlap. One that begins as another ends does, because healing takes a moment. */
export function overlapping(a: StepTimes, b: StepTimes): boolean {
  return a.atMs <= latestEnd(b) && b.atMs <= latestEnd(a);
}

type StepTimes = Pick<FaultStep, 'atMs' | 'forMs' | 'jitterMs'>;

function latestEnd({ atMs, forMs, jitterMs = 0 }: StepTimes): number {
  return atMs + jitterMs + forMs;
}

/** How many nodes qualify; 2 for `fatal-pair`. */
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
 * @param partition that the target names, if known.
 */
export function selectorWords(
  target: TargetSpec,
  topology: Omit<Topology, 'partitions'>,
  partition?: Partition,
): string | undefined {
  if ('nodes' in target) return undefined;
  const word = topology.partitionWord ?? 'partition';
  if ('fatalPair' in target) return `two workers that hold all copies of a ${word}`;
  if (isOpenUntilStrike(target)) return `${roleWords(target, topology)}, picked then`;
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

/** What a pick may take: `count` of these nodes, or one of these sets. */
type Choice =
  | { readonly from: readonly NodeName[]; readonly count: number; readonly partition?: Partition }
  | { readonly sets: readonly (readonly NodeName[])[]; readonly partitions: readonly Partition[] };

function choiceOf(target: TargetSpec, topology: Topology, placement: PlacementMap | undefined): Choice {
  if ('nodes' in target) return { from: target.nodes, count: target.nodes.length };
  const count = countOf(target, topology);
  const workers = dataNodes(topology);
  // The role's holder is unknown now, so the step takes no nodes from other picks.
  if (isOpenUntilStrike(target)) return { from: [], count: 0 };
  if ('role' in target) return { from: workers, count };
  if ('purpose' in target) return { from: nodesThatAre(topology, target.purpose), count };
  if (!placement) throw new Error('targets that name partitions need the placement');
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
  return partitions.filter(({ copies }) => copies.every((node) => nodes.includes(node)));
}

/** Steps without a choice come first, then those with the least choice. */
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
  // Draws no random number where there is no choice.
  if (choice.count === choice.from.length) return left;
  return Array.from({ length: choice.count }, () => left.splice(randomIndex(left.length), 1)[0] as NodeName);
}

/** The target in words. For a fatal pair, with the partitions that the picked pair takes away. */
function pickedWords(target: TargetSpec, choice: Choice, nodes: readonly NodeName[], topology: Topology) {
  if ('from' in choice) return selectorWords(target, topology, choice.partition);
  const lost = lostWith(nodes, choice.partitions).map(({ name }) => name);
  return `a pair that holds all copies of ${partitionsNamed(topology.partitionWord, lost)}`;
}

function cannotPick({ place, fault }: FaultStep, choice: Choice): InputError {
  const [many, from] =
    'sets' in choice ? ['a pair', choice.sets.map((set) => set.join(' + '))] : [choice.count, choice.from];
  const why = from.length === 0 ? 'there is none' : `of ${from.join(', ')}: other faults strike there at that time`;
  return new InputError(`${place.file}:${place.line}:${place.column} ${fault}: cannot pick ${many}; ${why}`, {
    code: 'no-target',
    hint: 'strike fewer nodes at once, or one after the other',
  });
}
