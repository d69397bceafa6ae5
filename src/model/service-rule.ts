/**
 * What an engine needs of its nodes to serve a partition: the one rule behind plans, the check `prediction`, the map of
 * tolerance and its proof. Pure.
 */

import { partitionWordOf } from './partition-words.ts';
import type { Access, NodeName, Partition, PartitionPrediction } from './topology.ts';

/** Which worker holds what; every worker counts, also one that holds nothing. */
export interface Placement {
  readonly workers: readonly NodeName[];
  readonly partitions: readonly Pick<Partition, 'name' | 'copies'>[];
  /** Both as in `PlacementMap`. */
  readonly entry?: NodeName;
  readonly writesAlsoNeed?: NodeName;
}

/** A read needs one holder of its partition, and asks the first that is not down. */
export interface ServiceRule {
  /** The engine whose rule it is, and what it calls a partition. */
  readonly name: string;
  readonly partitionWord?: string;
  /** The holders of its partition that a write needs. */
  readonly writeNeeds: 'one-holder' | 'all-holders';
  /** A node that every write needs beside the holders of its partition, where partitions are placed so. None by default. */
  writesAlsoNeed?(placement: Placement): NodeName | undefined;
  /** Holders in the order in which a read asks them. By default as they are given. */
  readingOrder?(holders: readonly NodeName[]): readonly NodeName[];
}

/** A placement as a cluster of this engine will have it: with its reading order, and what writes need besides. */
export function placedBy(rule: ServiceRule, placement: Placement): Placement {
  const { workers, partitions, entry } = placement;
  const also = placement.writesAlsoNeed ?? rule.writesAlsoNeed?.(placement);
  const order = rule.readingOrder;
  return {
    workers,
    partitions: order ? partitions.map((partition) => ({ ...partition, copies: order(partition.copies) })) : partitions,
    ...(entry === undefined ? {} : { entry }),
    ...(also === undefined ? {} : { writesAlsoNeed: also }),
  };
}

/** Every node that a write to each partition needs, where it needs all holders; each node once. */
export function writeSets({ workers, partitions, writesAlsoNeed: also }: Placement): Placement {
  if (also === undefined) return { workers, partitions };
  const needed = (holders: readonly NodeName[]) => (holders.includes(also) ? holders : [...holders, also]);
  return { workers, partitions: partitions.map(({ name, copies }) => ({ name, copies: needed(copies) })) };
}

/** What the rule expects of every partition while these nodes are down, or frozen. */
export function predictBy(
  rule: ServiceRule,
  { partitions, entry, writesAlsoNeed }: Pick<Placement, 'partitions' | 'entry' | 'writesAlsoNeed'>,
  down: ReadonlySet<NodeName>,
  frozen: ReadonlySet<NodeName> = new Set(),
): PartitionPrediction[] {
  const also = writesAlsoNeed === undefined ? [] : [writesAlsoNeed];
  const servedBy = (needs: readonly (NodeName | undefined)[]): 'yes' | 'no' | 'stalls' => {
    if (entry !== undefined && down.has(entry)) return 'no';
    // Nothing behind a frozen entry can refuse.
    if (entry !== undefined && frozen.has(entry)) return 'stalls';
    if (needs.some((node) => node === undefined || down.has(node))) return 'no';
    return needs.some((node) => frozen.has(node as NodeName)) ? 'stalls' : 'yes';
  };
  return partitions.map(({ name, copies }) => {
    const asked = copies.find((node) => !down.has(node));
    const served = {
      read: servedBy([asked]),
      write: servedBy(rule.writeNeeds === 'one-holder' ? [asked, ...also] : [...copies, ...also]),
    };
    const stalled = (['read', 'write'] as const).filter((access: Access) => served[access] === 'stalls');
    return {
      partition: name,
      readable: served.read === 'yes',
      writable: served.write === 'yes',
      ...(stalled.length === 0 ? {} : { stalled }),
    };
  });
}

/** The rule in words. @param placement names the node that every write needs, where there is one. */
export function describeRule(
  { writeNeeds, partitionWord }: ServiceRule,
  { writesAlsoNeed }: Pick<Placement, 'writesAlsoNeed'>,
): string {
  const word = partitionWordOf(partitionWord);
  if (writeNeeds === 'one-holder') return `a ${word} can be read and written while one of its placements lives`;
  const also = writesAlsoNeed === undefined ? '' : `, and ${writesAlsoNeed} for every ${word}`;
  return `a ${word} can be read while one of its placements lives; a write needs all of them${also}`;
}
