/** The commands that an operator runs on the coordinator when nodes stay down: Citus does not repair itself. Pure. */

import type { NodeName, PlacementMap } from '../../model/topology.ts';
import { quoteTable, quoteText } from '../../sql/quote.ts';
import { COORDINATOR } from '../sharded.ts';
import { comparePeers, type Peer } from './sql.ts';

interface RepairOptions {
  readonly placement: PlacementMap;
  /** Nodes that stay down. */
  readonly down: ReadonlySet<NodeName>;
  /** Every node with the address that the others use. */
  readonly peers: readonly Peer[];
  /** One of the co-located tables; the others' shards follow it. */
  readonly table: string;
  readonly replication: number;
}

/**
 * SQL for psql on the coordinator, in order, with reasons as comments: makes the cluster writable without the nodes,
 * restores the number of copies, and takes the nodes back.
 */
export function repairCommands({ placement, down, peers, table, replication }: RepairOptions): string[] {
  const workers = peers.filter((peer) => peer.name !== COORDINATOR).sort(comparePeers);
  const away = workers.filter((peer) => down.has(peer.name));
  const lines: string[] = [];
  if (peers.some((peer) => peer.name === COORDINATOR && down.has(peer.name))) {
    lines.push('-- start the coordinator first: everything goes through it');
  }
  if (away.length === 0) return lines;

  const { disabled, kept } = disablable(placement, workers, down);
  for (const { peer, shards } of kept) {
    lines.push(`-- start ${peer.name} first: ${listShards(shards)} on no other running node`);
  }
  for (const { peer, first } of disabled) {
    if (first) lines.push(`-- ${peer.name} takes part in every write, so all nodes must learn of it at once`);
    lines.push(`SELECT citus_disable_node(${place(peer)}${first ? ', synchronous := true' : ''});`);
  }
  if (disabled.length === 0) return lines;
  const replicate = `SELECT replicate_table_shards(${quoteText(quoteTable(table))}, shard_replication_factor := ${replication});`;
  const left = workers.length - disabled.length;
  lines.push(
    left >= replication
      ? '-- copy to the remaining nodes; if this reports "out of sync", repeat it after a few seconds'
      : `-- ${left} nodes remain, too few for ${replication} copies: copies can be restored once a node is back`,
  );
  if (left >= replication) lines.push(replicate);
  lines.push('-- once they are running again');
  for (const { peer } of disabled) lines.push(`SELECT citus_activate_node(${place(peer)});`);
  lines.push(replicate);
  return lines;
}

interface Disabled {
  readonly peer: Peer;
  /** The first active worker at that moment; disabling it must be synchronous. */
  readonly first: boolean;
}

/**
 * Citus refuses to disable a node with the only active placement of a shard. The first worker comes last, because
 * synchronous disabling needs an answer from every other active node.
 */
function disablable(placement: PlacementMap, workers: readonly Peer[], down: ReadonlySet<NodeName>) {
  const inactive = new Set<NodeName>();
  const disabled: Disabled[] = [];
  const kept: { peer: Peer; shards: string[] }[] = [];
  for (const peer of workers.filter(({ name }) => down.has(name)).reverse()) {
    const shards = placement.partitions
      .filter((shard) => shard.copies.includes(peer.name))
      .filter((shard) => shard.copies.every((node) => node === peer.name || inactive.has(node)))
      .map((shard) => shard.name);
    if (shards.length > 0) {
      kept.push({ peer, shards });
      continue;
    }
    disabled.push({ peer, first: workers.find(({ name }) => !inactive.has(name)) === peer });
    inactive.add(peer.name);
  }
  return { disabled, kept };
}

function place({ host, port }: Peer): string {
  return `${quoteText(host)}, ${port}`;
}

function listShards(shards: readonly string[]): string {
  return shards.length === 1 ? `shard ${shards[0]} is` : `shards ${shards.join(', ')} are`;
}
