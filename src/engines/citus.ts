/**
 * The engine `citus`: tables distributed by room with `create_distributed_table`, with copies of every shard on several
 * workers (`citus.shard_replication_factor`). If a placement fails, a read tries the next one. A write is a two-phase
 * commit over all placements of its shard, so a shard with a placement down is read-only. Tested with Citus 13 and 14;
 * docs/citus.md describes how Citus behaves when nodes fail.
 */

import { type Dataset, defineEngine, type FormedCluster, type FormOptions, type TableSpec } from '../cluster/engine.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl, Nodes } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { Topology } from '../model/topology.ts';
import { until } from '../model/until.ts';
import { quoteTable } from '../sql/quote.ts';
import type { Row, Session } from '../sql/session.ts';
import { listedNodes } from './citus/catalogue.ts';
import { repairCommands } from './citus/repair.ts';
import {
  authinfo,
  type CatalogueRow,
  compareText,
  distribute,
  dropTables,
  FIND_TABLES,
  lockHolder,
  type Peer,
  placementMap,
  placementSources,
  READ_ENCRYPTION,
  READ_PLACEMENTS,
  READ_SHARD_OF_ROOMS,
  READ_VERSION,
  SET_AUTHINFO,
} from './citus/sql.ts';
import { columnArrays, createSchemas, createTable, insertRows, markTable } from './data-set-sql.ts';
import { COORDINATOR, coordinatorOf, coordinatorRoute, SHARDED } from './sharded.ts';

const CONNECT_LIMIT_MS = 10_000;
const STATEMENT_LIMIT_MS = 60_000;
/** Rows per INSERT: a few megabytes at most. */
const ROWS_AT_ONCE = 5_000;
/** A server that has just created its certificate refuses TLS for a moment. */
const ADD_NODE_LIMIT_MS = 2_000;
const ADD_NODE_SPACING_MS = 100;
/** The first version in which a write needs all placements and `citus_disable_node` waits for no node. */
const OLDEST_MAJOR = 11;

export const citus = defineEngine({
  name: 'citus',
  summary: 'tables distributed by Citus, every shard on several workers, written by two-phase commit',
  extension: 'citus',
  ...SHARDED,
  routes: [COORDINATOR],
  sharesAddresses: true,
  listed: listedNodes,

  // Citus sets max_prepared_transactions itself, to twice max_connections. Repair copies shards without blocking writes,
  // which needs logical decoding.
  settings: {
    shared_preload_libraries: 'citus',
    wal_level: 'logical',
    max_worker_processes: '20',
    // The nodes are containers on one machine, where TLS would only cost time.
    'citus.node_conninfo': 'sslmode=disable',
    // A test cluster must not send usage statistics to Citus.
    'citus.enable_statistics_collection': 'off',
  },

  settingsFor: ({ replication }) => ({ 'citus.shard_replication_factor': String(replication) }),

  form,
  inspect,

  // A read waits for a frozen holder: 30 s, or for ever.
  rule: {
    name: 'citus',
    partitionWord: SHARDED.partitionWord,
    writeNeeds: 'all-holders',
    writesAlsoNeed: ({ workers, partitions: shards }) => lockHolder(shards, workers.toSorted(compareText)[0]),
    readingOrder: (holders) => holders.toSorted(compareText),
  },
});

async function form({ nodes, topology, dataset, signal }: FormOptions): Promise<FormedCluster> {
  const peers = nodes.all.map(peerOf);
  const versions = await Promise.all(nodes.all.map((node) => prepareNode(node, topology, signal)));
  await using coordinator = await connect(coordinatorOf(nodes), topology);
  const abort = () => coordinator.discard();
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    await addNodes(coordinator, peers, signal);
    await makeTables(coordinator, topology, dataset);
    for (const table of dataset.tables) await load(coordinator, table);
    return await describe(coordinator, { nodes, topology, dataset, peers, version: versions[0] as string });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Requires placements of every table: a formation that was interrupted leaves tables that are not distributed. */
async function inspect({ nodes, dataset }: Omit<FormOptions, 'topology'>): Promise<FormedCluster | undefined> {
  await using coordinator = await connect(coordinatorOf(nodes), { replication: 1 });
  const [there] = await ask(coordinator, "SELECT to_regclass('pg_catalog.pg_dist_shard') IS NOT NULL");
  if (there?.[0] !== true) return undefined;
  const names = dataset.tables.map(({ name }) => name);
  const ours = (await ask(coordinator, FIND_TABLES, [names, names.map(quoteTable)])).filter(
    ([, marked]) => marked === true,
  );
  if (ours.length < names.length) return undefined;
  const placed = await ask(coordinator, READ_PLACEMENTS, [names, names.map(quoteTable)]);
  if (new Set(placed.map(([table]) => table)).size < names.length) return undefined;
  const [row] = await ask(coordinator, READ_VERSION);
  // The number of placements of each shard of each table.
  const copies = [...Map.groupBy(placed, ([table, index]) => `${table} ${index}`).values()].map((rows) => rows.length);
  const topology = {
    replication: Math.max(...copies),
  };
  const peers = nodes.all.map(peerOf);
  return await describe(coordinator, { nodes, topology, dataset, peers, version: String(row?.[0]) });
}

function connect(node: NodeControl, { replication }: Pick<Topology, 'replication'>): Promise<Session> {
  return openSession(node, 'form', {
    limitMs: CONNECT_LIMIT_MS,
    settings: {
      'citus.shard_replication_factor': String(replication),
      client_min_messages: 'error',
      // Failed statements must not reach the log: some contain the password.
      log_min_error_statement: 'panic',
    },
  });
}

function ask(session: Session, statement: string, values: readonly unknown[] = []): Promise<Row[]> {
  return session.query(statement, values, { timeoutMs: STATEMENT_LIMIT_MS });
}

function peerOf(node: NodeControl): Peer {
  const { host, port } = node.peerAddress(COORDINATOR);
  return { name: node.name, host, port };
}

async function whyNotOffered(session: Session): Promise<string | undefined> {
  const [row] = await ask(
    session,
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus'),
            current_setting('shared_preload_libraries') ~ '(^|[ ,])"?citus"?($|[ ,])'`,
  );
  if (row?.[0] !== true) return 'the servers do not offer the extension citus';
  if (row[1] !== true) return 'citus is not in shared_preload_libraries of the servers';
  return undefined;
}

/** Creates the extension and stores the password for the other nodes. @returns the version, `Citus 14.0.1`. */
async function prepareNode(node: NodeControl, topology: Topology, signal: AbortSignal): Promise<string> {
  await using session = await connect(node, topology);
  signal.throwIfAborted();
  const missing = await whyNotOffered(session);
  if (missing !== undefined) {
    throw new EnvironmentError(`${node.name}: ${missing}`, {
      code: 'citus-missing',
      hint: 'use an image with Citus, or the engine native',
    });
  }
  await ask(session, 'CREATE EXTENSION IF NOT EXISTS citus');
  const [row] = await ask(session, READ_VERSION);
  const version = String(row?.[0]);
  if (Number.parseInt(version.slice('Citus '.length), 10) < OLDEST_MAJOR) {
    throw new EnvironmentError(`${node.name}: ${version} is too old`, {
      code: 'citus-too-old',
      hint: `the engine citus needs Citus ${OLDEST_MAJOR} or newer`,
    });
  }
  const { user, password } = node.peerAddress(COORDINATOR);
  if (password !== '') await ask(session, SET_AUTHINFO, [user, authinfo(password)]);
  return version;
}

/** Citus ignores nodes that it already knows. */
async function addNodes(session: Session, peers: readonly Peer[], signal: AbortSignal): Promise<void> {
  for (const { name, host, port } of peers) {
    if (name === COORDINATOR) await ask(session, 'SELECT citus_set_coordinator_host($1, $2)', [host, port]);
    else {
      const refusal = await until({ limitMs: ADD_NODE_LIMIT_MS, everyMs: ADD_NODE_SPACING_MS, signal }, async () => {
        try {
          await ask(session, 'SELECT citus_add_node($1, $2)', [host, port]);
          return undefined;
        } catch (error) {
          // Class 08: the node could not be reached. Other errors would recur.
          if (!String((error as { code?: unknown }).code).startsWith('08')) throw error;
          return { error };
        }
      });
      if (refusal) throw refusal.error;
    }
  }
}

/** Replaces the tables of an earlier run on the same cluster. @throws EnvironmentError if pgquake did not create them. */
async function makeTables(session: Session, { partitions: shards }: Topology, { tables }: Dataset): Promise<void> {
  const names = tables.map(({ name }) => name);
  const present = await ask(session, FIND_TABLES, [names, names.map(quoteTable)]);
  const foreign = present.filter(([, ours]) => ours !== true).map(([name]) => String(name));
  if (foreign.length > 0) {
    throw new EnvironmentError(`the database already has tables with these names: ${foreign.join(', ')}`, {
      code: 'tables-exist',
      hint: 'pgquake creates its own tables and replaces no others; use a database without them',
    });
  }
  if (present.length > 0) await ask(session, dropTables(present.map(([name]) => String(name))));
  for (const statement of createSchemas(names)) await ask(session, statement);
  for (const [i, table] of tables.entries()) {
    await ask(session, createTable(table));
    await ask(session, markTable(table.name));
    await ask(session, distribute(table, shards, i === 0 ? undefined : tables[0]?.name));
  }
}

async function load(session: Session, table: TableSpec): Promise<void> {
  for (let first = 0; first < table.rows.length; first += ROWS_AT_ONCE) {
    const rows = table.rows.slice(first, first + ROWS_AT_ONCE);
    await ask(session, insertRows(table), columnArrays(table, rows));
  }
}

interface Formed {
  readonly nodes: Nodes;
  readonly topology: Pick<Topology, 'replication'>;
  readonly dataset: Dataset;
  readonly peers: readonly Peer[];
  readonly version: string;
}

/** Reads the formed cluster from the catalogue. */
async function describe(
  session: Session,
  { nodes, topology, dataset, peers, version }: Formed,
): Promise<FormedCluster> {
  const [table] = dataset.tables;
  if (!table) throw new Error('a data set has at least one table');
  const names = dataset.tables.map(({ name }) => name);
  const rows = (await ask(session, READ_PLACEMENTS, [names, names.map(quoteTable)])).map(
    ([name, index, shardId, host, port]): CatalogueRow => ({
      table: String(name),
      index: Number(index),
      shardId: String(shardId),
      host: String(host),
      port: Number(port),
    }),
  );
  const roomShards = (await ask(session, READ_SHARD_OF_ROOMS, [quoteTable(table.name), dataset.partitionKeys])).map(
    ([room, shardId]) => [Number(room), String(shardId)] as const,
  );
  const placement = placementMap(table.name, rows, roomShards, peers);
  const [ssl] = await ask(session, READ_ENCRYPTION);
  const sslmode = ssl === undefined ? undefined : String(ssl[0]);
  return {
    placement,
    routes: { [COORDINATOR]: coordinatorRoute(nodes) },
    version,
    placementSources: (name) => placementSources(name, rows, peers),
    placementSettings: { 'citus.enable_manual_changes_to_shards': 'on' },
    ...(sslmode === undefined ? {} : { encrypted: sslmode }),
    recover: () => recover(coordinatorOf(nodes)),
    repairCommands: (down) =>
      repairCommands({ placement, down, peers, table: table.name, replication: topology.replication }),
  };
}

/** Does what the Citus daemon does every `citus.recover_2pc_interval`, a minute by default: ends prepared transactions by its log. */
async function recover(coordinator: NodeControl): Promise<void> {
  await using session = await connect(coordinator, { replication: 1 });
  await ask(session, 'SELECT recover_prepared_transactions()');
}
