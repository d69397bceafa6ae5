/**
 * Proves a prediction: takes every set of workers down, one after the other, on a cluster that runs on,
 * and asks every partition for one read and one write. Between two sets everything is healed and must be well
 * again: all nodes answer, all partitions take reads and writes, all placements are equal.
 */

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Dataset, Engine, FormedCluster, PlacementSource } from '../cluster/engine.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl, Nodes, Platform } from '../cluster/platform.ts';
import { mainRoute } from '../cluster/route.ts';
import type { Fault } from '../faults/fault.ts';
import { makeFolder } from '../make-folder.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { partitionWordOf } from '../model/partition-words.ts';
import { dataNodes, type NodeName, type Partition, type PlacementMap, type Topology } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import {
  comparePartitions,
  judgeProof,
  type ObservedPartition,
  PROOF_VERSION,
  type Predict,
  type Proof,
  type ProvenSubset,
  type SubsetToProve,
  subsetsToProve,
} from '../plan/proof.ts';
import { classifyError } from '../sql/outcome.ts';
import type { Session } from '../sql/session.ts';
import { undoAll } from './healing.ts';
import { injectFault, newMark, release } from './injector.ts';
import { UndoJournal } from './undo-journal.ts';

const TABLE = 'probes';
/** Far more than partitions, so that every partition gets a partition key by its hash. */
const KEYS_PER_PARTITION = 24;
/** For a probe's connection, and for its statement: what is down says so much sooner. */
const PROBE_TIMEOUT_MS = 5_000;
const PROBES_AT_ONCE = 32;
const DEFAULT_GATE_LIMIT_MS = 60_000;
const POLL_MS = 25;

export interface ProofOptions {
  readonly topology: Topology;
  readonly platform: Platform;
  readonly engine: Engine;
  /** A fault that takes nodes down, such as `node-kill`. */
  readonly fault: Fault;
  /** Sets of 1 up to this many workers. */
  readonly maxDown: number;
  /** What to hold against what is seen; the engine's own promise by default. */
  readonly predict?: Predict;
  /** Names it in the report. */
  readonly predictedBy?: string;
  /** Leaves out what the placement's symmetry makes equal. False by default. */
  readonly symmetric?: boolean;
  /** Clusters side by side, 1 by default. */
  readonly clusters?: number;
  /** From the last node healed until all is well again, in milliseconds; 60,000 by default. */
  readonly gateLimitMs?: number;
  /** Where undo journals and the nodes' logs go. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Hears of every set as it is done. */
  readonly onSubset?: (subset: ProvenSubset, done: number, planned: number) => void;
}

/**
 * Runs the proof. Nothing is left behind, whatever happened.
 * @throws EnvironmentError when no cluster can be had or a healthy one does not serve; the signal's reason
 * when aborted. A cluster that does not get well again ends its part: then sets are missing, and the
 * judgement is never `pass`.
 */
export async function prove(options: ProofOptions): Promise<Proof> {
  const { topology, engine, platform, fault, maxDown, onSubset } = options;
  const startedAt = new Date();
  const from = performance.now();
  const workers = dataNodes(topology);
  const word = partitionWordOf(topology.partitionWord);
  // Says whether there are too many before anything is started.
  const everySubset = subsetsToProve(workers, [], maxDown, false);

  await using clusters = await ProvingClusters.make(options, Math.min(options.clusters ?? 1, everySubset.length));
  const { placement } = clusters;
  const plan =
    options.symmetric && placement !== undefined
      ? subsetsToProve(workers, placement.partitions, maxDown, true, placement.writesAlsoNeed)
      : everySubset;
  const open = [...plan];
  const done: ProvenSubset[] = [];
  await Promise.all(
    clusters.all.map(async (cluster) => {
      for (let subset = open.shift(); subset && cluster.well; subset = open.shift()) {
        const proven = await cluster.prove(subset);
        done.push(proven);
        onSubset?.(proven, done.length, plan.length);
      }
    }),
  );
  const planned = new Map(plan.map(({ down }, i) => [down, i]));
  const subsets = done.toSorted((a, b) => (planned.get(a.down) as number) - (planned.get(b.down) as number));
  return {
    version: PROOF_VERSION,
    ...judgeProof(subsets, plan.length, word),
    startedAt: startedAt.toISOString(),
    durationMs: performance.now() - from,
    platform: platform.name,
    engine: engine.name,
    predictedBy: options.predictedBy ?? `engine ${engine.name}`,
    fault: fault.name,
    topology: { workers: workers.length, replication: topology.replication, partitions: topology.partitions },
    partitionWord: word,
    placement: clusters.first.placement.partitions,
    clusters: clusters.all.length,
    pruned: plan.length < everySubset.length,
    subsets,
  };
}

/** Clusters side by side, made and removed together. */
class ProvingClusters implements AsyncDisposable {
  readonly all: readonly ProvingCluster[];

  private constructor(all: readonly ProvingCluster[]) {
    this.all = all;
  }

  static async make(options: ProofOptions, count: number): Promise<ProvingClusters> {
    // One that cannot be made ends the making of the others.
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, (_, i) =>
        ProvingCluster.make(options, i + 1, signal).catch((error: unknown) => {
          failed.abort(error);
          throw error;
        }),
      ),
    );
    const made = new ProvingClusters(
      outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    );
    if (!signal.aborted) return made;
    await made[Symbol.asyncDispose]();
    throw signal.reason;
  }

  get first(): ProvingCluster {
    return this.all[0] as ProvingCluster;
  }

  /** `undefined` where the clusters laid their partitions out differently. */
  get placement(): Pick<PlacementMap, 'partitions' | 'writesAlsoNeed'> | undefined {
    const { partitions, writesAlsoNeed } = this.first.placement;
    const alike = this.all.every(
      ({ placement }) =>
        isDeepStrictEqual(placement.partitions, partitions) && placement.writesAlsoNeed === writesAlsoNeed,
    );
    return alike ? this.first.placement : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((cluster) => cluster[Symbol.asyncDispose]()));
  }
}

/** The row that tells whether a partition is readable, and where rows are added to tell whether it is writable. */
interface Probe {
  readonly partition: Partition;
  readonly partitionKey: number;
}

/** One cluster and what was written to it. */
class ProvingCluster implements AsyncDisposable {
  /** False once it did not get well again: then nothing more can be learnt from it. */
  well = true;
  readonly #options: ProofOptions;
  readonly #nodes: Nodes;
  readonly #formed: FormedCluster;
  readonly #journal: UndoJournal;
  readonly #probes: readonly Probe[];
  readonly #placements: ReadonlyMap<NodeName, readonly PlacementSource[]>;
  /** Acknowledged revisions by partition key. */
  readonly #acknowledged = new Map<number, Set<number>>();
  readonly #mark = newMark();
  readonly #held: AsyncDisposable[] = [];
  #revision = 0;
  #act = 0;

  private constructor(options: ProofOptions, nodes: Nodes, formed: FormedCluster, journal: UndoJournal) {
    this.#options = options;
    this.#nodes = nodes;
    this.#formed = formed;
    this.#journal = journal;
    this.#probes = probesOf(formed);
    this.#placements = Map.groupBy(formed.placementSources(TABLE), ({ node }) => node);
    for (const { partitionKey } of this.#probes) this.#acknowledged.set(partitionKey, new Set([0]));
  }

  static async make(options: ProofOptions, number: number, signal: AbortSignal): Promise<ProvingCluster> {
    const { platform, engine, topology, fault } = options;
    // The first cluster's journal lies where that of any run does, so that what a crash leaves is found there.
    const folder = number === 1 ? options.folder : join(options.folder, `cluster-${number}`);
    await makeFolder(join(folder, 'logs'));
    const nodes = await platform.provision({
      nodes: topology.nodes,
      settings: engine.settings,
      runFolder: folder,
      needs: new Set(fault.needs),
      signal,
    });
    let journal: UndoJournal | undefined;
    try {
      const formed = await engine.form({ nodes, topology, dataset: datasetOf(topology), signal });
      journal = new UndoJournal(folder);
      const cluster = new ProvingCluster(options, nodes, formed, journal);
      // What does not work on a healthy cluster must not be blamed on a failure.
      const [loss] = await cluster.#gate();
      if (loss !== undefined) {
        throw new EnvironmentError(`the cluster is not sound before any fault: ${loss}`, { code: 'cluster-unsound' });
      }
      return cluster;
    } catch (error) {
      journal?.[Symbol.dispose]();
      await nodes.dispose();
      throw error;
    }
  }

  get #word(): string {
    return partitionWordOf(this.#formed.placement.partitionWord);
  }

  get placement(): PlacementMap {
    return this.#formed.placement;
  }

  async prove(subset: SubsetToProve): Promise<ProvenSubset> {
    const { engine, signal } = this.#options;
    const targets = subset.down.map((name) => this.#nodes.all.find((node) => node.name === name) as NodeControl);
    const down = new Set(subset.down);
    const placement = this.#formed.placement;
    const predicted = this.#options.predict?.(placement, down) ?? engine.expect({ placement }, { down }).partitions;
    const findings: string[] = [];
    const unjudged: string[] = [];
    let partitions: ProvenSubset['partitions'] = [];

    const from = performance.now();
    try {
      await this.#strike(targets);
    } catch (error) {
      signal.throwIfAborted();
      unjudged.push(`the fault did not take effect: ${errorText(error)}`);
    }
    const struck = performance.now();
    if (unjudged.length === 0) {
      const compared = comparePartitions(predicted, await this.#probeAll(), this.#word);
      partitions = compared.partitions;
      findings.push(...compared.findings);
    }
    const probed = performance.now();
    signal.throwIfAborted();
    try {
      await this.#heal();
      findings.push(...(await this.#gate()));
    } catch (error) {
      signal.throwIfAborted();
      this.well = false;
      unjudged.push(`the cluster did not get well again: ${errorText(error)}`);
    }
    return {
      ...subset,
      judgement: findings.length > 0 ? 'fail' : unjudged.length > 0 ? 'unknown' : 'pass',
      findings: [...findings, ...unjudged],
      partitions,
      strikeMs: struck - from,
      probeMs: probed - struck,
      healMs: performance.now() - probed,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#journal[Symbol.dispose]();
    await this.#nodes.dispose();
  }

  async #strike(targets: readonly NodeControl[]): Promise<void> {
    const { fault, signal } = this.#options;
    const evidence = await injectFault(
      fault,
      targets,
      { index: this.#act++, params: {} },
      {
        journal: this.#journal,
        mark: this.#mark,
        nodes: this.#nodes,
        cluster: this.#formed,
        signal,
        held: this.#held,
      },
    );
    await fault.prove(targets, {}, evidence);
  }

  async #heal(): Promise<void> {
    const { fault } = this.#options;
    await release(this.#held.splice(0));
    const { failures } = await undoAll(this.#journal.pending(), {
      nodes: this.#nodes.all,
      faults: new Map([[fault.name, fault]]),
      kept: (id) => this.#journal.kept(id),
    });
    if (failures.length > 0) throw new EnvironmentError(failures.join('; '), { code: 'not-healed' });
  }

  /**
   * Waits until every partition takes reads and writes and its placements are equal.
   * @returns what is wrong all the same: writes that were acknowledged and are in no placement.
   * @throws EnvironmentError when that takes too long.
   */
  async #gate(): Promise<string[]> {
    const giveUpAt = performance.now() + (this.#options.gateLimitMs ?? DEFAULT_GATE_LIMIT_MS);
    let wrong = 'was not looked at';
    for (;;) {
      const unwell = (await this.#probeAll()).find(({ readable, writable }) => !readable || !writable);
      if (unwell === undefined) break;
      wrong = `${this.#word} ${unwell.partition}: ${unwell.readError ?? unwell.writeError}`;
      await this.#pauseBefore(giveUpAt, wrong);
    }
    for (;;) {
      try {
        const found = await this.#readPlacements();
        const differing = this.#probes.find(({ partition }) => new Set(found.get(partition.index)).size !== 1);
        if (differing === undefined) return this.#lost(found);
        wrong = `the placements of ${this.#word} ${differing.partition.name} differ`;
      } catch (error) {
        wrong = errorText(error);
      }
      await this.#pauseBefore(giveUpAt, wrong);
    }
  }

  async #pauseBefore(giveUpAt: number, wrong: string): Promise<void> {
    if (performance.now() > giveUpAt) {
      throw new EnvironmentError(`${this.#word}s not served, or placements not equal, in time: ${wrong}`, {
        code: 'not-healed',
      });
    }
    await pause(POLL_MS, this.#options.signal);
  }

  /** One read and one write of every partition, each on a connection of its own. */
  async #probeAll(): Promise<ObservedPartition[]> {
    const waiting = this.#probes.entries();
    const observed: ObservedPartition[] = [];
    const work = async () => {
      for (const [i, probe] of waiting) {
        const [readError, writeError] = await Promise.all([this.#read(probe), this.#write(probe)]);
        observed[i] = {
          partition: probe.partition.name,
          readable: readError === undefined,
          writable: writeError === undefined,
          ...(readError === undefined ? {} : { readError }),
          ...(writeError === undefined ? {} : { writeError }),
        };
      }
    };
    await Promise.all(Array.from({ length: PROBES_AT_ONCE / 2 }, work));
    return observed;
  }

  /** @returns why not, or `undefined` when the row came with its content. */
  async #read({ partitionKey }: Probe): Promise<string | undefined> {
    try {
      await using session = await this.#connect();
      const rows = await session.query(
        `SELECT body FROM ${TABLE} WHERE partition_key = $1 AND revision = 0`,
        [partitionKey],
        {
          timeoutMs: PROBE_TIMEOUT_MS,
        },
      );
      const found = rows.map(([body]) => String(body)).join();
      return found === bodyOf(partitionKey) ? undefined : `the row of key ${partitionKey} came as "${found}"`;
    } catch (error) {
      return errorLine('read', error);
    }
  }

  /** @returns why it was not acknowledged, or `undefined` when it was. */
  async #write({ partitionKey }: Probe): Promise<string | undefined> {
    const revision = ++this.#revision;
    try {
      await using session = await this.#connect();
      await session.query(
        `INSERT INTO ${TABLE} (partition_key, revision, body) VALUES ($1, $2, $3)`,
        [partitionKey, revision, bodyOf(partitionKey)],
        { timeoutMs: PROBE_TIMEOUT_MS },
      );
      this.#acknowledged.get(partitionKey)?.add(revision);
      return undefined;
    } catch (error) {
      return errorLine('write', error);
    }
  }

  #connect(): Promise<Session> {
    return openSession(mainRoute(this.#formed.routes), 'prove', { limitMs: PROBE_TIMEOUT_MS });
  }

  /** Partition -> the revisions of its probe's row in each placement, as text. */
  async #readPlacements(): Promise<Map<number, string[]>> {
    const partitionKeys = new Map(this.#probes.map(({ partition, partitionKey }) => [partition.index, partitionKey]));
    const found = new Map<number, string[]>();
    await Promise.all(
      this.#nodes.all.map(async (node) => {
        const sources = this.#placements.get(node.name) ?? [];
        if (sources.length === 0) return;
        await using session = await openSession(node, 'prove', { limitMs: PROBE_TIMEOUT_MS });
        for (const { partition, relation } of sources) {
          const rows = await session.query(
            `SELECT string_agg(revision::text, ',' ORDER BY revision) FROM ${relation} WHERE partition_key = $1`,
            [partitionKeys.get(partition)],
            { timeoutMs: PROBE_TIMEOUT_MS },
          );
          const revisions = String(rows[0]?.[0]);
          found.set(partition, [...(found.get(partition) ?? []), revisions]);
        }
      }),
    );
    return found;
  }

  #lost(found: ReadonlyMap<number, readonly string[]>): string[] {
    return this.#probes.flatMap(({ partition, partitionKey }) => {
      const present = new Set((found.get(partition.index)?.[0] ?? '').split(',').map(Number));
      const acknowledged = this.#acknowledged.get(partitionKey) as Set<number>;
      const lost = [...acknowledged].filter((revision) => !present.has(revision));
      // Told once: a write that is lost stays lost.
      for (const revision of lost) acknowledged.delete(revision);
      return lost.length === 0 ? [] : [`${this.#word} ${partition.name} lost ${lost.length} acknowledged writes`];
    });
  }
}

function datasetOf({ partitions }: Topology): Dataset {
  const partitionKeys = Array.from({ length: partitions * KEYS_PER_PARTITION }, (_, i) => i + 1);
  return {
    partitionKeys,
    tables: [
      {
        name: TABLE,
        columns: [
          { name: 'partition_key', type: 'int' },
          { name: 'revision', type: 'bigint' },
          { name: 'body', type: 'text' },
        ],
        primaryKey: ['partition_key', 'revision'],
        rows: partitionKeys.map((partitionKey) => [partitionKey, 0, bodyOf(partitionKey)]),
      },
    ],
  };
}

function bodyOf(partitionKey: number): string {
  return `probe of key ${partitionKey}`;
}

/** The first partition key of every partition. */
function probesOf({ placement }: FormedCluster): Probe[] {
  const keyOf = new Map<number, number>();
  for (const [partitionKey, partition] of Object.entries(placement.partitionOfKey)) {
    if (!keyOf.has(partition)) keyOf.set(partition, Number(partitionKey));
  }
  return placement.partitions.map((partition) => {
    const partitionKey = keyOf.get(partition.index);
    if (partitionKey === undefined) {
      throw new EnvironmentError(`no key of the probes' data falls on partition ${partition.name}`, {
        code: 'partition-without-key',
        hint: 'prove a cluster with fewer partitions',
      });
    }
    return { partition, partitionKey };
  });
}

function errorLine(access: 'read' | 'write', error: unknown): string {
  const { outcome, code, text } = classifyError(access, error, true);
  return `${outcome === 'unknown' ? 'not acknowledged, ' : ''}${code}: ${text}`;
}
