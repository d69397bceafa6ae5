/** After healing, every placement of a shard holds the same messages, each once and with the right content. */

import { z } from 'zod';
import { placementOf } from '../measure/shards.ts';
import type { EventOf } from '../model/event.ts';
import { eventsOf } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});
const MAX_WITNESSES = 8;

type PlacementRead = EventOf<'placement-read'>;

export const replicasAgree = defineCheck<z.output<typeof params>>({
  name: 'replicas-agree',
  summary: 'After healing, every placement of a shard holds the same messages.',
  params,

  check(history) {
    const expected = 'every placement of a shard holds the same messages, each once and intact';
    const shards = placementOf(history)?.shards;
    if (!shards) return { judgement: 'unknown', expected, observed: 'the cluster was never formed', evidence: [] };

    const reads = Map.groupBy(eventsOf(history, 'placement-read'), (event) => event.shard);
    const unread = shards.flatMap(({ name, placements }) =>
      placements
        .filter((node) => !reads.get(name)?.some((event) => event.node === node))
        .map((node) => `${node}/${name}`),
    );
    const odd = [...reads.values()].flat().flatMap(describeOddRows);
    const differences = shards.map(({ name }) => ({ name, ...compare(reads.get(name) ?? []) }));
    const differing = differences.filter(({ count }) => count > 0);
    const evidence = [
      ...differing.flatMap(({ witnesses }) => witnesses).slice(0, MAX_WITNESSES),
      ...odd.slice(0, MAX_WITNESSES),
      ...(unread.length > 0 ? [`not read: ${unread.join(', ')}`] : []),
      ...eventsOf(history, 'final-read-failed').map(({ source, error }) => `final read of ${source} failed: ${error}`),
    ];

    if (differing.length > 0 || odd.length > 0) {
      const parts = differing.map(({ name, count }) => `shard ${name} differs in ${formatCount(count, 'message')}`);
      if (odd.length > 0) parts.push(`${formatCount(odd.length, 'message')} doubled or corrupted on a placement`);
      return { judgement: 'fail', expected, observed: parts.join(', '), evidence };
    }
    if (unread.length > 0) {
      const observed = `${formatCount(unread.length, 'placement')} could not be read`;
      return { judgement: 'unknown', expected, observed, evidence };
    }
    const waitedMs = eventsOf(history, 'replicas-compared').find(({ agree }) => agree)?.waitedMs;
    const after = waitedMs === undefined ? '' : `, ${formatDuration(waitedMs)} after the load stopped`;
    const placements = shards.reduce((sum, shard) => sum + shard.placements.length, 0);
    const observed = `all ${formatCount(placements, 'placement')} of ${formatCount(shards.length, 'shard')} agree${after}`;
    return { judgement: 'pass', expected, observed, evidence };
  },
});

function describeOddRows({ node, shard, read }: PlacementRead): string[] {
  const where = `on ${node}, shard ${shard}`;
  return [
    ...read.duplicated.map((key) => `${key}: twice ${where}`),
    ...read.corrupted.map(({ key, found, expected }) => `${key}: ${where}: found ${found}; expected ${expected}`),
  ];
}

/** Keys that some placements of one shard have and others lack. */
function compare(reads: readonly PlacementRead[]): { readonly count: number; readonly witnesses: readonly string[] } {
  const found = reads.map(({ node, shard, read }) => ({ node, shard, keys: KeySet.fromRanges(read.present) }));
  const texts = new Set(found.map(({ keys }) => JSON.stringify(keys.toRanges())));
  if (texts.size <= 1) return { count: 0, witnesses: [] };
  let count = 0;
  const witnesses: string[] = [];
  for (const { writer, seq } of KeySet.fromRanges(...reads.map(({ read }) => read.present)).keys()) {
    const lacking = found.filter(({ keys }) => !keys.has(writer, seq));
    if (lacking.length === 0) continue;
    count++;
    if (witnesses.length >= MAX_WITNESSES) continue;
    const having = found.filter((candidate) => !lacking.includes(candidate));
    const nodes = (list: typeof found) => list.map(({ node }) => node).join(', ');
    witnesses.push(
      `${formatKey(writer, seq)} of shard ${found[0]?.shard}: on ${nodes(having)}, not on ${nodes(lacking)}`,
    );
  }
  return { count, witnesses };
}
