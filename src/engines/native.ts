/**
 * The engine `native`: PostgreSQL's own parts and nothing else. Tables are hash partitions on the
 * coordinator, each a postgres_fdw foreign table whose server names all holders of the shard; libpq takes
 * the first that answers. Holders replicate to each other by logical replication, both ways, without
 * sending on what came from elsewhere (`origin = none`). So every holder takes writes at any time, and the
 * price is honest: replication is asynchronous, and a worker that comes back serves old data until it has
 * caught up.
 */

import {
  type ColumnSpec,
  type Dataset,
  defineEngine,
  type FormedCluster,
  type FormOptions,
  type TableSpec,
} from '../cluster/engine.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl, Nodes } from '../cluster/platform.ts';
import type { Address } from '../model/address.ts';
import { EnvironmentError } from '../model/errors.ts';
import {
  dataNodes,
  type NodeName,
  type Partition,
  type PlacementMap,
  partitionName,
  ringPlacement,
} from '../model/topology.ts';
import { until } from '../model/until.ts';
import { quoteName, quoteTable, quoteText, schemaOf } from '../sql/quote.ts';
import type { Session } from '../sql/session.ts';
import { partitionOf } from './native/partition-hash.ts';
import { COORDINATOR, coordinatorOf, coordinatorRoute, SHARDED, workersOf } from './sharded.ts';

const CONNECT_LIMIT_MS = 10_000;
const STATEMENT_LIMIT_MS = 30_000;
const STREAMING_LIMIT_MS = 30_000;
const STREAMING_POLL_MS = 10;
/**
 * For connections from node to node: when the other side says nothing at all, not even that packets have come, the
 * next holder is asked. A frozen server is another matter: its machine goes on saying so.
 */
const SILENCE_LIMITS = {
  // Also of a connection that is being made. Three packets are tried by then, and two seconds are a usual deadline.
  tcp_user_timeout: '1500',
  keepalives_idle: '1',
  keepalives_interval: '1',
} as const;
/** On the tables, as the last act of forming: what lacks it was not formed to the end. */
const FORMED = 'data set of pgquake';

/** `subscriber` gets what is written to `shards` on `publisher`. */
interface Flow {
  readonly publisher: NodeName;
  readonly subscriber: NodeName;
  readonly shards: readonly Partition[];
}

export const native = defineEngine({
  name: 'native',
  summary: 'hash partitions over postgres_fdw, replicated both ways by logical replication',

  ...SHARDED,
  routes: [COORDINATOR],
  clientTablesStayLocal: true,

  // A worker shares shards with at most 2 * (replication - 1) others: 6 for replication 4. Twice that, to spare.
  settings: {
    wal_level: 'logical',
    max_replication_slots: '12',
    max_wal_senders: '12',
    max_logical_replication_workers: '12',
    max_worker_processes: '20',
    // Keeps of every row whether it came from a client or by replication.
    track_commit_timestamp: 'on',
    // How long a subscriber waits before it asks a publisher again that was down.
    wal_retrieve_retry_interval: '200ms',
  },

  layout: (topology, rooms) => ({
    partitions: ringPlacement(dataNodes(topology), topology),
    partitionOfKey: Object.fromEntries(rooms.map((room) => [room, partitionOf(room, topology.partitions)])),
    entry: COORDINATOR,
    partitionWord: SHARDED.partitionWord,
  }),

  form,
  inspect,

  rule: { name: 'native', partitionWord: SHARDED.partitionWord, writeNeeds: 'one-holder' },
});

async function form({ nodes, topology, dataset, signal }: FormOptions): Promise<FormedCluster> {
  const shards = ringPlacement(dataNodes(topology), topology);
  await using sessions = new NodeSessions(signal);
  await sessions.open(nodes);
  const onWorkers = (act: (session: Session, worker: NodeName) => Promise<unknown>) =>
    Promise.all(workersOf(nodes).map(({ name }) => act(sessions.of(name), name)));

  const [shardOfRoom] = await Promise.all([
    createParents(sessions.of(COORDINATOR), coordinatorOf(nodes).address().database, dataset, shards.length),
    onWorkers((session, worker) => createShards(session, dataset, shardsOn(shards, worker))),
  ]);
  const flows = replicationFlows(shards);
  await Promise.all([
    createForeignPartitions(sessions.of(COORDINATOR), nodes, dataset, shards),
    // Slots are created after the rows, so that these are not replicated to where they are already.
    onWorkers(async (session, worker) => {
      await loadRows(session, dataset, shardsOn(shards, worker), shardOfRoom);
      await publish(
        session,
        flows.filter((flow) => flow.publisher === worker),
        dataset,
      );
    }),
  ]);
  // Subscriptions only when all slots are there: a slot waits for the transactions that run on its node,
  // and two nodes that create a slot on each other within such a transaction wait for ever.
  await onWorkers((session, worker) =>
    subscribe(
      session,
      flows.filter((flow) => flow.subscriber === worker),
      nodes,
    ),
  );
  await onWorkers((session, worker) =>
    untilStreaming(session, worker, flows.filter((flow) => flow.publisher === worker).length, signal),
  );
  await sessions
    .of(COORDINATOR)
    .execute(
      dataset.tables.map(({ name }) => `COMMENT ON TABLE ${quoteTable(name)} IS ${quoteText(FORMED)};`).join('\n'),
      STATEMENT_LIMIT_MS,
    );
  return formed(nodes, shards, shardOfRoom);
}

function formed(
  nodes: Nodes,
  shards: readonly Partition[],
  shardOfRoom: PlacementMap['partitionOfKey'],
): FormedCluster {
  return {
    placement: {
      partitions: shards,
      partitionOfKey: shardOfRoom,
      entry: COORDINATOR,
      partitionWord: SHARDED.partitionWord,
    },
    routes: { [COORDINATOR]: coordinatorRoute(nodes) },
    placementSources: (table) =>
      shards.flatMap((shard) =>
        shard.copies.map((node) => ({ partition: shard.index, node, relation: quoteTable(shardTable(table, shard)) })),
      ),
    takenHereSql: (relation) =>
      `SELECT count(*) FROM ${relation} WHERE (pg_xact_commit_timestamp_origin(xmin)).roident = 0`,
  };
}

/** What the coordinator's catalogue says: partitions with their servers, and those with the holders' addresses. */
async function inspect({ nodes, dataset }: Omit<FormOptions, 'topology'>): Promise<FormedCluster | undefined> {
  const [first] = dataset.tables;
  if (!first) return undefined;
  await using session = await openSession(coordinatorOf(nodes), 'inspect', { limitMs: CONNECT_LIMIT_MS });
  const ask = (text: string, values: readonly unknown[]) =>
    session.query(text, values, { timeoutMs: STATEMENT_LIMIT_MS });
  const [marked] = await ask(
    `SELECT count(*)::int FROM unnest($1::text[]) AS name
      WHERE obj_description(to_regclass(name), 'pg_class') = $2`,
    [dataset.tables.map(({ name }) => quoteTable(name)), FORMED],
  );
  if (marked?.[0] !== dataset.tables.length) return undefined;
  const partitions = await ask(
    `SELECT substring(c.relname FROM '[0-9]+$')::int AS shard,
            (SELECT option_value FROM pg_options_to_table(s.srvoptions) WHERE option_name = 'host'),
            (SELECT option_value FROM pg_options_to_table(s.srvoptions) WHERE option_name = 'port')
       FROM pg_inherits i
       JOIN pg_class c ON c.oid = i.inhrelid
       JOIN pg_foreign_table f ON f.ftrelid = c.oid
       JOIN pg_foreign_server s ON s.oid = f.ftserver
      WHERE i.inhparent = to_regclass($1)
      ORDER BY 1`,
    [quoteTable(first.name)],
  );
  const nameOf = new Map(
    [...addressesOf(nodes, COORDINATOR)].map(([name, { host, port }]) => [`${host}:${port}`, name]),
  );
  const shards = partitions.map(([index, hosts, ports]): Partition => {
    const port = String(ports).split(',');
    const placements = String(hosts)
      .split(',')
      .map((host, i) => nameOf.get(`${host}:${port[i]}`) ?? `${host}:${port[i]}`);
    return { index: Number(index), name: partitionName(Number(index)), copies: placements };
  });
  return formed(nodes, shards, await readShardOfRooms(session, first, dataset.partitionKeys, shards.length));
}

/** One session to every node, ended together. */
class NodeSessions implements AsyncDisposable {
  readonly #sessions = new Map<NodeName, Session>();
  readonly #signal: AbortSignal;
  readonly #discard = () => {
    for (const session of this.#sessions.values()) session.discard();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#discard);
  }

  async open(nodes: Nodes): Promise<void> {
    await Promise.all(nodes.all.map((node) => this.#connect(node)));
    this.#signal.throwIfAborted();
  }

  of(name: NodeName): Session {
    return this.#sessions.get(name) as Session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#discard);
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  async #connect(node: NodeControl): Promise<void> {
    const session = await openSession(node, 'form', {
      limitMs: CONNECT_LIMIT_MS, // Statements must not reach the log: some of them hold the password.
      settings: { log_statement: 'none', log_min_duration_statement: '-1', log_min_error_statement: 'panic' },
    });
    this.#sessions.set(node.name, session);
  }
}

/** Creates the partitioned tables, still empty, and asks them which room belongs to which shard. */
async function createParents(
  session: Session,
  database: string,
  { tables, partitionKeys: rooms }: Dataset,
  shards: number,
): Promise<PlacementMap['partitionOfKey']> {
  const statements = tables.map(
    (table) =>
      `CREATE TABLE ${quoteTable(table.name)} (${columnList(table)}) PARTITION BY HASH (${quoteName(distributionColumn(table).name)});`,
  );
  const [version] = await session.query("SELECT current_setting('server_version_num')::int", []);
  if (Number(version?.[0]) < 160_000) {
    throw new EnvironmentError('the engine "native" needs PostgreSQL 16 or newer', { code: 'postgres-too-old' });
  }
  await session.execute(
    // So that joins by room and counts run on the workers.
    `ALTER DATABASE ${quoteName(database)} SET enable_partitionwise_join = on;
     ALTER DATABASE ${quoteName(database)} SET enable_partitionwise_aggregate = on;
     CREATE EXTENSION postgres_fdw; ${createSchemas(tables)} ${statements.join('\n')}`,
    STATEMENT_LIMIT_MS,
  );
  const [first] = tables;
  if (!first) return {};
  return readShardOfRooms(session, first, rooms, shards);
}

async function readShardOfRooms(
  session: Session,
  table: TableSpec,
  rooms: Dataset['partitionKeys'],
  shards: number,
): Promise<PlacementMap['partitionOfKey']> {
  const rows = await session.query(
    `SELECT room, remainder FROM unnest($1::${distributionColumn(table).type}[]) AS room,
       generate_series(0, $2::int - 1) AS remainder
     WHERE satisfies_hash_partition(${quoteText(quoteTable(table.name))}::regclass, $2::int, remainder, room)`,
    [rooms, shards],
    { timeoutMs: STATEMENT_LIMIT_MS },
  );
  return Object.fromEntries(rows.map(([room, shard]) => [Number(room), Number(shard)]));
}

async function createForeignPartitions(
  session: Session,
  nodes: Nodes,
  { tables }: Dataset,
  shards: readonly Partition[],
): Promise<void> {
  const addresses = addressesOf(nodes, COORDINATOR);
  const holders = new Map(shards.map((shard) => [foreignServer(shard), shard.copies]));
  const statements = [...holders].map(([server, placements]) => {
    const peers = placements.map((node) => addresses.get(node) as Address);
    const [{ user, password, database }] = peers as [Address];
    // The first holder is asked first: while all is well, a reader finds what it wrote. The next one is asked
    // when a connection is refused or breaks; a frozen holder does neither, and `connect_timeout` would not
    // help: only libpq's blocking functions heed it, and postgres_fdw uses the others.
    const options = {
      host: peers.map((peer) => peer.host).join(','),
      port: peers.map((peer) => peer.port).join(','),
      dbname: database,
      sslmode: 'disable',
      ...SILENCE_LIMITS,
      async_capable: 'true',
    };
    return `CREATE SERVER ${quoteName(server)} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (${optionList(options)});
      CREATE USER MAPPING FOR CURRENT_USER SERVER ${quoteName(server)} OPTIONS (${optionList({ user, password })});`;
  });
  for (const shard of shards) {
    for (const table of tables) {
      const name = shardTable(table.name, shard);
      statements.push(
        `CREATE FOREIGN TABLE ${quoteTable(name)} PARTITION OF ${quoteTable(table.name)}
           FOR VALUES WITH (MODULUS ${shards.length}, REMAINDER ${shard.index})
           SERVER ${quoteName(foreignServer(shard))} OPTIONS (${optionList(foreignName(name))});`,
      );
    }
  }
  await session.execute(statements.join('\n'), STATEMENT_LIMIT_MS);
}

async function createShards(session: Session, { tables }: Dataset, shards: readonly Partition[]): Promise<void> {
  const statements = shards.flatMap((shard) =>
    tables.map(
      (table) =>
        `CREATE TABLE ${quoteTable(shardTable(table.name, shard))} (${columnList(table)}, PRIMARY KEY (${table.primaryKey.map(quoteName).join(', ')}));`,
    ),
  );
  await session.execute([createSchemas(tables), ...statements].join('\n'), STATEMENT_LIMIT_MS);
}

async function loadRows(
  session: Session,
  { tables }: Dataset,
  shards: readonly Partition[],
  shardOfRoom: PlacementMap['partitionOfKey'],
): Promise<void> {
  for (const table of tables) {
    const byShard = Map.groupBy(table.rows, (row) => shardOfRoom[Number(row[0])]);
    for (const shard of shards) {
      const rows = byShard.get(shard.index);
      if (!rows) continue;
      const arrays = table.columns.map((column, i) => `$${i + 1}::${column.type}[]`);
      await session.query(
        `INSERT INTO ${quoteTable(shardTable(table.name, shard))} SELECT * FROM unnest(${arrays.join(', ')})`,
        table.columns.map((_, i) => rows.map((row) => row[i])),
        { timeoutMs: STATEMENT_LIMIT_MS },
      );
    }
  }
}

/** On the publisher: what each subscriber may read, and a slot that keeps it until it was read. */
async function publish(session: Session, flows: readonly Flow[], { tables }: Dataset): Promise<void> {
  const publications = flows.map((flow) => {
    const relations = flow.shards.flatMap((shard) => tables.map((table) => quoteTable(shardTable(table.name, shard))));
    return `CREATE PUBLICATION ${quoteName(flowName(flow))} FOR TABLE ${relations.join(', ')};`;
  });
  if (publications.length === 0) return;
  await session.execute(publications.join('\n'), STATEMENT_LIMIT_MS);
  for (const flow of flows) {
    await session.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [flowName(flow)], {
      timeoutMs: STATEMENT_LIMIT_MS,
    });
  }
}

async function subscribe(session: Session, flows: readonly Flow[], nodes: Nodes): Promise<void> {
  const statements = flows.map((flow) => {
    const publisher = nodes.all.find(({ name }) => name === flow.publisher) as NodeControl;
    const { host, port, user, password, database } = publisher.peerAddress(flow.subscriber);
    const conninfo = Object.entries({
      host,
      port,
      user,
      password,
      dbname: database,
      sslmode: 'disable',
      ...SILENCE_LIMITS,
    }).map(([name, value]) => `${name}='${String(value).replace(/['\\]/g, '\\$&')}'`);
    const name = quoteName(flowName(flow));
    return `CREATE SUBSCRIPTION ${name} CONNECTION ${quoteText(conninfo.join(' '))} PUBLICATION ${name}
      WITH (origin = none, copy_data = false, create_slot = false, slot_name = ${name});`;
  });
  if (statements.length > 0) await session.execute(statements.join('\n'), STATEMENT_LIMIT_MS);
}

/** Waits until every subscriber of a worker follows it. */
async function untilStreaming(session: Session, worker: NodeName, subscribers: number, signal: AbortSignal) {
  const streaming = await until({ limitMs: STREAMING_LIMIT_MS, everyMs: STREAMING_POLL_MS, signal }, async () => {
    const [row] = await session.query(`SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming'`, [], {
      timeoutMs: STATEMENT_LIMIT_MS,
    });
    return Number(row?.[0]) >= subscribers ? undefined : Number(row?.[0]);
  });
  if (streaming === undefined) return;
  throw new EnvironmentError(`${streaming} of ${subscribers} subscribers follow ${worker} after 30 s`, {
    code: 'replication-not-started',
    hint: 'the logs of the servers may say why',
  });
}

/** One flow for each ordered pair of workers that hold a shard in common. */
export function replicationFlows(shards: readonly Partition[]): Flow[] {
  const flows = new Map<string, Flow & { readonly shards: Partition[] }>();
  for (const shard of shards) {
    for (const publisher of shard.copies) {
      for (const subscriber of shard.copies) {
        if (publisher === subscriber) continue;
        const flow = flows.get(`${publisher} ${subscriber}`) ?? { publisher, subscriber, shards: [] };
        flow.shards.push(shard);
        flows.set(`${publisher} ${subscriber}`, flow);
      }
    }
  }
  return [...flows.values()];
}

/** Of publication, slot and subscription. A slot's name allows lower case letters, digits and `_` only. */
function flowName({ publisher, subscriber }: Flow): string {
  return `${publisher}_to_${subscriber}`.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}

/** Shards with the same holders in the same order share a foreign server, and so its connections. */
function foreignServer({ copies: placements }: Partition): string {
  return placements.join('_');
}

function createSchemas(tables: readonly TableSpec[]): string {
  const schemas = new Set(tables.flatMap(({ name }) => schemaOf(name) ?? []));
  return [...schemas].map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)};`).join(' ');
}

/** A table as a foreign one names it. */
function foreignName(table: string): Readonly<Record<string, string>> {
  const schema = schemaOf(table);
  return schema === undefined
    ? { schema_name: 'public', table_name: table }
    : { schema_name: schema, table_name: table.slice(schema.length + 1) };
}

function shardTable(table: string, shard: Partition): string {
  return `${table}_shard_${shard.index}`;
}

function shardsOn(shards: readonly Partition[], worker: NodeName): Partition[] {
  return shards.filter((shard) => shard.copies.includes(worker));
}

function distributionColumn(table: TableSpec): ColumnSpec {
  return table.columns[0] as ColumnSpec;
}

function columnList({ columns }: TableSpec): string {
  return columns.map((column) => `${quoteName(column.name)} ${column.type}`).join(', ');
}

function optionList(options: Readonly<Record<string, string>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${quoteText(value)}`)
    .join(', ');
}

/** As one of them reaches the others. */
function addressesOf(nodes: Nodes, from: NodeName): Map<NodeName, Address> {
  return new Map(nodes.all.map((node) => [node.name, node.peerAddress(from)]));
}
