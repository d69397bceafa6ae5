/** Surveys a running cluster: which nodes serve, where every partition is, and how many rows each copy has. */

import { hostPort } from '../model/address.ts';
import { errorText } from '../model/errors.ts';
import { partitionNamed } from '../model/partition-words.ts';
import type { NodeName, Partition } from '../model/topology.ts';
import { quoteTable } from '../sql/quote.ts';
import type { Session } from '../sql/session.ts';
import type { FormedCluster } from './engine.ts';
import { sqlRefusal } from './health.ts';
import { preparedTransactions } from './leftovers.ts';
import { openSession } from './open-session.ts';
import type { NodeControl, NodeState, Nodes } from './platform.ts';

const CONNECT_LIMIT_MS = 2_000;
/** A frozen worker makes queries wait; the status command should not. */
const QUERY_LIMIT_MS = 5_000;

export interface NodeSurvey {
  readonly name: NodeName;
  /** Host and port as pgquake reaches it. */
  readonly address: string;
  readonly state: NodeState;
  /** The evidence for the state, in words. */
  readonly described: string;
  /** The server's version, `PostgreSQL 17.6`; absent where it does not answer. */
  readonly version?: string;
  /** Why it does not accept SQL. */
  readonly refusal?: string;
}

export interface CopySurvey {
  readonly node: NodeName;
  /** Rows of every table, by its name; absent where they could not be counted. */
  readonly rows?: Readonly<Record<string, number>>;
}

export interface PartitionSurvey {
  readonly name: string;
  /** In the order in which a read tries them. */
  readonly copies: readonly CopySurvey[];
}

export interface TableSurvey {
  readonly name: string;
  /** As a client counts them; absent where that failed. */
  readonly rows?: number;
}

export interface Survey {
  readonly nodes: readonly NodeSurvey[];
  readonly tables: readonly TableSurvey[];
  readonly partitions: readonly PartitionSurvey[];
  /** The least number of copies of a partition, by the catalogue; absent where the cluster is not formed. */
  readonly replication?: number;
  /** What is wrong, in words; none where the cluster is healthy. */
  readonly problems: readonly string[];
}

/** The state of every node. */
export function surveyNodes(nodes: Nodes): Promise<NodeSurvey[]> {
  return Promise.all(nodes.all.map(surveyNode));
}

/** The versions of the server and its created extensions: `18.4` and `citus 14.0-1`. */
const VERSIONS = `SELECT split_part(current_setting('server_version'), ' ', 1),
  (SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql')`;

async function surveyNode(node: NodeControl): Promise<NodeSurvey> {
  const [state, described] = [await node.state(), await node.describeState()];
  const { host, port } = node.address();
  const seen = { name: node.name, address: state === 'running' ? hostPort({ host, port }) : '-', state, described };
  if (state !== 'running') return { ...seen, refusal: state };
  const refusal = await sqlRefusal(node);
  if (refusal !== undefined) return { ...seen, refusal };
  try {
    await using session = await connect(node);
    const [row] = await session.query(VERSIONS, [], { timeoutMs: QUERY_LIMIT_MS });
    const extensions = row?.[1] === null ? '' : `, ${row?.[1]}`;
    return { ...seen, version: `PostgreSQL ${row?.[0]}${extensions}` };
  } catch (error) {
    return { ...seen, refusal: errorText(error) };
  }
}

/**
 * Surveys a whole cluster. Reports what is broken as problems; never throws for it.
 * @param seen from `surveyNodes`.
 * @param cluster `undefined` where none was found; `whyNot` then says why.
 * @param tables the names of the distributed tables.
 */
export async function survey(
  nodes: Nodes,
  seen: readonly NodeSurvey[],
  tables: readonly string[],
  { cluster, whyNot }: { readonly cluster: FormedCluster | undefined; readonly whyNot?: string },
): Promise<Survey> {
  const problems = seen.filter(({ refusal }) => refusal !== undefined).map(nodeProblem);
  if (cluster === undefined) {
    if (whyNot !== undefined) problems.push(whyNot);
    return { nodes: seen, tables: [], partitions: [], problems };
  }
  const answering = new Set(seen.filter(({ refusal }) => refusal === undefined).map(({ name }) => name));
  const counted = await Promise.all(
    nodes.all.map(
      async (node): Promise<Counted> =>
        answering.has(node.name)
          ? countOn(node, cluster, tables)
          : { node: node.name, tables: [], partitions: new Map() },
    ),
  );
  const byNode = new Map(counted.map((one) => [one.node, one]));
  const partitions = cluster.placement.partitions.map(
    ({ index, name, copies: placements }): PartitionSurvey => ({
      name,
      copies: placements.map((node) => {
        const rows = byNode.get(node)?.partitions.get(index);
        return { node, ...(rows === undefined ? {} : { rows }) };
      }),
    }),
  );
  for (const { node, error } of counted) if (error !== undefined) problems.push(`${node}: ${error}`);
  for (const partition of partitions)
    problems.push(
      ...partitionProblems(partition, tables, partitionNamed(cluster.placement.partitionWord, partition.name)),
    );
  problems.push(...(await leftPrepared(nodes, answering.size === seen.length)));
  return {
    nodes: seen,
    tables: counted.find(({ tables: whole }) => whole.length > 0)?.tables ?? [],
    partitions,
    replication: fewestCopies(cluster.placement.partitions),
    problems,
  };
}

function nodeProblem({ name, state, refusal, described }: NodeSurvey): string {
  return state === 'running' ? `${name} does not accept SQL: ${refusal}` : `${name} is ${state}: ${described}`;
}

function fewestCopies(partitions: readonly Partition[]): number {
  return Math.min(...partitions.map(({ copies }) => copies.length));
}

interface Counted {
  readonly node: NodeName;
  readonly tables: readonly TableSurvey[];
  /** By the partition's index; without placements whose tables were not all counted. */
  readonly partitions: ReadonlyMap<number, Readonly<Record<string, number>>>;
  readonly error?: string;
}

/** Counts whole tables on the entry node, and placements on the others. */
async function countOn(node: NodeControl, cluster: FormedCluster, tables: readonly string[]): Promise<Counted> {
  const whole: TableSurvey[] = [];
  const partitions = new Map<number, Record<string, number>>();
  const isEntry = node.name === cluster.placement.entry;
  try {
    await using session = await connect(node);
    for (const table of tables) {
      if (isEntry) {
        whole.push({ name: table, rows: await count(session, quoteTable(table)) });
        continue;
      }
      for (const { partition, node: holder, relation } of cluster.placementSources(table)) {
        if (holder !== node.name) continue;
        partitions.set(partition, { ...partitions.get(partition), [table]: await count(session, relation) });
      }
    }
    return { node: node.name, tables: whole, partitions };
  } catch (error) {
    const uncounted = tables.slice(whole.length).map((name) => ({ name }));
    return {
      node: node.name,
      tables: isEntry ? [...whole, ...uncounted] : [],
      partitions: new Map(),
      error: `rows could not be counted: ${errorText(error)}`,
    };
  }
}

async function count(session: Session, relation: string): Promise<number> {
  const [row] = await session.query(`SELECT count(*) FROM ${relation}`, [], { timeoutMs: QUERY_LIMIT_MS });
  return Number(row?.[0]);
}

/** @param called the partition's name with the engine's word for it. */
function partitionProblems({ copies }: PartitionSurvey, tables: readonly string[], called: string): string[] {
  const known = copies.filter(({ rows }) => rows !== undefined);
  if (known.length === 0) return [`${called}: no copy can be read`];
  const lacking = copies.filter(({ rows }) => rows === undefined).map(({ node }) => node);
  const problems =
    lacking.length === 0
      ? []
      : [`${called}: ${known.length} of ${copies.length} copies left, none on ${lacking.join(', ')}`];
  for (const table of tables) {
    const counts = known.map(({ node, rows }) => ({ node, rows: rows?.[table] }));
    if (new Set(counts.map(({ rows }) => rows)).size > 1) {
      const told = counts.map(({ node, rows }) => `${rows ?? 'none'} on ${node}`).join(', ');
      problems.push(`${called}: its copies of ${table} differ: rows ${told}`);
    }
  }
  return problems;
}

/** Asks all nodes, so only if all of them answer. */
async function leftPrepared(nodes: Nodes, askable: boolean): Promise<string[]> {
  if (!askable) return [];
  try {
    const found = await preparedTransactions(nodes.all);
    return [...Map.groupBy(found, ({ node }) => node)].map(
      ([node, left]) => `${node}: unfinished prepared transactions: ${left.length}`,
    );
  } catch (error) {
    return [`cannot look for prepared transactions: ${errorText(error)}`];
  }
}

function connect(node: NodeControl): Promise<Session> {
  return openSession(node, 'status', { limitMs: CONNECT_LIMIT_MS });
}
