/**
 * The engine `native`: only PostgreSQL's own parts. Tables are hash partitions on the coordinator; each is a postgres_fdw
 * foreign table whose server names all holders of the shard, and libpq uses the first one that answers. Holders
 * replicate to each other by logical replication in both directions, without forwarding replicated rows
 * (`origin = none`). Every holder always takes writes, so replication is asynchronous, and a worker that comes back
 * serves old data until it has caught up.
 */

import { defineEngine, type FormedCluster, type FormOptions } from '../cluster/engine.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl, Nodes } from '../cluster/platform.ts';
import {
  dataNodes,
  type NodeName,
  type Partition,
  type PlacementMap,
  partitionName,
  ringPlacement,
} from '../model/topology.ts';
import { quoteTable } from '../sql/quote.ts';
import type { Session } from '../sql/session.ts';
import { MARK, markTable } from './data-set-sql.ts';
import { publish, replicationFlows, subscribe, untilFollowed } from './native/flows.ts';
import { partitionOf } from './native/partition-hash.ts';
import {
  addressesFromCoordinator,
  createForeignPartitions,
  createParents,
  createShards,
  loadRows,
  readShardOfRooms,
  shardsOn,
  shardTable,
} from './native/shards.ts';
import { ask, execute } from './native/sql.ts';
import { COORDINATOR, coordinatorOf, coordinatorRoute, SHARDED, workersOf } from './sharded.ts';

const CONNECT_LIMIT_MS = 10_000;

export const native = defineEngine({
  name: 'native',
  summary: 'hash partitions over postgres_fdw, replicated both ways by logical replication',

  ...SHARDED,
  routes: [COORDINATOR],
  clientTablesStayLocal: true,

  // A worker shares shards with at most 2 * (replication - 1) others, 6 for replication 4; 12 leaves room to spare.
  settings: {
    wal_level: 'logical',
    max_replication_slots: '12',
    max_wal_senders: '12',
    max_logical_replication_workers: '12',
    max_worker_processes: '20',
    // Records for every row whether it came from a client or by replication.
    track_commit_timestamp: 'on',
    // How long a subscriber waits before it reconnects to a publisher that was down.
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
    // Create slots after loading rows, so that these rows are not replicated to holders that already have them.
    onWorkers(async (session, worker) => {
      await loadRows(session, dataset, shardsOn(shards, worker), shardOfRoom);
      await publish(
        session,
        flows.filter((flow) => flow.publisher === worker),
        dataset,
      );
    }),
  ]);
  // Subscribe once all slots exist: creating a slot waits for running transactions on its node, so two nodes that
  // created slots on each other within transactions would deadlock.
  await onWorkers((session, worker) =>
    subscribe(
      session,
      flows.filter((flow) => flow.subscriber === worker),
      nodes,
    ),
  );
  await onWorkers((session, worker) =>
    untilFollowed(session, worker, flows.filter((flow) => flow.publisher === worker).length, signal),
  );
  // Last of all, so that a table without the mark shows an incomplete formation.
  await execute(
    sessions.of(COORDINATOR),
    dataset.tables.map(({ name }) => markTable(name)),
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

/** Reads the coordinator's catalogue: each partition's foreign server names the holders' addresses. */
async function inspect({ nodes, dataset }: Omit<FormOptions, 'topology'>): Promise<FormedCluster | undefined> {
  const [first] = dataset.tables;
  if (!first) return undefined;
  await using session = await openSession(coordinatorOf(nodes), 'inspect', { limitMs: CONNECT_LIMIT_MS });
  const [marked] = await ask(
    session,
    `SELECT count(*)::int FROM unnest($1::text[]) AS name
      WHERE obj_description(to_regclass(name), 'pg_class') = $2`,
    [dataset.tables.map(({ name }) => quoteTable(name)), MARK],
  );
  if (marked?.[0] !== dataset.tables.length) return undefined;
  const partitions = await ask(
    session,
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
    [...addressesFromCoordinator(nodes)].map(([name, { host, port }]) => [`${host}:${port}`, name]),
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

/** One session for every node, closed together. */
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
      limitMs: CONNECT_LIMIT_MS,
      // Statements must not reach the log: some contain the password.
      settings: { log_statement: 'none', log_min_duration_statement: '-1', log_min_error_statement: 'panic' },
    });
    this.#sessions.set(node.name, session);
  }
}
