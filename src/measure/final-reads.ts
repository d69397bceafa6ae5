/** The complete reads after healing, combined: which rows exist, and where placements differ. */

import type { EventOf } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import { partitionNamed } from '../model/partition-words.ts';
import { type StillPrepared, stillPrepared } from './late-writes.ts';
import { placementOf, wordOf } from './partitions.ts';
import { MAX_WITNESSES, type Place, Witnesses } from './witnesses.ts';

export interface FinalReads {
  /** The keys that clients see. */
  readonly byClients: KeySet | undefined;
  /** The keys in any final read, by clients or of a placement. */
  readonly anywhere: KeySet;
  /** Whether any final read was made. */
  readonly made: boolean;
  /** Reads that failed: `BY_CLIENTS`, or a placement such as `worker1/A`. */
  readonly missing: readonly string[];
}

/** The name of the read by clients in `missing`. */
export const BY_CLIENTS = 'all rows as clients read them';

export function finalReadsOf(history: History): FinalReads {
  const clientsRead = eventsOf(history, 'final-read')[0]?.read;
  const placementReads = eventsOf(history, 'placement-read');
  const read = new Set(placementReads.map(({ node, partition }) => `${node}/${partition}`));
  const placed = history.run.lacks?.includes('copies') ? [] : (placementOf(history)?.partitions ?? []);
  const expected = placed.flatMap(({ name, copies: placements }) => placements.map((node) => `${node}/${name}`));
  const anywhere = new KeySet();
  if (clientsRead) anywhere.addRanges(clientsRead.present);
  for (const event of placementReads) anywhere.addRanges(event.read.present);
  return {
    byClients: clientsRead && KeySet.fromRanges(clientsRead.present),
    anywhere,
    made: clientsRead !== undefined || placementReads.length > 0,
    missing: [...(clientsRead ? [] : [BY_CLIENTS]), ...expected.filter((source) => !read.has(source))],
  };
}

/** A line of evidence, `not read: worker1/A`; none if everything was read. */
export function notRead(missing: readonly string[]): string[] {
  return missing.length === 0 ? [] : [`not read: ${missing.join(', ')}`];
}

/** The place of a read of a placement; `undefined` in older histories. */
export function placeOf({ node, relation }: Partial<Place>): Place | undefined {
  return node === undefined || relation === undefined ? undefined : { node, relation };
}

/** Keys that some placements of a partition have and others lack. */
export interface Divergence {
  readonly partition: string;
  readonly count: number;
  /** `1:7 of partition B: on worker2, not on worker3`; at most 8. */
  readonly lines: readonly string[];
  /** Whether every placement that lacks some is on a node where a transaction that is still prepared may hold them. */
  readonly inDoubt: boolean;
}

/** The partitions whose placements differ, as far as read; `all` has the keys of all of them. */
export function divergenceOf(history: History): {
  readonly partitions: readonly Divergence[];
  readonly all: Witnesses;
} {
  return comparePartitions(history, eventsOf(history, 'placement-read'));
}

/** The same for the reads made while transactions were still prepared. */
export function earlyDivergenceOf(history: History): readonly Divergence[] {
  return comparePartitions(
    history,
    eventsOf(history, 'read-in-doubt').flatMap((event) => ofPartition(event)),
  ).partitions;
}

type PlacementRead = Pick<EventOf<'placement-read'>, 'node' | 'partition' | 'relation' | 'read'>;

function ofPartition({ node, partition, relation, read }: EventOf<'read-in-doubt'>): PlacementRead[] {
  return partition === undefined || node === undefined
    ? []
    : [{ node, partition, read, ...(relation === undefined ? {} : { relation }) }];
}

function comparePartitions(history: History, reads: readonly PlacementRead[]) {
  const all = new Witnesses();
  const byPartition = Map.groupBy(reads, ({ partition }) => partition);
  const still = stillPrepared(history);
  const word = wordOf(history);
  const partitions = (placementOf(history)?.partitions ?? []).map(({ name }) =>
    compare(name, byPartition.get(name) ?? [], { all, still, word }),
  );
  return { partitions: partitions.filter(({ count }) => count > 0), all };
}

interface Comparing {
  readonly all: Witnesses;
  readonly still: StillPrepared;
  readonly word: string | undefined;
}

function compare(partition: string, reads: readonly PlacementRead[], { all, still, word }: Comparing): Divergence {
  const found = reads.map((event) => ({
    node: event.node,
    relation: event.relation,
    place: placeOf(event),
    keys: KeySet.fromRanges(event.read.present),
  }));
  const texts = new Set(found.map(({ keys }) => JSON.stringify(keys.toRanges())));
  if (texts.size <= 1) return { partition, count: 0, lines: [], inDoubt: false };
  let count = 0;
  let inDoubt = true;
  const lines: string[] = [];
  const places = found.map(({ place }) => place);
  for (const { writer, seq } of KeySet.fromRanges(...reads.map(({ read }) => read.present)).keys()) {
    const lacking = found.filter(({ keys }) => !keys.has(writer, seq));
    if (lacking.length === 0) continue;
    count++;
    inDoubt &&= lacking.every(({ node, relation }) => still.mayHold(node, relation));
    all.add(formatKey(writer, seq), 1, places);
    if (lines.length >= MAX_WITNESSES) continue;
    const having = found.filter((candidate) => !lacking.includes(candidate));
    const nodes = (list: typeof found) => list.map(({ node }) => node).join(', ');
    lines.push(
      `${formatKey(writer, seq)} of ${partitionNamed(word, partition)}: on ${nodes(having)}, not on ${nodes(lacking)}`,
    );
  }
  return { partition, count, lines, inDoubt };
}
