/** Statements that form a Citus cluster and read its catalogue. Pure text; nothing is sent here. */

import type { ColumnSpec, PlacementSource, TableSpec } from '../../cluster/engine.ts';
import { hostPort } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { type NodeName, type Partition, type PlacementMap, partitionName } from '../../model/topology.ts';
import { connInfoText, quoteTable, quoteText } from '../../sql/quote.ts';
import { MARK } from '../data-set-sql.ts';
import { COORDINATOR, SHARDED } from '../sharded.ts';

/** A node with the address that the others use, as in `pg_dist_node`. */
export interface Peer {
  readonly name: NodeName;
  readonly host: string;
  readonly port: number;
}

/** One placement of one shard of one table. Shards are numbered in the order of their hash ranges. */
export interface CatalogueRow {
  readonly table: string;
  readonly index: number;
  readonly shardId: string;
  readonly host: string;
  readonly port: number;
}

/** The entry for `pg_dist_authinfo`, with which a node logs in to the others; `citus.node_conninfo` must not hold a password. */
export function authinfo(password: string): string {
  return connInfoText({ password });
}

/** `Citus 14.0.1` */
export const READ_VERSION = "SELECT substring(citus_version() FROM '^Citus [^ ]+')";

/** Parameters: the user and `authinfo()`. Node 0 means all nodes. */
export const SET_AUTHINFO = `INSERT INTO pg_dist_authinfo (nodeid, rolename, authinfo) VALUES (0, $1, $2)
  ON CONFLICT (nodeid, rolename) DO UPDATE SET authinfo = excluded.authinfo`;

/** @param colocateWith the table to co-locate with; `undefined` for the first table. */
export function distribute(table: TableSpec, shards: number, colocateWith: string | undefined): string {
  const column = (table.columns[0] as ColumnSpec).name;
  const group = colocateWith === undefined ? `'none', shard_count => ${shards}` : quoteText(quoteTable(colocateWith));
  return `SELECT create_distributed_table(${quoteText(quoteTable(table.name))}, ${quoteText(column)}, colocate_with => ${group})`;
}

/** Parameters: table names, and the same names quoted. Returns the tables that exist, and whether pgquake created them. */
export const FIND_TABLES = `SELECT name, coalesce(obj_description(to_regclass(quoted)) = ${quoteText(MARK)}, false)
  FROM unnest($1::text[], $2::text[]) AS t (name, quoted) WHERE to_regclass(quoted) IS NOT NULL`;

export function dropTables(names: readonly string[]): string {
  return `DROP TABLE ${names.map(quoteTable).join(', ')}`;
}

/**
 * Parameters: table names, and the same names quoted. Returns every placement with the fields of `CatalogueRow` in their
 * order; the holders of a shard are in the order in which a read tries them.
 */
export const READ_PLACEMENTS = `SELECT shards.tbl, shards.index, shards.shardid::text, n.nodename, n.nodeport
  FROM (SELECT named.name AS tbl, shardid,
               (row_number() OVER (PARTITION BY logicalrelid ORDER BY shardminvalue::int))::int - 1 AS index
          FROM pg_dist_shard JOIN unnest($1::text[], $2::text[]) AS named (name, quoted) ON to_regclass(quoted) = logicalrelid) AS shards
  JOIN pg_dist_placement p USING (shardid)
  JOIN pg_dist_node n USING (groupid)
 WHERE n.noderole = 'primary' AND p.shardstate = 1
 ORDER BY 1, 2, n.nodename COLLATE "C", n.nodeport`;

/** How nodes encrypt their connections to each other, `sslmode=require`; no row if they do not. */
export const READ_ENCRYPTION = `SELECT coalesce(substring(conninfo FROM 'sslmode=\\S+'), 'sslmode=prefer')
  FROM current_setting('citus.node_conninfo') AS conninfo
  WHERE conninfo ~ 'sslmode=(require|verify)'
    OR conninfo !~ 'sslmode=(disable|allow)' AND current_setting('ssl')::bool`;

/** Parameters: the quoted table, and an array of rooms. Returns each room with its shard. */
export const READ_SHARD_OF_ROOMS = `SELECT room, get_shard_id_for_distribution_column(to_regclass($1), room)::text
  FROM unnest($2::int[]) AS room`;

/**
 * Builds the placement map from rows of the catalogue.
 * @param table the table whose shards represent all tables, which are co-located.
 * @throws EnvironmentError if a shard is on a node that is not in `peers`.
 */
export function placementMap(
  table: string,
  rows: readonly CatalogueRow[],
  roomShards: readonly (readonly [room: number, shardId: string])[],
  peers: readonly Peer[],
): PlacementMap {
  const shards = new Map<number, NodeName[]>();
  const indexOf = new Map<string, number>();
  for (const row of rows) {
    if (row.table !== table) continue;
    indexOf.set(row.shardId, row.index);
    const placements = shards.get(row.index) ?? [];
    placements.push(nodeOf(row, peers));
    shards.set(row.index, placements);
  }
  const shardOfRoom: Record<number, number> = {};
  for (const [room, shardId] of roomShards) {
    const index = indexOf.get(shardId);
    if (index === undefined) throw new Error(`room ${room} is said to be in shard ${shardId}, which ${table} lacks`);
    shardOfRoom[room] = index;
  }
  const placed = [...shards.entries()]
    .sort(([a], [b]) => a - b)
    .map(([index, placements]): Partition => ({ index, name: partitionName(index), copies: placements }));
  const writesAlsoNeed = lockHolder(placed, firstWorker(peers));
  const { partitionWord } = SHARDED;
  return {
    partitions: placed,
    partitionOfKey: shardOfRoom,
    partitionWord,
    entry: COORDINATOR,
    ...(writesAlsoNeed === undefined ? {} : { writesAlsoNeed }),
  };
}

/** If any shard of a table has several placements, writes to the table take their locks on the first worker. */
export function lockHolder(shards: readonly Pick<Partition, 'copies'>[], first: NodeName | undefined) {
  return shards.some(({ copies: placements }) => placements.length > 1) ? first : undefined;
}

/** Compares by code units, which is bytewise for host and node names. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Citus orders nodes by host name, byte by byte, then by port. */
export function comparePeers(a: Peer, b: Peer): number {
  return compareText(a.host, b.host) || a.port - b.port;
}

/**
 * The worker on which Citus locks every write to a replicated table, whether or not it holds the shard
 * (`LockShardListResourcesOnFirstWorker` in its source).
 */
export function firstWorker(peers: readonly Peer[]): NodeName | undefined {
  return peers.filter(({ name }) => name !== COORDINATOR).sort(comparePeers)[0]?.name;
}

/** The table of each placement on its worker: Citus appends the shard's id, as in `messages_102008`. */
export function placementSources(
  table: string,
  rows: readonly CatalogueRow[],
  peers: readonly Peer[],
): PlacementSource[] {
  return rows
    .filter((row) => row.table === table)
    .map((row) => ({
      partition: row.index,
      node: nodeOf(row, peers),
      relation: quoteTable(`${table}_${row.shardId}`),
    }));
}

function nodeOf(row: CatalogueRow, peers: readonly Peer[]): NodeName {
  const peer = peers.find(({ host, port }) => host === row.host && port === row.port);
  if (!peer) {
    throw new EnvironmentError(`shard ${row.shardId} is on ${hostPort(row)}, which is not among the named nodes`, {
      code: 'unknown-node',
      hint: 'name every node of the cluster',
    });
  }
  return peer.name;
}
