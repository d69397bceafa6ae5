/** After the load: compares all placements and reads each completely. Records; does not judge. */

import type { FormedCluster, PlacementSource } from '../cluster/engine.ts';
import { idleSlots, preparedTransactions } from '../cluster/leftovers.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl, Nodes } from '../cluster/platform.ts';
import { mainRoute, type Route } from '../cluster/route.ts';
import type { Clock } from '../model/clock.ts';
import { errorText } from '../model/errors.ts';
import { LEFTOVERS, type ReadSummary, type RunEvent } from '../model/event.ts';
import { KeySet } from '../model/key-ranges.ts';
import { nodesInRole } from '../model/roles.ts';
import type { NodeName } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import type { Session } from '../sql/session.ts';
import type { Ledger } from '../workloads/workload.ts';
import { readProbes } from './probes.ts';
import type { Recorder } from './recorder.ts';

const CONNECT_TIMEOUT_MS = 5_000;
export const READ_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Readers of slots restart within a second of their node's return; this leaves a margin. */
const SLOTS_IN_USE_LIMIT_MS = 5_000;

export interface FinalReadsOptions {
  readonly nodes: Nodes;
  readonly cluster: FormedCluster;
  /** Accounts for the rows; without it there is nothing to read. */
  readonly ledger: Ledger<unknown> | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Waits up to `limitMs` until all placements of every partition hold the same rows, and records whether they do. A node
 * that cannot be read counts as different.
 * @param loadStoppedAt from when the recorded wait counts.
 */
export async function untilReplicasAgree(
  options: FinalReadsOptions,
  { limitMs, loadStoppedAt }: { readonly limitMs: number; readonly loadStoppedAt: number },
): Promise<void> {
  const { recorder, clock, signal } = options;
  // Without copies there is nothing to record.
  if (copiesOf(options).length === 0) return;
  const startedAt = clock.nowMs();
  for (;;) {
    const agree = await replicasAgree(options);
    const nowMs = clock.nowMs();
    if (agree || nowMs - startedAt >= limitMs) {
      recorder.event({ type: 'replicas-compared', agree, waitedMs: nowMs - loadStoppedAt });
      return;
    }
    await pause(POLL_MS, signal);
  }
}

/** The placements of the ledger's table; none where it is not a table of the data set. */
export function placementsOf({
  cluster,
  ledger,
}: Pick<FinalReadsOptions, 'cluster' | 'ledger'>): readonly PlacementSource[] {
  return ledger?.fingerprintSql && !ledger.madeByClients ? cluster.placementSources(ledger.table) : [];
}

/** Where each copy of the ledger's rows can be read: its placements, or each node for a table that clients created. */
function copiesOf(options: Pick<FinalReadsOptions, 'cluster' | 'ledger'>): readonly PlacementSource[] {
  const { cluster, ledger } = options;
  if (!ledger?.fingerprintSql || !ledger.madeByClients) return placementsOf(options);
  return cluster.copiesOf?.(ledger.table) ?? [];
}

async function replicasAgree(options: FinalReadsOptions): Promise<boolean> {
  const { nodes, ledger } = options;
  const fingerprintSql = ledger?.fingerprintSql;
  if (!fingerprintSql) return true;
  const fingerprints = new Map<number, string>();
  let agree = true;
  const sources = Map.groupBy(copiesOf(options), (source) => source.node);
  await Promise.all(
    nodes.all.map(async (node) => {
      const held = sources.get(node.name);
      if (!held) return;
      try {
        await using session = await connectTo(node);
        for (const { partition, relation } of held) {
          const rows = await session.query(fingerprintSql(relation), [], { timeoutMs: READ_TIMEOUT_MS });
          const fingerprint = JSON.stringify(rows);
          if ((fingerprints.get(partition) ?? fingerprint) !== fingerprint) agree = false;
          fingerprints.set(partition, fingerprint);
        }
      } catch {
        agree = false;
      }
    }),
  );
  return agree;
}

/** Records prepared transactions that are left now, and idle slots once their readers have had time to return. */
export async function lookForLeftovers(options: FinalReadsOptions): Promise<void> {
  const { nodes, recorder, clock, signal } = options;
  try {
    const sources = Map.groupBy(placementsOf(options), ({ node }) => node);
    const prepared = await preparedTransactions(nodes.all, (node) =>
      (sources.get(node) ?? []).map(({ relation }) => relation),
    );
    const untilMs = clock.nowMs() + SLOTS_IN_USE_LIMIT_MS;
    let idle = await idleSlots(nodes.all);
    while (idle.length > 0 && clock.nowMs() < untilMs) {
      await pause(POLL_MS, signal);
      idle = await idleSlots(nodes.all);
    }
    recorder.event({
      type: 'leftovers',
      preparedTransactions: prepared.map(({ xid: _, ...rest }) => rest),
      idleSlots: idle,
    });
  } catch (error) {
    signal.throwIfAborted();
    recorder.event({ type: 'final-read-failed', source: LEFTOVERS, error: errorText(error) });
  }
}

/** Reads everything as a client, and every placement on its own node; records the results. */
export async function readEverything(options: FinalReadsOptions): Promise<void> {
  await readSources(options, ({ node, partition, relation }, read) =>
    partition === undefined || node === undefined
      ? { type: 'final-read', route: mainRoute(options.cluster.routes).name, read }
      : { type: 'placement-read', partition, node, ...(relation === undefined ? {} : { relation }), read },
  );
}

/** What a read covers: one placement, or everything as a client reads it where no field is set. */
export interface ReadSource {
  readonly node?: NodeName;
  readonly partition?: string;
  readonly relation?: string;
}

/** Makes all reads, the nodes in parallel; records each as the event that `eventOf` returns. */
export async function readSources(
  options: FinalReadsOptions,
  eventOf: (source: ReadSource, read: ReadSummary) => RunEvent,
): Promise<void> {
  const { nodes, cluster, ledger, params, recorder, signal } = options;
  signal.throwIfAborted();
  if (!ledger) return;
  const perNode = Map.groupBy(copiesOf(options), (source) => source.node);
  const readNode = async (node: NodeControl, sources: readonly (ReadSource & { readonly table: string })[]) => {
    try {
      await using session = await connectTo(node);
      for (const { table, ...source } of sources) {
        recorder.event(eventOf(source, await ledger.readAll(session, table, params, READ_TIMEOUT_MS)));
      }
    } catch (error) {
      recorder.event({ type: 'final-read-failed', source: node.name, error: errorText(error) });
    }
  };
  const readMain = async () => {
    const route = mainRoute(cluster.routes);
    try {
      await using session = await connectTo(route);
      const read = await ledger.readAll(session, ledger.table, params, READ_TIMEOUT_MS);
      recorder.event(eventOf({}, read));
    } catch (error) {
      recorder.event({ type: 'final-read-failed', source: `the route ${route.name}`, error: errorText(error) });
    }
  };
  const placed = ({ partition, node, relation }: PlacementSource) => ({
    node,
    partition: cluster.placement.partitions[partition]?.name ?? String(partition),
    relation,
    table: relation,
  });
  await Promise.all([
    readMain(),
    ...nodes.all
      .filter(({ name }) => perNode.has(name))
      .map((node) => readNode(node, (perNode.get(node.name) ?? []).map(placed))),
  ]);
}

/** Records all copies on a node whose data are about to be erased, or that they could not be read. */
export async function readFork(options: FinalReadsOptions, node: NodeControl, timeline: number): Promise<void> {
  const { ledger, params, recorder } = options;
  if (!ledger) return;
  try {
    await using session = await connectTo(node);
    for (const source of copiesOf(options).filter((one) => one.node === node.name)) {
      const read = await ledger.readAll(session, source.relation, params, READ_TIMEOUT_MS);
      recorder.event({ type: 'fork-read', node: node.name, timeline, read });
    }
  } catch (error) {
    recorder.event({
      type: 'final-read-failed',
      source: `${node.name} before its data were erased`,
      error: errorText(error),
    });
  }
}

export function connectTo(to: NodeControl | Route): Promise<Session> {
  return openSession(to, 'finalRead', { limitMs: CONNECT_TIMEOUT_MS });
}

/**
 * Records which probe rows clients can read at the end. Of two primaries, clients read one; rows on the other are not
 * gone.
 */
export async function readProbesInTheEnd(options: FinalReadsOptions, run: number): Promise<void> {
  const { cluster, nodes, recorder, signal } = options;
  try {
    await using session = await openSession(mainRoute(cluster.routes), 'runner', { limitMs: CONNECT_TIMEOUT_MS });
    const present = await readProbes(session, run, READ_TIMEOUT_MS);
    const roles = (await cluster.roles?.(signal)) ?? {};
    const primaries = nodesInRole(roles, 'primary').flatMap(
      (name) => nodes.all.find((node) => node.name === name) ?? [],
    );
    const onPrimaries = new KeySet();
    if (primaries.length > 1) {
      await Promise.all(
        primaries.map(async (node) => {
          await using there = await connectTo(node);
          onPrimaries.addRanges(await readProbes(there, run, READ_TIMEOUT_MS));
        }),
      );
    }
    recorder.event({
      type: 'probes-read',
      present,
      ...(onPrimaries.size > 0 ? { onPrimaries: onPrimaries.toRanges() } : {}),
    });
  } catch (error) {
    signal.throwIfAborted();
    recorder.event({ type: 'final-read-failed', source: 'the rows of the probes', error: errorText(error) });
  }
}
