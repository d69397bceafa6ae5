/**
 * What an engine needs to serve a partition: the one rule behind plans, the check `prediction`, and the map and proof
 * of tolerance. Pure.
 */

import { partitionWordOf } from './partition-words.ts';
import type { Access, NodeName, Partition, PartitionPrediction } from './topology.ts';

/** Which workers hold which partitions; `workers` includes those that hold none. */
export interface Placement {
  readonly workers: readonly NodeName[];
  readonly partitions: readonly Pick<Partition, 'name' | 'copies'>[];
  /** As in `PlacementMap`. */
  readonly entry?: NodeName;
  readonly writesAlsoNeed?: NodeName;
}

/** When a partition is served. A read needs one holder, and asks the first that is not down. */
export interface ServiceRule {
  /** The engine's name, and its word for a partition. */
  readonly name: string;
  readonly partitionWord?: string;
  /** The holders that a write needs. */
  readonly writeNeeds: 'one-holder' | 'all-holders';
  /** The node that every write needs besides the holders. None by default. */
  writesAlsoNeed?(placement: Placement): NodeName | undefined;
  /** The order in which a read asks the holders. As given by default. */
  readingOrder?(holders: readonly NodeName[]): readonly NodeName[];
}

/** The placement with this engine's reading order, and with the node that every write needs. */
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

/** For each partition, every node that a write needs if it needs all holders; each node once. */
export function writeSets({ workers, partitions, writesAlsoNeed: also }: Placement): Placement {
  if (also === undefined) return { workers, partitions };
  const needed = (holders: readonly NodeName[]) => (holders.includes(also) ? holders : [...holders, also]);
  return { workers, partitions: partitions.map(({ name, copies }) => ({ name, copies: needed(copies) })) };
}

/** The rule's prediction for every partition while these nodes are down or frozen. */
export function predictBy(
  rule: ServiceRule,
  { partitions, entry, writesAlsoNeed }: Pick<Placement, 'partitions' | 'entry' | 'writesAlsoNeed'>,
  down: ReadonlySet<NodeName>,
  frozen: ReadonlySet<NodeName> = new Set(),
): PartitionPrediction[] {
  const also = writesAlsoNeed === undefined ? [] : [writesAlsoNeed];
  const servedBy = (needs: readonly (NodeName | undefined)[]): 'yes' | 'no' | 'stalls' => {
    if (entry !== undefined && down.has(entry)) return 'no';
    // Behind a frozen entry no node can refuse.
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

/** The rule in words. */
export function describeRule(
  { writeNeeds, partitionWord }: ServiceRule,
  { writesAlsoNeed }: Pick<Placement, 'writesAlsoNeed'>,
): string {
  const word = partitionWordOf(partitionWord);
  if (writeNeeds === 'one-holder') return `a ${word} can be read and written while one of its placements is up`;
  const also = writesAlsoNeed === undefined ? '' : `, and ${writesAlsoNeed} for every ${word}`;
  return `a ${word} can be read while one of its placements is up; a write needs all of them${also}`;
}
