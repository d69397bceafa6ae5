/**
 * Probes: the lightest reads and writes of every partition, which time outages and brownouts better than the load's
 * heavier and rarer operations. They only add rows, to their own table, so no engine has to order two updates of one
 * row.
 */

import type { Dataset, TableSpec } from '../cluster/engine.ts';
import type { PresentKeys } from '../model/event.ts';
import type { ProbeKind } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import type { ClusterSpec, ProbeSpec, Scenario } from '../model/scenario.ts';
import { quoteTable } from '../sql/quote.ts';
import type { Session } from '../sql/session.ts';
import type { OperationRequest, Workload } from '../workloads/workload.ts';

export const PROBES_TABLE = 'pgquake.probes';
const TABLE = quoteTable(PROBES_TABLE);
/** Partition keys for a workload without a data set: enough that, with hashing, every partition gets one. */
const OWN_KEYS = Array.from({ length: 16_384 }, (_, i) => i + 1);
/** The writer of the rows that probes read. */
const INITIAL_RUN = 0;
const READ = `SELECT seq FROM ${TABLE} WHERE partition_key = $1 AND run = ${INITIAL_RUN}`;
const WRITE = `INSERT INTO ${TABLE} (partition_key, run, seq) VALUES ($1, $2, $3)`;
/** For all probes on all servers, a write once for each copy, so that probing does not become the load. */
const MAX_STATEMENTS_PER_SECOND = 1_200;
/** Fresh connections as a share of the probe rate: a connection costs a server far more than a statement. */
const FRESH_SHARE = 0.02;
const MAX_FRESH_PER_SECOND = 1;
/** For all partitions together. */
const MAX_FRESH_PER_SECOND_IN_ALL = 16;

function probesTable(partitionKeys: readonly number[]): TableSpec {
  return {
    name: PROBES_TABLE,
    columns: [
      { name: 'partition_key', type: 'int' },
      { name: 'run', type: 'int' },
      { name: 'seq', type: 'int' },
    ],
    primaryKey: ['partition_key', 'run', 'seq'],
    rows: partitionKeys.map((partitionKey) => [partitionKey, INITIAL_RUN, 0]),
  };
}

/**
 * The data set of a workload, with the table of the probes.
 * @param probed whether to add that table; it is always added if there is no other, because the placement map needs
 * one.
 */
export function datasetOf<P>({ dataset }: Pick<Workload<P>, 'dataset'>, params: P, probed = true): Dataset {
  const { partitionKeys, tables } = dataset?.(params) ?? { partitionKeys: OWN_KEYS, tables: [] };
  return { partitionKeys, tables: [...tables, ...(probed || !dataset ? [probesTable(partitionKeys)] : [])] };
}

/** Whether a run needs the table of the probes, which pressure uses too. */
export function probesAreOn({ probes, pressure }: Partial<Pick<Scenario, 'probes' | 'pressure'>>): boolean {
  return probes !== undefined || pressure !== undefined;
}

/** The kinds of probe. `probe-connect` is a `probe-read` on a new connection, as without a pool. */
export function probeKinds(
  { ratePerSecond, deadlineMs, routes = [] }: ProbeSpec,
  { partitions, replication }: Pick<ClusterSpec, 'partitions' | 'replication'>,
): ProbeKind[] {
  const ways = Math.max(1, routes.length);
  const forEach = Math.min(ratePerSecond, MAX_STATEMENTS_PER_SECOND / (1 + replication) / partitions / ways);
  const kindsOf = (route: ProbedRoute | undefined, nth: number): ProbeKind[] => {
    const by = route === undefined ? {} : { route: route.name };
    const kind = { scope: 'partition', deadlineMs, ...by } as const;
    // From the second route on, names include the route.
    const named = (name: string) => (route === undefined || nth === 0 ? name : `${name}@${route.name}`);
    const read: ProbeKind = {
      ...kind,
      name: named('probe-read'),
      access: 'read',
      connection: 'pooled',
      ratePerSecond: forEach,
    };
    const fresh = Math.min(
      forEach * FRESH_SHARE,
      MAX_FRESH_PER_SECOND,
      MAX_FRESH_PER_SECOND_IN_ALL / partitions / ways,
    );
    return [
      read,
      ...(route?.access === 'read' ? [] : [{ ...read, name: named('probe-write'), access: 'write' as const }]),
      { ...read, name: named('probe-connect'), connection: 'fresh', ratePerSecond: fresh },
    ];
  };
  return routes.length === 0 ? kindsOf(undefined, 0) : routes.flatMap(kindsOf);
}

type ProbedRoute = NonNullable<ProbeSpec['routes']>[number];

/** The rows of one run's probes that clients can read. */
export async function readProbes(session: Session, run: number, timeoutMs: number): Promise<PresentKeys> {
  const present = new KeySet();
  await session.forEachRow(`SELECT seq FROM ${TABLE} WHERE run = $1`, [run], ([seq]) => present.add(run, Number(seq)), {
    timeoutMs,
  });
  return present.toRanges();
}

/** The first partition key of every partition that has one. */
export function keysToProbe(partitionOfKey: Readonly<Record<number, number>>): number[] {
  const partitionKeys = new Map<number, number>();
  for (const [partitionKey, partition] of Object.entries(partitionOfKey)) {
    if (!partitionKeys.has(partition)) partitionKeys.set(partition, Number(partitionKey));
  }
  return [...partitionKeys].sort(([a], [b]) => a - b).map(([, partitionKey]) => partitionKey);
}

/** A number that no earlier run on these tables had. */
export async function nextProbeRun(session: Session, timeoutMs: number): Promise<number> {
  const [row] = await session.query(`SELECT coalesce(max(run), 0) + 1 FROM ${TABLE}`, [], { timeoutMs });
  return Number(row?.[0]);
}

/** The server answered a read without the row that exists. */
class RowMissingError extends Error {
  readonly code = 'row-missing';

  constructor(partitionKey: number, rows: number) {
    super(`the row of key ${partitionKey} was read as ${rows} rows`);
    this.name = 'RowMissingError';
  }
}

/** The probes of one run. */
export class Probes {
  readonly #run: number;
  #seq = 0;

  /** @param run from `nextProbeRun`. */
  constructor(run: number) {
    this.#run = run;
  }

  next(access: ProbeKind['access'], partitionKey: number): OperationRequest {
    const settled = () => undefined;
    if (access === 'read')
      return { partitionKey, run: (session, timeoutMs) => read(session, partitionKey, timeoutMs), settled };
    const seq = ++this.#seq;
    return {
      partitionKey,
      key: formatKey(this.#run, seq),
      run: async (session, timeoutMs) => {
        await session.query(WRITE, [partitionKey, this.#run, seq], { name: 'probe-write', timeoutMs });
        return {};
      },
      settled,
    };
  }
}

async function read(session: Session, partitionKey: number, timeoutMs?: number) {
  const rows = await session.query(READ, [partitionKey], { name: 'probe-read', timeoutMs });
  if (rows.length !== 1) throw new RowMissingError(partitionKey, rows.length);
  return { rows: 1 };
}
