/** The tables of shards on their holders, and the foreign partitions for them on the coordinator. */

import type { ColumnSpec, Dataset, TableSpec } from '../../cluster/engine.ts';
import type { Nodes } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName, Partition, PlacementMap } from '../../model/topology.ts';
import { quoteName, quoteTable, quoteText, schemaOf } from '../../sql/quote.ts';
import type { Session } from '../../sql/session.ts';
import { columnArrays, columnList, createSchemas, createTable, insertRows } from '../data-set-sql.ts';
import { COORDINATOR } from '../sharded.ts';
import { ask, execute, peerOptions } from './sql.ts';

/** Creates the empty partitioned tables. @returns the shard of each room, as these tables assign it. */
export async function createParents(
  session: Session,
  database: string,
  { tables, partitionKeys: rooms }: Dataset,
  shards: number,
): Promise<PlacementMap['partitionOfKey']> {
  const [version] = await ask(session, "SELECT current_setting('server_version_num')::int");
  if (Number(version?.[0]) < 160_000) {
    throw new EnvironmentError('the engine "native" needs PostgreSQL 16 or newer', { code: 'postgres-too-old' });
  }
  await execute(session, [
    // Joins by room and counts run on the workers.
    `ALTER DATABASE ${quoteName(database)} SET enable_partitionwise_join = on`,
    `ALTER DATABASE ${quoteName(database)} SET enable_partitionwise_aggregate = on`,
    'CREATE EXTENSION postgres_fdw',
    ...schemasOf(tables),
    ...tables.map(
      (table) =>
        `CREATE TABLE ${quoteTable(table.name)} (${columnList(table)}) PARTITION BY HASH (${quoteName(distributionColumn(table).name)})`,
    ),
  ]);
  const [first] = tables;
  if (!first) return {};
  return readShardOfRooms(session, first, rooms, shards);
}

export async function readShardOfRooms(
  session: Session,
  table: TableSpec,
  rooms: Dataset['partitionKeys'],
  shards: number,
): Promise<PlacementMap['partitionOfKey']> {
  const rows = await ask(
    session,
    `SELECT room, remainder FROM unnest($1::${distributionColumn(table).type}[]) AS room,
       generate_series(0, $2::int - 1) AS remainder
     WHERE satisfies_hash_partition(${quoteText(quoteTable(table.name))}::regclass, $2::int, remainder, room)`,
    [rooms, shards],
  );
  return Object.fromEntries(rows.map(([room, shard]) => [Number(room), Number(shard)]));
}

export async function createForeignPartitions(
  session: Session,
  nodes: Nodes,
  { tables }: Dataset,
  shards: readonly Partition[],
): Promise<void> {
  const addresses = addressesFromCoordinator(nodes);
  const holders = new Map(shards.map((shard) => [foreignServer(shard), shard.copies]));
  const servers = [...holders].flatMap(([server, placements]) => {
    const peers = placements.map((node) => addresses.get(node) as Address);
    const [{ user, password }] = peers as [Address];
    // libpq tries the first holder first, so that a reader normally finds what it wrote. It tries the next one if a
    // connection is refused or breaks. A frozen holder does neither, and `connect_timeout` does not help: only libpq's
    // blocking functions obey it, and postgres_fdw uses the others.
    const options = { ...peerOptions(peers), async_capable: 'true' };
    return [
      `CREATE SERVER ${quoteName(server)} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (${optionList(options)})`,
      `CREATE USER MAPPING FOR CURRENT_USER SERVER ${quoteName(server)} OPTIONS (${optionList({ user, password })})`,
    ];
  });
  const partitions = shards.flatMap((shard) =>
    tables.map((table) => {
      const name = shardTable(table.name, shard);
      return `CREATE FOREIGN TABLE ${quoteTable(name)} PARTITION OF ${quoteTable(table.name)}
           FOR VALUES WITH (MODULUS ${shards.length}, REMAINDER ${shard.index})
           SERVER ${quoteName(foreignServer(shard))} OPTIONS (${optionList(foreignName(name))})`;
    }),
  );
  await execute(session, [...servers, ...partitions]);
}

export async function createShards(session: Session, { tables }: Dataset, shards: readonly Partition[]): Promise<void> {
  await execute(session, [
    ...schemasOf(tables),
    ...shards.flatMap((shard) => tables.map((table) => createTable(onHolder(table, shard)))),
  ]);
}

export async function loadRows(
  session: Session,
  { tables }: Dataset,
  shards: readonly Partition[],
  shardOfRoom: PlacementMap['partitionOfKey'],
): Promise<void> {
  for (const table of tables) {
    const byShard = Map.groupBy(table.rows, (row) => shardOfRoom[Number(row[0])]);
    for (const shard of shards) {
      const rows = byShard.get(shard.index);
      if (rows) await ask(session, insertRows(onHolder(table, shard)), columnArrays(table, rows));
    }
  }
}

export function shardTable(table: string, shard: Partition): string {
  return `${table}_shard_${shard.index}`;
}

export function shardsOn(shards: readonly Partition[], worker: NodeName): Partition[] {
  return shards.filter((shard) => shard.copies.includes(worker));
}

/** The addresses that the coordinator uses. */
export function addressesFromCoordinator(nodes: Nodes): Map<NodeName, Address> {
  return new Map(nodes.all.map((node) => [node.name, node.peerAddress(COORDINATOR)]));
}

function onHolder(table: TableSpec, shard: Partition): TableSpec {
  return { ...table, name: shardTable(table.name, shard) };
}

function schemasOf(tables: readonly TableSpec[]): string[] {
  return createSchemas(tables.map(({ name }) => name));
}

/** Shards with the same holders in the same order share a foreign server, and so its connections. */
function foreignServer({ copies: placements }: Partition): string {
  return placements.join('_');
}

/** The options by which a foreign table names its remote table. */
function foreignName(table: string): Readonly<Record<string, string>> {
  const schema = schemaOf(table);
  return schema === undefined
    ? { schema_name: 'public', table_name: table }
    : { schema_name: schema, table_name: table.slice(schema.length + 1) };
}

function distributionColumn(table: TableSpec): ColumnSpec {
  return table.columns[0] as ColumnSpec;
}

function optionList(options: Readonly<Record<string, string>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${quoteText(value)}`)
    .join(', ');
}
