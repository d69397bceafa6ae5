/** Clusters that keep running: forms them once, recognises them later, lends them to runs that attach. */

import type { Dataset, Engine, FormedCluster, FormOptions } from '../cluster/engine.ts';
import { untilServes } from '../cluster/health.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl, Nodes, Platform, StandingClusters } from '../cluster/platform.ts';
import { mainRoute } from '../cluster/route.ts';
import { type Survey, survey, surveyNodes } from '../cluster/survey.ts';
import { diskFailure } from '../disk/files-in.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { partitionWordOf } from '../model/partition-words.ts';
import {
  dataNodes,
  entryNode,
  holderWord,
  type NodeName,
  type NodeSpec,
  nodeNames,
  type Topology,
} from '../model/topology.ts';
import { formatCount } from '../model/units.ts';
import type { Session } from '../sql/session.ts';
import { ledgerOf, type Workload } from '../workloads/workload.ts';
import { untilWhole } from './healing.ts';
import { datasetOf } from './probes.ts';
import { readPendingUndos } from './undo-journal.ts';

const CONNECT_LIMIT_MS = 5_000;
const READ_LIMIT_MS = 60_000;
/** For the nodes of a cluster that a run attaches to, which should be running already. */
const STANDS_LIMIT_MS = 10_000;
/** The writer of the initial messages. */
const INITIAL_WRITER = '0';

export interface Found {
  readonly engine: Engine;
  readonly cluster: FormedCluster;
}

/** A workload with its parameters, which decide the expected data set. */
export interface WantedData {
  readonly workload: Workload;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Finds the engine that formed these nodes.
 * @throws EnvironmentError when the nodes that clients connect to do not answer.
 */
export async function findFormed(
  nodes: Nodes,
  engines: readonly Engine[],
  dataset: Dataset,
  signal: AbortSignal,
): Promise<Found | undefined> {
  for (const engine of engines) {
    const cluster = await engine.inspect({ nodes, dataset, signal });
    if (cluster) return { engine, cluster };
  }
  return undefined;
}

/** Tells whether nodes with these names can be a cluster of one of the engines. */
export function recognisedBy(engines: readonly Engine[]): (names: readonly NodeName[]) => boolean {
  return (names) => {
    const wanted = [...names].sort().join();
    const counts = [names.length, names.length - 1].filter((count) => count > 0);
    return engines.some((engine) =>
      counts.some(
        (count) =>
          nodeNames({ nodes: engine.nodes(count) })
            .sort()
            .join() === wanted,
      ),
    );
  };
}

export interface EnsureOptions {
  readonly nodes: Nodes;
  /** In the order in which they are tried. */
  readonly engines: readonly Engine[];
  readonly topology: Topology;
  readonly data: WantedData;
  readonly signal: AbortSignal;
}

/**
 * Forms a cluster with data from the nodes, unless they already are one.
 * @throws EnvironmentError where an earlier attempt did not finish, or the data have changed.
 */
export async function ensureFormed(options: EnsureOptions): Promise<Found & { readonly formedNow: boolean }> {
  const { nodes, engines, topology, data, signal } = options;
  const dataset = datasetOf(data.workload, data.params);
  const found = await findFormed(nodes, engines, dataset, signal);
  if (found) {
    await verifyData(found.cluster, data);
    return { ...found, formedNow: false };
  }
  const engine = await usable(nodes, entryNode(topology), engines);
  try {
    const cluster = await engine.form({ nodes, topology, dataset, signal });
    return { engine, cluster, formedNow: true };
  } catch (error) {
    signal.throwIfAborted();
    throw new EnvironmentError(errorText(error), {
      code: 'form-failed',
      hint: 'pgquake leaves the data in these servers as they are; "pgquake up --project <name>" creates another cluster',
      cause: error,
    });
  }
}

/** The first engine whose needs these servers meet. */
async function usable({ all }: Nodes, entry: NodeName | undefined, engines: readonly Engine[]): Promise<Engine> {
  const reasons: string[] = [];
  const asked = all.find(({ name }) => name === entry) ?? (all[0] as NodeControl);
  await using session = await openSession(asked, 'standing');
  for (const engine of engines) {
    const lacking = await lackingFor(engine, session);
    if (lacking === undefined) return engine;
    reasons.push(`${engine.name}: ${lacking}`);
  }
  throw new EnvironmentError(`no engine can form these servers: ${reasons.join('; ')}`, { code: 'engine-unavailable' });
}

async function lackingFor({ extension, settings }: Engine, session: Session): Promise<string | undefined> {
  if (extension === undefined) return undefined;
  const [row] = await session.query(
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = $1), current_setting('shared_preload_libraries')`,
    [extension],
    { timeoutMs: CONNECT_LIMIT_MS },
  );
  if (row?.[0] !== true) return `the servers do not offer the extension ${extension}`;
  const loaded = String(row[1]).split(/[ ,"]+/);
  const wanted = settings.shared_preload_libraries;
  return wanted === undefined || loaded.includes(wanted)
    ? undefined
    : `the servers do not have ${wanted} in shared_preload_libraries`;
}

export async function surveyStanding(
  nodes: Nodes,
  engines: readonly Engine[],
  dataset: Dataset,
  signal: AbortSignal,
): Promise<{ readonly survey: Survey; readonly found: Found | undefined }> {
  const seen = await surveyNodes(nodes);
  const tables = dataset.tables.map(({ name }) => name);
  let found: Found | undefined;
  let whyNot = 'it is not formed: its servers have no pgquake data set; "pgquake up" forms it';
  const entry = engines.flatMap((engine) => entryNode({ nodes: engine.nodes(1) }) ?? [])[0];
  if (seen.find(({ name }) => name === entry)?.refusal !== undefined) {
    whyNot = `without the ${entry}, the state of the data is unknown`;
  } else {
    try {
      found = await findFormed(nodes, engines, dataset, signal);
    } catch (error) {
      whyNot = errorText(error);
    }
  }
  return { found, survey: await survey(nodes, seen, tables, { cluster: found?.cluster, whyNot }) };
}

/** The platform for a run that attaches to a cluster: creates and removes nothing. */
export function attachedPlatform(
  platform: Platform,
  standing: Pick<StandingClusters, 'attach'>,
  project: string,
): Platform {
  return {
    ...platform,
    async provision({ nodes: wanted, runFolder, signal }) {
      const nodes = await standing.attach(project, { runFolder });
      try {
        if (nodes.all.length !== wanted.length) throw otherNodes(project, wanted, nodes.all);
        await Promise.all(nodes.all.map((node) => untilStands(node, project, signal)));
        const ofOthers = nodes.attached !== undefined;
        const left = await untilWhole(nodes.all, { limitMs: STANDS_LIMIT_MS, signal, ofOthers });
        if (left.length > 0) throw notWhole(project, left.join('; '));
      } catch (error) {
        await nodes.dispose();
        throw error;
      }
      return {
        ...nodes,
        // Undos that failed are still owed, so "pgquake heal" must find the cluster.
        dispose: async () => {
          if (diskFailure(runFolder) || readPendingUndos(runFolder).length === 0) await nodes.dispose();
        },
      };
    },
  };
}

async function untilStands(node: NodeControl, project: string, signal: AbortSignal): Promise<void> {
  const state = await node.state();
  try {
    if (state !== 'running') throw new Error(`${node.name} is ${state}`);
    await untilServes(node, STANDS_LIMIT_MS, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw notWhole(project, errorText(error), error);
  }
}

function notWhole(project: string, reason: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(`the cluster ${project} is not whole: ${reason}`, {
    code: 'cluster-not-whole',
    hint: '"pgquake up" starts what is stopped, "pgquake heal" undoes what a run owes; "pgquake status" says more',
    cause,
  });
}

/** The engine for such a run: verifies that the cluster and its data are as the scenario expects. */
export function attachedEngine({ engine, cluster }: Found, project: string, data: WantedData): Engine {
  return {
    ...engine,
    layout: () => cluster.placement,
    async form({ nodes, topology, dataset, signal }: FormOptions) {
      const cluster = await engine.inspect({ nodes, dataset, signal });
      if (!cluster) throw notFormed(project, data);
      const { partitions, partitionWord } = cluster.placement;
      const word = partitionWordOf(partitionWord);
      if (partitions.length !== topology.partitions)
        throw otherTopology(project, formatCount(topology.partitions, word), `${partitions.length}`);
      const odd = partitions.find(({ copies }) => copies.length !== topology.replication);
      if (odd) {
        throw otherTopology(
          project,
          `${topology.replication} copies of every ${word}`,
          `${odd.copies.length} of ${word} ${odd.name}`,
        );
      }
      await verifyData(cluster, data);
      return cluster;
    },
  };
}

function otherNodes(
  project: string,
  wanted: readonly NodeSpec[],
  found: readonly Pick<NodeControl, 'name'>[],
): EnvironmentError {
  const holders = dataNodes({ nodes: wanted });
  const others = wanted.length - holders.length;
  return otherTopology(project, formatCount(holders.length, holderWord({ nodes: wanted })), `${found.length - others}`);
}

function otherTopology(project: string, wanted: string, found: string): EnvironmentError {
  return new EnvironmentError(`the scenario is made for ${wanted}, but the cluster ${project} has ${found}`, {
    code: 'other-topology',
    hint: 'describe the running cluster in the scenario, or run it without attaching',
  });
}

/** The error for a cluster without the workload's tables. */
export function notFormed(project: string, { workload }: WantedData): EnvironmentError {
  return new EnvironmentError(`the cluster ${project} has no data set of the workload ${workload.name}`, {
    code: 'not-formed',
    hint: '"pgquake up" loads the chat; other workloads run without attaching, on a new cluster',
  });
}

/**
 * Reads all messages as a client, and checks that the initial ones exist and that every message has the content its key
 * implies.
 * @throws EnvironmentError where that is not so.
 */
async function verifyData({ routes }: FormedCluster, { workload, params }: WantedData): Promise<void> {
  const ledger = ledgerOf(workload, params);
  if (!ledger || !workload.dataset) return;
  await using session = await openSession(mainRoute(routes), 'standing');
  const { present, corrupted, duplicated } = await ledger.readAll(session, ledger.table, params, READ_LIMIT_MS);
  const messages = ledger.initialRows(params);
  const initial = present[INITIAL_WRITER] ?? 'none';
  const expected = messages === 1 ? '1' : `1-${messages}`;
  const wrong = [
    ...(initial === expected ? [] : [`expected initial messages ${expected}, found ${initial}`]),
    ...corrupted.slice(0, 1).map(({ key, found }) => `message ${key} is not as expected: ${found}`),
    ...duplicated.slice(0, 1).map((key) => `message ${key} exists twice`),
  ];
  if (wrong.length === 0) return;
  throw new EnvironmentError(`${ledger.table} does not hold the data set: ${wrong.join('; ')}`, {
    code: 'other-data',
    hint: 'the scenario must expect the data set of the cluster; "pgquake up --project <name>" creates a cluster with a new one',
  });
}
