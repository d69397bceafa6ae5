/** The complete reads after healing, put together: what is anywhere, and where placements differ. */

import type { EventOf } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import { type StillPrepared, stillPrepared } from './late-writes.ts';
import { placementOf } from './shards.ts';
import { MAX_WITNESSES, type Place, Witnesses } from './witnesses.ts';

export interface FinalReads {
  /** What a client sees. */
  readonly byClients: KeySet | undefined;
  /** In at least one of the reads, by clients or of a placement. */
  readonly anywhere: KeySet;
  /** At least one was made. */
  readonly made: boolean;
  /** `BY_CLIENTS`, or `worker1/A` for a placement, that should have been read and was not. */
  readonly missing: readonly string[];
}

/** In place of a placement: all rows, as clients read them. */
export const BY_CLIENTS = 'all as clients read it';

export function finalReadsOf(history: History): FinalReads {
  const clientsRead = eventsOf(history, 'final-read')[0]?.read;
  const placementReads = eventsOf(history, 'placement-read');
  const read = new Set(placementReads.map(({ node, shard }) => `${node}/${shard}`));
  const placed = history.run.lacks?.includes('copies') ? [] : (placementOf(history)?.shards ?? []);
  const expected = placed.flatMap(({ name, placements }) => placements.map((node) => `${node}/${name}`));
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

/** Where a placement was read; `undefined` in older histories. */
export function placeOf({ node, relation }: Partial<Place>): Place | undefined {
  return node === undefined || relation === undefined ? undefined : { node, relation };
}

/** Keys that some placements of one shard have and others lack. */
export interface Divergence {
  readonly shard: string;
  readonly count: number;
  /** `1:7 of shard B: on worker2, not on worker3`; at most 8. */
  readonly lines: readonly string[];
  /** Every placement that lacks some is on a node where a transaction that is still prepared may hold them. */
  readonly inDoubt: boolean;
}

/** The shards whose placements differ, as far as they were read; `all` has the keys of all of them. */
export function divergenceOf(history: History): { readonly shards: readonly Divergence[]; readonly all: Witnesses } {
  return compareShards(history, eventsOf(history, 'placement-read'));
}

/** The same, of the reads that were made while prepared transactions stood. */
export function earlyDivergenceOf(history: History): readonly Divergence[] {
  return compareShards(
    history,
    eventsOf(history, 'read-in-doubt').flatMap((event) => ofShard(event)),
  ).shards;
}

type PlacementRead = Pick<EventOf<'placement-read'>, 'node' | 'shard' | 'relation' | 'read'>;

function ofShard({ node, shard, relation, read }: EventOf<'read-in-doubt'>): PlacementRead[] {
  return shard === undefined || node === undefined
    ? []
    : [{ node, shard, read, ...(relation === undefined ? {} : { relation }) }];
}

function compareShards(history: History, reads: readonly PlacementRead[]) {
  const all = new Witnesses();
  const byShard = Map.groupBy(reads, ({ shard }) => shard);
  const still = stillPrepared(history);
  const shards = (placementOf(history)?.shards ?? []).map(({ name }) =>
    compare(name, byShard.get(name) ?? [], all, still),
  );
  return { shards: shards.filter(({ count }) => count > 0), all };
}

function compare(shard: string, reads: readonly PlacementRead[], all: Witnesses, still: StillPrepared): Divergence {
  const found = reads.map((event) => ({
    node: event.node,
    relation: event.relation,
    place: placeOf(event),
    keys: KeySet.fromRanges(event.read.present),
  }));
  const texts = new Set(found.map(({ keys }) => JSON.stringify(keys.toRanges())));
  if (texts.size <= 1) return { shard, count: 0, lines: [], inDoubt: false };
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
    lines.push(`${formatKey(writer, seq)} of shard ${shard}: on ${nodes(having)}, not on ${nodes(lacking)}`);
  }
  return { shard, count, lines, inDoubt };
}
