/**
 * Observations that cost time or server work, made only for checks that need them. A failed one is recorded and does
 * not end the run.
 */

import { availableParallelism } from 'node:os';
import type { FormedCluster, PlacementSource, TableSpec } from '../cluster/engine.ts';
import { openSession } from '../cluster/open-session.ts';
import type { Nodes } from '../cluster/platform.ts';
import { mainRoute } from '../cluster/route.ts';
import { errorText } from '../model/errors.ts';
import type { Observation, ReadScalingStep, WorkOfWorker } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { NodeName } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import { quoteName, quoteTable, quoteText } from '../sql/quote.ts';
import type { Session } from '../sql/session.ts';
import { ledgerOf, type Workload } from '../workloads/workload.ts';
import { Pressure } from './pressure.ts';
import { datasetOf, keysToProbe, PROBES_TABLE, Probes, probesAreOn } from './probes.ts';
import type { Recorder } from './recorder.ts';

const STATEMENT_LIMIT_MS = 60_000;
/** A busy server publishes its statistics once a second. */
const COUNTS_ARE_TOLD_WITHIN_MS = 1_100;
/** Length of each step of fast reads: long enough to outlast a short disturbance. */
const SCALING_STEP_MS = 2_000;
const SCALING_CONNECTIONS = 8;
const SCALING_DEPTH = 8;

export interface ObservationOptions {
  readonly observe: ReadonlySet<Observation>;
  readonly plan: Plan;
  readonly nodes: Nodes;
  readonly cluster: FormedCluster;
  readonly workload: Workload;
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
}

/** Counts the work of every worker so far; `since` records the increase. */
export async function countWork(options: ObservationOptions): Promise<{ since(): Promise<void> }> {
  let before: readonly WorkOfWorker[] | undefined;
  await observed('work-of-workers', options, async () => {
    before = await workOfWorkers(options);
  });
  const since = () =>
    observed('work-of-workers', options, async () => {
      if (!before) return;
      await pause(COUNTS_ARE_TOLD_WITHIN_MS, options.signal);
      const was = new Map(before.map((work) => [work.node, work]));
      const workers = (await workOfWorkers(options)).map(({ node, reads, writes }) => ({
        node,
        reads: reads - (was.get(node)?.reads ?? 0),
        writes: writes - (was.get(node)?.writes ?? 0),
      }));
      options.recorder.event({ type: 'work-of-workers', workers });
    });
  return { since };
}

async function workOfWorkers({ nodes, cluster, workload, plan }: ObservationOptions): Promise<WorkOfWorker[]> {
  const taken =
    cluster.takenHereSql ?? ((relation) => `SELECT pg_stat_get_tuples_inserted(${quoteText(relation)}::regclass)`);
  const table = ledgerOf(workload, plan.scenario.workload.params)?.table;
  if (table === undefined) throw new Error('the workload has no table whose rows could be counted');
  return onWorkers(nodes, cluster.placementSources(table), async (session, sources) => {
    const reads = await scans(session, sources);
    let writes = 0;
    for (const { relation } of sources) writes += await askNumber(session, taken(relation));
    return { reads, writes };
  });
}

/** How often these tables were scanned. The view `pg_stat_user_tables` would not do: Citus hides placements in it. */
async function scans(session: Session, sources: readonly PlacementSource[]): Promise<number> {
  const relations = sources.map(({ relation }) => `(${quoteText(relation)}::regclass::oid)`).join(', ');
  if (relations === '') return 0;
  return askNumber(
    session,
    `WITH tables (id) AS (VALUES ${relations}),
          counted (id) AS (SELECT id FROM tables UNION ALL SELECT indexrelid FROM pg_index JOIN tables ON indrelid = id)
     SELECT sum(pg_stat_get_numscans(id)) FROM counted`,
  );
}

/** Records the size of all placements, and of one copy of the same rows in temporary tables. */
export function compareStorage(options: ObservationOptions): Promise<void> {
  const { nodes, cluster, workload, plan, recorder } = options;
  return observed('storage', options, async () => {
    const { params } = plan.scenario.workload;
    const { tables } = datasetOf(workload, params, probesAreOn(plan.scenario));
    const sources = tables.flatMap(({ name }) => cluster.placementSources(name));
    const perWorker = await onWorkers(nodes, sources, async (session, held) => {
      const bytes = new Map<number, number>();
      for (const { partition, relation } of held) {
        const size = await askNumber(session, `SELECT pg_total_relation_size(${quoteText(relation)})`);
        bytes.set(partition, (bytes.get(partition) ?? 0) + size);
      }
      return { bytes };
    });
    const placements = perWorker.flatMap(({ node, bytes }) =>
      [...bytes].map(([partition, size]) => ({
        partition: cluster.placement.partitions[partition]?.name ?? String(partition),
        node,
        bytes: size,
      })),
    );
    recorder.event({ type: 'storage', oneCopyBytes: await sizeOfOneCopy(cluster, tables), copies: placements });
  });
}

/** Measures temporary tables with the same columns and keys, on the node that clients connect to. */
async function sizeOfOneCopy({ routes }: FormedCluster, tables: readonly TableSpec[]): Promise<number> {
  await using session = await openSession(mainRoute(routes), 'observation');
  let bytes = 0;
  for (const { name, columns, primaryKey } of tables) {
    const copy = quoteName(`pgquake_one_copy_of_${name.replace('.', '_')}`);
    const list = columns.map((column) => `${quoteName(column.name)} ${column.type} NOT NULL`).join(', ');
    const names = columns.map((column) => quoteName(column.name)).join(', ');
    await session.execute(
      `CREATE TEMPORARY TABLE ${copy} (${list}, PRIMARY KEY (${primaryKey.map(quoteName).join(', ')}));
       INSERT INTO ${copy} SELECT ${names} FROM ${quoteTable(name)}`,
      STATEMENT_LIMIT_MS,
    );
    bytes += await askNumber(session, `SELECT pg_total_relation_size(${quoteText(`pg_temp.${copy}`)})`);
  }
  return bytes;
}

/**
 * Reads single rows as fast as possible from the partitions of one worker, then of two, four and so on. Records the
 * reads of each step, and which workers served at least half of an even share.
 */
export function scaleReads(options: ObservationOptions): Promise<void> {
  const { cluster, recorder, signal } = options;
  return observed('read-scaling', options, async () => {
    const partitionKeys = keysToProbe(cluster.placement.partitionOfKey);
    const first = (partitionKey: number): NodeName | undefined => {
      const partition = cluster.placement.partitionOfKey[partitionKey];
      return partition === undefined ? undefined : cluster.placement.partitions[partition]?.copies[0];
    };
    const servers = [...new Set(partitionKeys.map(first))];
    const steps: ReadScalingStep[] = [];
    for (const workers of doublings(servers.length)) {
      signal.throwIfAborted();
      const chosen = new Set(servers.slice(0, workers));
      steps.push(
        await readFast(
          options,
          workers,
          partitionKeys.filter((partitionKey) => chosen.has(first(partitionKey))),
        ),
      );
    }
    recorder.event({ type: 'read-scaling', cores: availableParallelism(), steps });
  });
}

/** 1, 2, 4, ... and the number itself. */
function doublings(end: number): number[] {
  const steps: number[] = [];
  for (let step = 1; step < end; step *= 2) steps.push(step);
  return [...steps, end];
}

async function readFast(
  { nodes, cluster, signal }: ObservationOptions,
  workers: number,
  partitionKeys: readonly number[],
): Promise<ReadScalingStep> {
  const sources = cluster.placementSources(PROBES_TABLE);
  const read = () => onWorkers(nodes, sources, async (session, held) => ({ scans: await scans(session, held) }));
  const probes = new Probes(0);
  let n = 0;
  const next = () => probes.next('read', partitionKeys[n++ % partitionKeys.length] as number);
  const before = new Map((await read()).map((worker) => [worker.node, worker.scans]));
  const pressure = new Pressure({
    connections: SCALING_CONNECTIONS,
    depth: SCALING_DEPTH,
    // Opens the connections to all workers before the measurement.
    connect: async () => {
      const session = await openSession(mainRoute(cluster.routes), 'observation', { pipeline: true });
      for (const partitionKey of partitionKeys)
        await probes.next('read', partitionKey).run(session, STATEMENT_LIMIT_MS);
      return session;
    },
    next,
  });
  await pressure.open();
  pressure.start();
  // Always stops the pressure.
  const interrupted = await pause(SCALING_STEP_MS, signal).catch((error: unknown) => ({ error }));
  const { ok, failed, forMs } = await pressure.stop();
  if (interrupted) throw interrupted.error;
  await pause(COUNTS_ARE_TOLD_WITHIN_MS, signal);
  const after = await read();
  const served = after.filter(({ node, scans: now }) => (now - (before.get(node) ?? 0)) * workers * 2 >= ok);
  return { workers, served: served.map(({ node }) => node), ok, failed, forMs };
}

/** Queries every node that holds placements. */
async function onWorkers<T extends object>(
  nodes: Nodes,
  sources: readonly PlacementSource[],
  ask: (session: Session, sources: readonly PlacementSource[]) => Promise<T>,
): Promise<({ readonly node: NodeName } & T)[]> {
  const perNode = Map.groupBy(sources, ({ node }) => node);
  return Promise.all(
    nodes.all
      .filter(({ name }) => perNode.has(name))
      .map(async (node) => {
        await using session = await openSession(node, 'observation');
        return { node: node.name, ...(await ask(session, perNode.get(node.name) ?? [])) };
      }),
  );
}

async function askNumber(session: Session, statement: string): Promise<number> {
  const [row] = await session.query(statement, [], { timeoutMs: STATEMENT_LIMIT_MS });
  return Number(row?.[0] ?? 0);
}

async function observed(
  observation: Observation,
  { observe, recorder, signal }: ObservationOptions,
  work: () => Promise<void>,
): Promise<void> {
  if (!observe.has(observation)) return;
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    recorder.event({ type: 'observation-failed', observation, error: errorText(error) });
  }
}
