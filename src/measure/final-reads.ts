/** The complete reads after healing, put together: what is anywhere, and where placements differ. */

import type { EventOf } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import { placementOf } from './shards.ts';
import { MAX_WITNESSES, type Place, Witnesses } from './witnesses.ts';

export interface FinalReads {
  /** Through the coordinator: what a client sees. */
  readonly coordinator: KeySet | undefined;
  /** In at least one of the reads, of the coordinator or of a placement. */
  readonly anywhere: KeySet;
  /** At least one was made. */
  readonly made: boolean;
  /** `coordinator`, or `worker1/A` for a placement, that should have been read and was not. */
  readonly missing: readonly string[];
}

export function finalReadsOf(history: History): FinalReads {
  const coordinatorRead = eventsOf(history, 'final-read')[0]?.read;
  const placementReads = eventsOf(history, 'placement-read');
  const read = new Set(placementReads.map(({ node, shard }) => `${node}/${shard}`));
  const expected = (placementOf(history)?.shards ?? []).flatMap(({ name, placements }) =>
    placements.map((node) => `${node}/${name}`),
  );
  const anywhere = new KeySet();
  if (coordinatorRead) anywhere.addRanges(coordinatorRead.present);
  for (const event of placementReads) anywhere.addRanges(event.read.present);
  return {
    coordinator: coordinatorRead && KeySet.fromRanges(coordinatorRead.present),
    anywhere,
    made: coordinatorRead !== undefined || placementReads.length > 0,
    missing: [...(coordinatorRead ? [] : ['coordinator']), ...expected.filter((source) => !read.has(source))],
  };
}

/** Where a placement was read; `undefined` in older histories. */
export function placeOf({ node, relation }: EventOf<'placement-read'>): Place | undefined {
  return relation === undefined ? undefined : { node, relation };
}

/** Keys that some placements of one shard have and others lack. */
export interface Divergence {
  readonly shard: string;
  readonly count: number;
  /** `1:7 of shard B: on worker2, not on worker3`; at most 8. */
  readonly lines: readonly string[];
}

/** The shards whose placements differ, as far as they were read; `all` has the keys of all of them. */
export function divergenceOf(history: History): { readonly shards: readonly Divergence[]; readonly all: Witnesses } {
  const all = new Witnesses();
  const byShard = Map.groupBy(eventsOf(history, 'placement-read'), ({ shard }) => shard);
  const shards = (placementOf(history)?.shards ?? []).map(({ name }) => compare(name, byShard.get(name) ?? [], all));
  return { shards: shards.filter(({ count }) => count > 0), all };
}

function compare(shard: string, reads: readonly EventOf<'placement-read'>[], all: Witnesses): Divergence {
  const found = reads.map((event) => ({
    node: event.node,
    place: placeOf(event),
    keys: KeySet.fromRanges(event.read.present),
  }));
  const texts = new Set(found.map(({ keys }) => JSON.stringify(keys.toRanges())));
  if (texts.size <= 1) return { shard, count: 0, lines: [] };
  let count = 0;
  const lines: string[] = [];
  const places = found.map(({ place }) => place);
  for (const { writer, seq } of KeySet.fromRanges(...reads.map(({ read }) => read.present)).keys()) {
    const lacking = found.filter(({ keys }) => !keys.has(writer, seq));
    if (lacking.length === 0) continue;
    count++;
    all.add(formatKey(writer, seq), 1, places);
    if (lines.length >= MAX_WITNESSES) continue;
    const having = found.filter((candidate) => !lacking.includes(candidate));
    const nodes = (list: typeof found) => list.map(({ node }) => node).join(', ');
    lines.push(`${formatKey(writer, seq)} of shard ${shard}: on ${nodes(having)}, not on ${nodes(lacking)}`);
  }
  return { shard, count, lines };
}
