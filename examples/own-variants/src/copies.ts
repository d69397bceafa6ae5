/**
 * An engine: one server takes all writes and publishes them; each other server subscribes and has a copy, by PostgreSQL's
 * logical replication. No copy takes over from the publisher.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Dataset,
  defineEngine,
  EnvironmentError,
  type FormedCluster,
  type NodeControl,
  type Nodes,
  type PlacementMap,
  quoteName,
  quoteTable,
  quoteText,
  type Route,
  Session,
  schemaOf,
} from 'pgquake';

const PUBLICATION = 'copies';
/** The comment on the publication, set last of all, so that a cluster without it is not fully formed. */
const FORMED = 'formed by the engine copies';
const CONNECT_LIMIT_MS = 10_000;
const STATEMENT_LIMIT_MS = 30_000;
const COPIED_LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 20;

export const copies = defineEngine({
  name: 'copies',
  summary: 'one publisher, copied to every other server by logical replication',
  // One publisher; the other nodes with data are copies.
  nodes: (holding) =>
    Array.from({ length: holding }, (_, i) =>
      i === 0
        ? { name: 'publisher', role: 'publisher', part: 'data' }
        : { name: `copy${i}`, role: 'copy', part: 'data' },
    ),
  routes: ['publisher', 'copies'],
  readRoutes: ['copies'],
  clientTablesStayLocal: true,
  settings: {
    wal_level: 'logical',
    // How long a subscriber waits before it reconnects to a publisher that was down.
    wal_retrieve_retry_interval: '200ms',
    // Records for every row whether it came from a client or by replication.
    track_commit_timestamp: 'on',
  },

  async form({ nodes, dataset, signal }) {
    const [publisher, ...subscribers] = nodes.all as readonly [NodeControl, ...NodeControl[]];
    await onEach(nodes.all, signal, (session) => createTables(session, dataset));
    await onEach([publisher], signal, async (session) => {
      await insertRows(session, dataset);
      const tables = dataset.tables.map(({ name }) => quoteTable(name)).join(', ');
      await session.execute(`CREATE PUBLICATION ${PUBLICATION} FOR TABLE ${tables}`, STATEMENT_LIMIT_MS);
    });
    await onEach(subscribers, signal, async (session, node) => {
      await session.execute(subscriptionSql(node, publisher), STATEMENT_LIMIT_MS);
      await untilCopied(session, node, signal);
    });
    const formed = `COMMENT ON PUBLICATION ${PUBLICATION} IS ${quoteText(FORMED)}`;
    await onEach([publisher], signal, (session) => session.execute(formed, STATEMENT_LIMIT_MS));
    return formedOf(nodes, dataset);
  },

  async inspect({ nodes, dataset, signal }) {
    const [publisher] = nodes.all as readonly [NodeControl];
    const mark = `SELECT obj_description(oid, 'pg_publication') FROM pg_publication WHERE pubname = $1`;
    const [rows] = await onEach([publisher], signal, (session) => session.query(mark, [PUBLICATION]));
    return rows?.[0]?.[0] === FORMED ? formedOf(nodes, dataset) : undefined;
  },

  /** The publisher serves all clients, except those that use the route `copies`. */
  expect({ placement }, { down, frozen = new Set() }) {
    return {
      partitions: placement.partitions.map(({ name, copies: [publisher = ''] }) => {
        const served = !down.has(publisher) && !frozen.has(publisher);
        const stalled = frozen.has(publisher) ? { stalled: ['read' as const, 'write' as const] } : {};
        return { partition: name, readable: served, writable: served, ...stalled };
      }),
    };
  },
});

function formedOf(nodes: Nodes, { partitionKeys }: Dataset): FormedCluster {
  const [publisher, ...subscribers] = nodes.all as readonly [NodeControl, ...NodeControl[]];
  const placement: PlacementMap = {
    // One partition; every server has all of its rows.
    partitions: [{ index: 0, name: 'A', copies: nodes.all.map(({ name }) => name) }],
    partitionOfKey: Object.fromEntries(partitionKeys.map((partitionKey) => [partitionKey, 0])),
  };
  return {
    placement,
    routes: {
      publisher: routeTo('publisher', 'write', [publisher]),
      copies: routeTo('copies', 'read', subscribers),
    },
    placementSources: (table) =>
      nodes.all.map(({ name }) => ({ partition: 0, node: name, relation: quoteTable(table) })),
    takenHereSql: (relation) =>
      `SELECT count(*) FROM ${relation} WHERE (pg_xact_commit_timestamp_origin(xmin)).roident = 0`,
  };
}

/** Asks for the address every time, because a server may come back at another one. */
function routeTo(name: string, access: Route['access'], nodes: readonly NodeControl[]): Route {
  const addressOf = async (node: NodeControl) => {
    await node.locate?.();
    return node.address();
  };
  return { name, access, addresses: () => Promise.all(nodes.map(addressOf)) };
}

/** Runs `act` on each node with its own session. @returns the results, in the order of the nodes. */
async function onEach<T>(
  nodes: readonly NodeControl[],
  signal: AbortSignal,
  act: (session: Session, node: NodeControl) => Promise<T>,
): Promise<T[]> {
  signal.throwIfAborted();
  return await Promise.all(
    nodes.map(async (node) => {
      await using session = await Session.connect(node.address(), {
        applicationName: 'copies',
        connectTimeoutMs: CONNECT_LIMIT_MS,
        // Statements must not reach the log: one contains the password.
        settings: { log_statement: 'none', log_min_duration_statement: '-1', log_min_error_statement: 'panic' },
      });
      return await act(session, node);
    }),
  );
}

async function createTables(session: Session, { tables }: Dataset): Promise<void> {
  for (const { name, columns, primaryKey } of tables) {
    const schema = schemaOf(name);
    const list = columns.map((column) => `${quoteName(column.name)} ${column.type}`).join(', ');
    await session.execute(
      `${schema === undefined ? '' : `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)};`}
       CREATE TABLE ${quoteTable(name)} (${list}, PRIMARY KEY (${primaryKey.map(quoteName).join(', ')}))`,
      STATEMENT_LIMIT_MS,
    );
  }
}

async function insertRows(session: Session, { tables }: Dataset): Promise<void> {
  for (const { name, columns, rows } of tables) {
    if (rows.length === 0) continue;
    const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ');
    await session.query(
      `INSERT INTO ${quoteTable(name)} SELECT * FROM unnest(${arrays})`,
      columns.map((_, i) => rows.map((row) => row[i])),
      { timeoutMs: STATEMENT_LIMIT_MS },
    );
  }
}

/** Creates a slot on the publisher, which keeps what the subscriber has not read. */
function subscriptionSql(subscriber: NodeControl, publisher: NodeControl): string {
  const { host, port, user, password, database } = publisher.peerAddress(subscriber.name);
  const words = Object.entries({ host, port, user, password, dbname: database, sslmode: 'disable' });
  const conninfo = words.map(([name, value]) => `${name}='${String(value).replace(/['\\]/g, '\\$&')}'`).join(' ');
  const slot = `copy_${subscriber.name}`.replace(/[^a-z0-9_]/g, '_');
  return `CREATE SUBSCRIPTION ${PUBLICATION} CONNECTION ${quoteText(conninfo)} PUBLICATION ${PUBLICATION}
    WITH (slot_name = ${quoteText(slot)})`;
}

/** Waits until every table is copied and replicating. */
async function untilCopied(session: Session, { name }: NodeControl, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + COPIED_LIMIT_MS;
  for (;;) {
    signal.throwIfAborted();
    const [row] = await session.query(`SELECT count(*)::int FROM pg_subscription_rel WHERE srsubstate <> 'r'`);
    if (row?.[0] === 0) return;
    if (performance.now() > giveUpAt) {
      throw new EnvironmentError(`${name}: ${row?.[0]} tables are not copied after ${COPIED_LIMIT_MS / 1_000} s`, {
        code: 'not-copied',
        hint: 'the logs of the servers may say why',
      });
    }
    await sleep(LOOK_AGAIN_MS);
  }
}
