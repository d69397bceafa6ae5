/** A plan in words, for `pgquake plan`. Pure. */

import type { ProbeKind } from '../model/history.ts';
import { describeLost as describeLostThing, type Lost } from '../model/loss.ts';
import { partitionNamed, partitionsNamed, partitionsWordOf, partitionWordOf } from '../model/partition-words.ts';
import type { Plan, PlannedAct } from '../model/plan.ts';
import { describePromised, type Promised } from '../model/promise.ts';
import { type Placement, placedBy, predictBy, type ServiceRule } from '../model/service-rule.ts';
import {
  dataNodes,
  entryNode,
  holderWord,
  type LostNodes,
  type NodeName,
  type Partition,
  type PartitionPrediction,
  type Topology,
} from '../model/topology.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { asFormed, type EffectOf, isOpen, lostTogether, thingsTogether } from './schedule.ts';

export interface DescribeOptions {
  /** The kinds of probe in the run; none by default. */
  readonly probes?: readonly ProbeKind[];
  readonly effectOf: EffectOf;
  readonly rule?: ServiceRule | undefined;
  /** What the engine promises while some nodes are lost; by default derived from the rule. */
  readonly expect?: (lost: LostNodes) => readonly PartitionPrediction[];
  /** What an act takes away from its targets, and what the cluster's settings promise for that; none by default. */
  readonly promises?: {
    lostBy(act: PlannedAct): readonly Lost[];
    promise(lost: readonly Lost[]): Promised | undefined;
  };
}

/** If there are more partitions, the text gives their number instead of their names. */
const MAX_PARTITIONS_NAMED = 32;
const MAX_STRIKES_NAMED = 32;

/** What a run of this plan would do, and what should survive, line by line. */
export function describePlan(plan: Plan, { effectOf, rule, expect, promises, probes = [] }: DescribeOptions): string[] {
  const { scenario, placement, seed } = plan;
  const { partitionWord } = scenario.cluster;
  const entry = entryNode(scenario.cluster);
  const unordered: Placement = {
    workers: dataNodes(scenario.cluster),
    partitions: placement,
    ...(entry === undefined ? {} : { entry }),
  };
  const map = rule ? placedBy(rule, unordered) : unordered;
  const promised = ({ down, frozen }: LostNodes) =>
    expect?.({ down, frozen }) ?? (rule ? predictBy(rule, map, new Set(down), new Set(frozen)) : []);
  const acts = asFormed(plan);
  return [
    `${scenario.name}: ${scenario.summary}`,
    ...(scenario.claim === undefined ? [] : [`claim: "${scenario.claim}"`]),
    `seed ${seed}; ${describeCluster(scenario.cluster)}; workload ${scenario.workload.use}`,
    '',
    ...(partitionWord === undefined
      ? []
      : [
          `placement: each ${partitionWord} on its ${holderWord(scenario.cluster)}s, in a ring`,
          ...describePlacement(map.partitions),
          '',
        ]),
    `schedule, after ${formatDuration(scenario.steadyStateMs)} of steady state; healing times are the earliest possible`,
    ...describeSchedule(plan),
    ...describeProbes(probes, scenario.cluster),
    ...describeBlastRadius(plan, map.writesAlsoNeed),
    ...lostTogether(acts, effectOf).flatMap((lost) => [
      '',
      `prediction while ${describeLost(lost)}${acts === plan.acts ? '' : ', assuming the initial roles'}`,
      ...describePredictions(promised(lost), partitionWord),
    ]),
    ...describePromises(acts, promises),
    '',
    'hypothesis',
    ...scenario.hypothesis.map((item) => `  ${describeItem(item)}`),
  ];
}

/** `4 workers, 4 partitions in 2 copies`; `3 members: pg1 primary, pg2 and pg3 standbys, synchronous off, manager by-hand`. */
function describeCluster(cluster: Plan['scenario']['cluster']): string {
  const { replication, partitions, partitionWord, own } = cluster;
  if (own) return own.inWords;
  const holding = formatCount(dataNodes(cluster).length, holderWord(cluster));
  return `${holding}, ${formatCount(partitions, partitionWordOf(partitionWord))} in ${formatCount(replication, 'copy', 'copies')}`;
}

/** The rates depend on the number of partitions, because all partitions share one budget. */
function describeProbes(
  probes: readonly ProbeKind[],
  { partitions, partitionWord }: Pick<Topology, 'partitions' | 'partitionWord'>,
): string[] {
  if (probes.length === 0) return [];
  const rates = probes.map(({ name, ratePerSecond }) => `${name} ${rounded(ratePerSecond)}/s`).join(', ');
  const all = probes.reduce((sum, { ratePerSecond }) => sum + ratePerSecond * partitions, 0);
  if (partitionWord === undefined) return ['', `probes: ${rates}; ${rounded(all)}/s in all`];
  return ['', `probes of each ${partitionWord}: ${rates}; ${rounded(all)}/s over all ${partitionWord}s`];
}

function rounded(rate: number): number {
  return Number(rate.toPrecision(3));
}

function describePlacement(placement: readonly Pick<Partition, 'name' | 'copies'>[]): string[] {
  const named = placement.slice(0, MAX_PARTITIONS_NAMED);
  const width = Math.max(...named.map(({ name }) => name.length));
  const lines = named.map(({ name, copies }) => `  ${name.padEnd(width)}  ${copies.join(', ')}`);
  if (placement.length > named.length) lines.push(`  and ${placement.length - named.length} more, onward in the ring`);
  return lines;
}

function describeSchedule({ acts, scenario }: Plan): string[] {
  if (acts.length === 0) return ['  no faults'];
  const moments = acts.flatMap(({ index, fault, targets, picked, atStrike, atMs, forMs }) => {
    const struck = targets.length > 0 ? targets.join(', ') : `fault ${index + 1}'s targets`;
    const why = picked === undefined ? '' : ` (${picked})`;
    const later = atStrike
      ? picked
      : `${picked}: picked once ${partitionsWordOf(scenario.cluster.partitionWord)} are placed`;
    const begins = targets.length > 0 ? `${struck}${why}` : later;
    return [
      { atMs, index, begins: true, text: `${fault} ${begins}` },
      { atMs: atMs + forMs, index, begins: false, text: `heal ${struck}` },
    ];
  });
  // At the same moment, an end comes before a beginning.
  moments.sort((a, b) => a.atMs - b.atMs || Number(a.begins) - Number(b.begins) || a.index - b.index);
  const times = moments.map(({ atMs }) => (atMs === 0 ? '0 s' : formatDuration(atMs)));
  const width = Math.max(...times.map((time) => time.length));
  return [
    ...moments.map(({ text }, i) => `  ${(times[i] as string).padStart(width)}  ${text}`),
    `  ${'then'.padStart(width)}  settle within ${formatDuration(scenario.settleWithinMs)}`,
  ];
}

/**
 * What the faults may touch, whether or not they take nodes down.
 * @param also the node that every write needs.
 */
function describeBlastRadius(
  { acts, blastRadius: { nodes, partitions, ofActs }, placement, scenario }: Plan,
  also: NodeName | undefined,
): string[] {
  if (acts.length === 0) return [];
  const entry = entryNode(scenario.cluster);
  const word = scenario.cluster.partitionWord;
  const touched = (struck: readonly NodeName[], names: readonly string[]) => {
    if (entry !== undefined && struck.includes(entry)) return `${every(word)}: all statements pass the ${entry}`;
    if (also !== undefined && struck.includes(also)) return `${every(word)}: every write needs ${also}`;
    return describeTouched(names, placement.length, word);
  };
  const known = acts.filter(({ targets }) => targets.length > 0);
  const strikes = new Map(
    known.map(({ index, fault, targets }) => [
      `${fault} ${targets.join(', ')}`,
      touched(targets, ofActs[index] as readonly string[]),
    ]),
  );
  const named = [...strikes].slice(0, MAX_STRIKES_NAMED);
  const width = Math.max(0, ...named.map(([strike]) => strike.length));
  const more = strikes.size - named.length;
  const open = [
    ...(isOpen({ acts }) ? [`what is picked once ${partitionsWordOf(word)} are placed`] : []),
    ...(acts.some(({ atStrike }) => atStrike) ? ['any node that then holds the targeted role'] : []),
  ];
  return [
    '',
    'blast radius: what the faults may touch',
    ...named.map(([strike, what]) => `  ${strike.padEnd(width)}  ${what}`),
    ...(more > 0 ? [`  and ${formatCount(more, 'more strike')}`] : []),
    ...(strikes.size > 1 ? [`  all together: ${nodes.join(', ')}; ${touched(nodes, partitions)}`] : []),
    ...open.map((what, i) => `  ${named.length + i > 0 ? 'and ' : ''}${what}`),
  ];
}

function every(word: string | undefined): string {
  return word === undefined ? 'everything' : `every ${word}`;
}

function describeTouched(names: readonly string[], partitions: number, word: string | undefined): string {
  if (names.length === partitions) return every(word);
  if (names.length === 0) return word === undefined ? 'nothing' : `no ${word}`;
  if (names.length > MAX_PARTITIONS_NAMED) return formatCount(names.length, partitionWordOf(word));
  return partitionsNamed(word, names);
}

/** `worker1, worker2 are down`, `worker1 is down, worker2 is frozen`. */
function describeLost({ down, frozen }: LostNodes): string {
  const part = (nodes: readonly NodeName[], word: string) =>
    nodes.length === 0 ? [] : [`${nodes.join(', ')} ${nodes.length === 1 ? 'is' : 'are'} ${word}`];
  return [...part(down, 'down'), ...part(frozen, 'frozen')].join(', ');
}

/** What the cluster's own settings promise, assuming the initial roles. */
function describePromises(acts: readonly PlannedAct[], promises: DescribeOptions['promises']): string[] {
  if (!promises) return [];
  return thingsTogether(acts, promises.lostBy).flatMap((lost) => {
    const promise = promises.promise(lost);
    if (!promise) return [];
    const { primary } = promise;
    const roles = primary === undefined ? 'without a primary' : `with ${primary} as primary`;
    return [
      '',
      `promised for ${lost.map(describeLostThing).join(', ')}, ${roles}`,
      ...describePromised(promise).map((line) => `  ${line}`),
    ];
  });
}

const SERVICE = [
  { readable: true, writable: true, words: 'readable and writable' },
  { readable: true, writable: false, words: 'readable only' },
  { readable: false, writable: true, words: 'writable only' },
  { readable: false, writable: false, words: 'neither readable nor writable' },
] as const;

function describePredictions(predictions: readonly PartitionPrediction[], word: string | undefined): string[] {
  return SERVICE.flatMap(({ readable, writable, words }) => {
    const alike = predictions.filter((partition) => partition.readable === readable && partition.writable === writable);
    return [...Map.groupBy(alike, stallWords)].map(([stalls, partitions]) => {
      const many = partitions.length > MAX_PARTITIONS_NAMED;
      const names = many
        ? formatCount(partitions.length, partitionWordOf(word))
        : partitions.map(({ partition }) => partition).join(', ');
      return `  ${words}${stalls}: ${word === undefined ? partitionNamed(word, names) : names}`;
    });
  });
}

function stallWords({ stalled = [], outMs }: PartitionPrediction): string {
  const within = outMs === undefined ? '' : ` again within ${formatDuration(outMs)}`;
  return stalled.length === 0 ? within : `${within}, ${stalled.map((access) => `${access}s`).join(' and ')} stall`;
}

function describeItem({ check, written }: Plan['scenario']['hypothesis'][number]): string {
  const params = Object.entries(written).map(([key, value]) => `${key}: ${plain(value)}`);
  return [check, ...params].join('  ');
}

/** As in YAML, on one line. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${plain(inner)}`);
  return `{ ${entries.join(', ')} }`;
}
