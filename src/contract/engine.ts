/** What every engine promises: what it forms, where the rows are, and that its own rule predicts what happens. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterState, Dataset, Engine, FormedCluster, FormOptions } from '../cluster/engine.ts';
import { untilServes } from '../cluster/health.ts';
import type { NodeControl, Nodes, Platform } from '../cluster/platform.ts';
import { connectBy, mainRoute, type Route } from '../cluster/route.ts';
import { until } from '../model/until.ts';
import { provision } from '../run/provision.ts';
import { Session } from '../sql/session.ts';
import { type RunFolder, runFolder } from './run-folder.ts';

const KEYS = Array.from({ length: 24 }, (_, i) => i + 1);
const SEQS = [1, 2, 3];
const DATASET: Dataset = {
  partitionKeys: KEYS,
  tables: [
    {
      name: 'contract',
      columns: [
        { name: 'partition_key', type: 'int' },
        { name: 'seq', type: 'bigint' },
        { name: 'body', type: 'text' },
      ],
      primaryKey: ['partition_key', 'seq'],
      rows: KEYS.flatMap((partitionKey) => SEQS.map((seq) => [partitionKey, seq, `it's ${seq} of "${partitionKey}"`])),
    },
  ],
};
const ROWS = DATASET.tables[0]?.rows.length as number;
const READY_LIMIT_MS = 20_000;
const SQL_LIMIT_MS = 10_000;
const CATCH_UP_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 50;
/** Longer than an engine needs to notice a dead holder and pass it over. */
const SERVED_LIMIT_MS = 10_000;
const OPTIONS = { applicationName: 'contract', connectTimeoutMs: SQL_LIMIT_MS };
const never = new AbortController().signal;

export interface EngineContract {
  readonly engine: Engine;
  /** The platform of its nodes. */
  readonly platform: Platform;
  /** The cluster to form: at least two nodes with data, and every row on two of them. */
  readonly topology: FormOptions['topology'];
}

/** Registers the suite of one engine on one platform: it forms one cluster and kills each of its nodes once. */
export function engineContract({ engine, platform, topology }: EngineContract): void {
  describe(`engine ${engine.name} on platform ${platform.name}: contract`, () => {
    let folder: RunFolder;
    let nodes: Nodes;
    let formed: FormedCluster;
    const bench = () => ({ engine, topology, nodes, formed });

    beforeAll(async () => {
      folder = runFolder();
      nodes = await provision(platform, engine, { cluster: topology, folder: folder.path, signal: never });
      expect(await engine.inspect({ nodes, dataset: DATASET, signal: never }), 'before it is formed').toBeUndefined();
      formed = await engine.form({ nodes, topology, dataset: DATASET, signal: never });
    });

    afterAll(async () => {
      await nodes?.dispose();
      folder?.[Symbol.dispose]();
    });

    whatItForms(bench);
    whatItPromises(bench);
    anAbort({ engine, platform, topology });
  });
}

type Bench = () => Pick<EngineContract, 'engine' | 'topology'> & {
  readonly nodes: Nodes;
  readonly formed: FormedCluster;
};

function whatItForms(bench: Bench): void {
  test('its routes are those that it names, and the first takes writes', () => {
    const { engine, topology, formed } = bench();
    const { absentRoutes = {} } = topology;
    const routes = engine.routes.filter((name) => !(name in absentRoutes));
    expect(Object.keys(formed.routes).sort()).toEqual([...routes].sort());
    expect(mainRoute(formed.routes)).toBe(formed.routes[routes[0] as string]);
    const reading = Object.values(formed.routes).filter(({ access }) => access === 'read');
    expect(reading.map(({ name }) => name)).toEqual((engine.readRoutes ?? []).filter((name) => routes.includes(name)));
  });

  test('every row is read by every route, as it was given', async () => {
    const given = (DATASET.tables[0]?.rows ?? []).map((row) => row.map(String).join());
    for (const route of Object.values(bench().formed.routes)) {
      await using session = await connectBy(route, OPTIONS);
      const rows = await session.query('SELECT partition_key, seq, body FROM contract ORDER BY 1, 2', [], {
        timeoutMs: SQL_LIMIT_MS,
      });
      expect(
        rows.map((row) => row.map(String).join()),
        `route ${route.name}`,
      ).toEqual(given);
    }
  });

  test('every key has its partition, every partition its holders, and each holder all rows of it', async () => {
    const { formed, nodes } = bench();
    const { partitions, partitionOfKey } = formed.placement;
    expect(Object.keys(partitionOfKey).map(Number).sort(ascending)).toEqual(KEYS);
    const known = nodes.all.map(({ name }) => name);
    for (const { copies: placements } of partitions) {
      expect(placements.length).toBeGreaterThan(0);
      expect(new Set(placements).size).toBe(placements.length);
      expect(known).toEqual(expect.arrayContaining([...placements]));
    }
    const sources = formed.placementSources('contract');
    const held = partitions.flatMap(({ index, copies: placements }) => placements.map((node) => `${index} ${node}`));
    expect([...new Set(sources.map(({ partition, node }) => `${partition} ${node}`))].sort()).toEqual(held.sort());
    expect(await rowsHeld(bench())).toEqual(
      Object.fromEntries(
        partitions.flatMap(({ index, copies: placements }) => {
          const partitionKeys = KEYS.filter((partitionKey) => partitionOfKey[partitionKey] === index);
          return placements.map((node) => [`${index} ${node}`, partitionKeys.length * SEQS.length]);
        }),
      ),
    );
  });

  test('its layout, where it knows it before, is what it forms', () => {
    const { engine, topology, formed } = bench();
    const layout = engine.layout?.(topology, KEYS);
    if (layout !== undefined) expect(formed.placement).toEqual(layout);
  });

  test('what it formed is found again', async () => {
    const { engine, nodes, formed } = bench();
    const found = await engine.inspect({ nodes, dataset: DATASET, signal: never });
    // An engine that only forms clusters for a single run finds none.
    if (found === undefined) return;
    expect(found.placement).toEqual(formed.placement);
    expect(found.placementSources('contract')).toEqual(formed.placementSources('contract'));
  });

  test('a write is read back by its route, and reaches every holder', async () => {
    const { formed } = bench();
    await using session = await connectBy(mainRoute(formed.routes), OPTIONS);
    const [partitionKey] = KEYS as [number];
    await session.query(`INSERT INTO contract VALUES ($1, 100, 'new')`, [partitionKey], { timeoutMs: SQL_LIMIT_MS });
    const read = await session.query('SELECT body FROM contract WHERE partition_key = $1 AND seq = 100', [
      partitionKey,
    ]);
    expect(read).toEqual([['new']]);
    await untilAgreed(bench());
    await session.query('DELETE FROM contract WHERE partition_key = $1 AND seq = 100', [partitionKey], {
      timeoutMs: SQL_LIMIT_MS,
    });
    await untilAgreed(bench());
  });
}

function whatItPromises(bench: Bench): void {
  test('with all nodes well every partition is read and written; with all of them down, none', async () => {
    const { engine, formed, nodes } = bench();
    const state = await stateOf(bench());
    const well = engine.expect(state, { down: new Set() }).partitions;
    expect(well.map(({ partition }) => partition)).toEqual(formed.placement.partitions.map(({ name }) => name));
    for (const partition of well) expect(partition).toMatchObject({ readable: true, writable: true });
    const gone = engine.expect(state, { down: new Set(nodes.all.map(({ name }) => name)) }).partitions;
    for (const partition of gone) expect(partition).toMatchObject({ readable: false, writable: false });
  });

  test('one node after the other is killed: every partition that it promises is read, and every row is there afterwards', async () => {
    const { engine, formed, nodes } = bench();
    const route = mainRoute(formed.routes);
    // If there is only one route, killing its first node closes it: no promise covers that.
    const [first, ...others] = nodes.all;
    const struck = Object.keys(formed.routes).length > 1 && first ? [...others, first] : others;
    for (const node of struck) {
      const { partitions } = engine.expect(await stateOf(bench()), { down: new Set([node.name]) });
      await node.kill();
      for (const { name, index } of formed.placement.partitions) {
        const partitionKey = KEYS.find((one) => formed.placement.partitionOfKey[one] === index);
        const promised = partitions.find(({ partition }) => partition === name);
        if (partitionKey === undefined || promised?.readable !== true) continue;
        const limitMs = SERVED_LIMIT_MS + (promised.outMs ?? 0);
        expect(await readWithin(route, partitionKey, limitMs), `partition ${name} with ${node.name} down`).toBe(
          SEQS.length,
        );
      }
      await backAgain(node, formed);
      await untilAgreed(bench());
    }
  });
}

function anAbort({ engine, platform, topology }: EngineContract): void {
  test('forming ends with the reason of an abort', async () => {
    using folder = runFolder();
    const reason = new Error('enough');
    const nodes = await provision(platform, engine, { cluster: topology, folder: folder.path, signal: never });
    try {
      const forming = engine.form({ nodes, topology, dataset: DATASET, signal: AbortSignal.abort(reason) });
      await expect(forming).rejects.toBe(reason);
    } finally {
      await nodes.dispose();
    }
  });
}

const ascending = (a: number, b: number) => a - b;

async function stateOf({ topology, formed }: ReturnType<Bench>): Promise<ClusterState> {
  return { placement: formed.placement, roles: await formed.roles?.(never), own: topology.own };
}

/** Counts the rows of each partition on each of its holders. */
async function rowsHeld({ formed, nodes }: ReturnType<Bench>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { partition, node: name, relation } of formed.placementSources('contract')) {
    const node = nodes.all.find((one) => one.name === name) as NodeControl;
    await using session = await Session.connect(node.address(), OPTIONS);
    const [row] = await session.query(`SELECT count(*) FROM ${relation}`, [], { timeoutMs: SQL_LIMIT_MS });
    const key = `${partition} ${name}`;
    counts[key] = (counts[key] ?? 0) + Number(row?.[0]);
  }
  return counts;
}

/** Waits until all holders of a partition have the same number of rows, which add up to those read through the cluster. */
async function untilAgreed(bench: ReturnType<Bench>): Promise<void> {
  const differing = await until({ limitMs: CATCH_UP_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () => {
    await using session = await connectBy(mainRoute(bench.formed.routes), OPTIONS);
    const [row] = await session.query('SELECT count(*) FROM contract', [], { timeoutMs: SQL_LIMIT_MS });
    const counts = await rowsHeld(bench);
    const agreed = bench.formed.placement.partitions.every(
      ({ index, copies: placements }) => new Set(placements.map((node) => counts[`${index} ${node}`])).size === 1,
    );
    const once = bench.formed.placement.partitions.reduce(
      (sum, { index, copies: placements }) => sum + (counts[`${index} ${placements[0]}`] ?? 0),
      0,
    );
    const whole = agreed && once === Number(row?.[0]) && once >= ROWS;
    return whole ? undefined : `${JSON.stringify(counts)}, ${row?.[0]} in all`;
  });
  if (differing !== undefined) throw new Error(`the holders differ: ${differing}`);
}

/** Reads the rows of a partition key as soon as it can. @returns their number. */
async function readWithin(route: Route, partitionKey: number, limitMs: number): Promise<number> {
  let found = 0;
  const failure = await until({ limitMs, everyMs: LOOK_AGAIN_MS }, async () => {
    try {
      await using session = await connectBy(route, OPTIONS);
      const rows = await session.query('SELECT seq FROM contract WHERE partition_key = $1', [partitionKey], {
        timeoutMs: limitMs,
      });
      found = rows.length;
      return undefined;
    } catch (error) {
      return { error };
    }
  });
  if (failure) throw failure.error;
  return found;
}

/** Brings a node back in its new role. */
async function backAgain(node: NodeControl, formed: FormedCluster): Promise<void> {
  const start = async () => {
    await node.start();
    await untilServes(node, READY_LIMIT_MS);
    return 'it is running';
  };
  if (formed.comeBack === undefined) await start();
  else await formed.comeBack(node, { undo: start, beforeErased: async () => undefined });
}
