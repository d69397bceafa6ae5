/** The engine `native` on real servers: what it forms, and what stays readable and writable when workers fail. */

import { describe, expect, test } from 'vitest';
import { untilServes } from '../../src/cluster/health.ts';
import { native } from '../../src/engines/native.ts';
import type { Topology } from '../../src/model/topology.ts';
import { local } from '../../src/platforms/local.ts';
import { quoteName } from '../../src/sql/quote.ts';
import type { Session } from '../../src/sql/session.ts';
import { expected } from '../support/expected.ts';
import { connect, NEVER, smallDataset, temporaryFolder } from '../support/local-cluster.ts';
import { coordinatorOf, ring, sharded } from '../support/sharded.ts';

const RING: Topology = sharded({ workers: 4, replication: 2, partitions: 4 });
const CATCH_UP_MS = 5_000;

async function formCluster(topology: Topology) {
  const runFolder = await temporaryFolder();
  const { settings } = native;
  const startedAt = performance.now();
  const nodes = await local.provision({ nodes: topology.nodes, settings, runFolder: runFolder.path, signal: NEVER });
  const providedAt = performance.now();
  try {
    const formed = await native.form({ nodes, topology, dataset: smallDataset, signal: NEVER });
    const node = (name: string) => {
      const found = nodes.all.find((candidate) => candidate.name === name);
      if (!found) throw new Error(`no node ${name}`);
      return found;
    };
    /** A partition key of a partition. */
    const keyOn = (partitionName: string) => {
      const { index } = formed.placement.partitions.find(({ name }) => name === partitionName) ?? { index: -1 };
      const partitionKey = smallDataset.partitionKeys.find((id) => formed.placement.partitionOfKey[id] === index);
      if (partitionKey === undefined) throw new Error(`no room on shard ${partitionName}`);
      return partitionKey;
    };
    /** The rows of all placements of a table, as text, in order. */
    const rowsOf = async (table: string) => {
      const byNode = Map.groupBy(formed.placementSources(table), (source) => source.node);
      const found = [...byNode].map(async ([name, sources]) => {
        await using session = await connect(node(name));
        const placements = [];
        for (const { partition, relation } of sources) {
          const rows = await session.query(`SELECT t::text FROM ${relation} AS t ORDER BY 1`);
          placements.push({ partition, node: name, rows: rows.map(([row]) => String(row)) });
        }
        return placements;
      });
      return (await Promise.all(found)).flat();
    };
    return {
      nodes,
      formed,
      node,
      keyOn,
      rowsOf,
      runFolder: runFolder.path,
      provisionMs: providedAt - startedAt,
      formMs: performance.now() - providedAt,
      /** How long it took until all placements of every partition had the same messages. */
      async untilReplicasAgree(): Promise<number> {
        const from = performance.now();
        for (;;) {
          const distinct = new Set(
            (await rowsOf('messages')).map(({ partition, rows }) => `${partition} ${rows.join()}`),
          );
          const waitedMs = performance.now() - from;
          if (distinct.size === topology.partitions) return waitedMs;
          if (waitedMs > CATCH_UP_MS) throw new Error(`replicas still differ after ${CATCH_UP_MS} ms`);
        }
      },
      async [Symbol.asyncDispose]() {
        await nodes.dispose();
        await runFolder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await nodes.dispose();
    throw error;
  }
}

async function messageCount(session: Session): Promise<number> {
  const rows = await session.query('SELECT room_id, seq, body FROM messages', [], { timeoutMs: 5_000 });
  for (const [partitionKey, seq, body] of rows) expect(body).toBe(`message ${seq} of room ${partitionKey}`);
  return rows.length;
}

async function write(session: Session, partitionKey: number, seq: number): Promise<void> {
  const values = [partitionKey, seq, `message ${seq} of room ${partitionKey}`];
  await session.query('INSERT INTO messages VALUES ($1, $2, $3)', values, { timeoutMs: 5_000 });
}

/** What must be true of every cluster, whatever its topology. */
async function expectWellFormed(topology: Topology) {
  await using cluster = await formCluster(topology);
  // What a plan believes before there is a cluster.
  expect(native.layout?.(topology, smallDataset.partitionKeys)).toEqual(cluster.formed.placement);
  const { formed, nodes } = cluster;
  expect(formed.placement.partitions).toEqual(ring(topology));

  await using session = await connect(coordinatorOf(nodes));
  expect(await messageCount(session)).toBe(500);
  for (const table of smallDataset.tables) {
    const placements = await cluster.rowsOf(table.name);
    expect(placements).toHaveLength(topology.partitions * topology.replication);
    const byPartition = Map.groupBy(placements, ({ partition }) => partition);
    let total = 0;
    for (const copies of byPartition.values()) {
      expect(new Set(copies.map(({ rows }) => rows.join('\n'))).size).toBe(1);
      total += copies[0]?.rows.length ?? 0;
    }
    expect(total).toBe(table.rows.length);
  }
  // The map says of every partition key where its rows really are.
  const actual = await session.query('SELECT DISTINCT room_id, tableoid::regclass::text FROM rooms');
  expect(actual).toHaveLength(smallDataset.partitionKeys.length);
  for (const [partitionKey, relation] of actual) {
    expect(relation).toBe(`rooms_shard_${formed.placement.partitionOfKey[Number(partitionKey)]}`);
  }
  // Writes reach every copy, through the coordinator and at any holder.
  for (const { name, copies: placements } of formed.placement.partitions) {
    const partitionKey = smallDataset.partitionKeys.find(
      (id) => formed.placement.partitions[formed.placement.partitionOfKey[id] ?? -1]?.name === name,
    );
    if (partitionKey === undefined) continue;
    await write(session, partitionKey, 6);
    await using holder = await connect(cluster.node(placements.at(-1) ?? ''));
    const relation = quoteName(`messages_shard_${formed.placement.partitionOfKey[partitionKey]}`);
    await holder.query(`INSERT INTO ${relation} VALUES ($1, 7, $2)`, [
      partitionKey,
      `message 7 of room ${partitionKey}`,
    ]);
  }
  await cluster.untilReplicasAgree();
  return { provisionMs: cluster.provisionMs, formMs: cluster.formMs };
}

describe('a cluster forms', () => {
  test.each([
    [1, 1, 1],
    [1, 1, 3],
    [2, 2, 1],
    [2, 2, 3],
    [3, 2, 6],
    [4, 2, 4],
    [4, 4, 64],
    [5, 3, 5],
    [12, 4, 12],
  ])('with %i workers, replication %i, %i shards', async (workers, replication, partitions) => {
    await expectWellFormed(sharded({ workers, replication, partitions }));
  });

  // Takes two minutes: PGQUAKE_TEST_ALL_TOPOLOGIES=1 npx vitest run test/integration/native-engine.test.ts
  const all = Array.from({ length: 12 }, (_, i) => i + 1).flatMap((workers) =>
    [1, 2, 3, 4].filter((replication) => replication <= workers).map((replication) => [workers, replication] as const),
  );
  test.runIf(process.env.PGQUAKE_TEST_ALL_TOPOLOGIES).each(all)(
    'with %i workers and replication %i',
    async (workers, replication) => {
      const { provisionMs, formMs } = await expectWellFormed(sharded({ workers, replication, partitions: workers }));
      process.stdout.write(
        `${workers} workers, replication ${replication}: provision ${provisionMs.toFixed(0)} ms, form ${formMs.toFixed(0)} ms\n`,
      );
    },
  );

  test('the password is in no log', async () => {
    await using cluster = await formCluster(RING);
    const { readdirSync, readFileSync } = await import('node:fs');
    const folder = `${cluster.runFolder}/logs`;
    const logs = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
    expect(logs).toHaveLength(5);
    expect(logs.join('')).toContain('logical replication apply worker');
    expect(logs.join('')).not.toContain(coordinatorOf(cluster.nodes).address().password);
  });

  test('an abort ends it with the reason', async () => {
    const runFolder = await temporaryFolder();
    const nodes = await local.provision({
      nodes: RING.nodes,
      settings: native.settings,
      runFolder: runFolder.path,
      signal: NEVER,
    });
    try {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('stopped by the test')), 30);
      const forming = native.form({ nodes, topology: RING, dataset: smallDataset, signal: abort.signal });
      await expect(forming).rejects.toThrow('stopped by the test');
    } finally {
      await nodes.dispose();
      await runFolder[Symbol.asyncDispose]();
    }
  });

  test('servers without logical replication: the error says so', async () => {
    const runFolder = await temporaryFolder();
    const nodes = await local.provision({ nodes: RING.nodes, settings: {}, runFolder: runFolder.path, signal: NEVER });
    try {
      const forming = native.form({ nodes, topology: RING, dataset: smallDataset, signal: NEVER });
      await expect(forming).rejects.toMatchObject({
        code: 'form-failed',
        message: expect.stringContaining('could not be formed: logical decoding requires "wal_level"'),
      });
    } finally {
      await nodes.dispose();
      await runFolder[Symbol.asyncDispose]();
    }
  });
});

describe('one worker fails', () => {
  test.each(['kill', 'stop'] as const)(
    'after %s, old and new connections read and write on; it catches up',
    async (act) => {
      await using cluster = await formCluster(RING);
      await using before = await connect(coordinatorOf(cluster.nodes));
      expect(await messageCount(before)).toBe(500);
      const worker1 = cluster.node('worker1');
      await worker1[act]();

      expect(await messageCount(before)).toBe(500);
      await using after = await connect(coordinatorOf(cluster.nodes));
      expect(await messageCount(after)).toBe(500);
      for (const partition of ['A', 'B', 'C', 'D']) {
        await write(before, cluster.keyOn(partition), 6);
        await write(after, cluster.keyOn(partition), 7);
      }
      expect(await messageCount(before)).toBe(508);
      expect(await messageCount(after)).toBe(508);

      await worker1.start();
      await untilServes(worker1, 10_000);
      expect(await cluster.untilReplicasAgree()).toBeLessThan(CATCH_UP_MS);
      expect(await messageCount(before)).toBe(508);
    },
  );

  test('a frozen worker blocks the shards that ask it first, and only those', async () => {
    await using cluster = await formCluster(RING);
    await using before = await connect(coordinatorOf(cluster.nodes));
    expect(await messageCount(before)).toBe(500);
    await cluster.node('worker1').pause();
    const readKey = async (partition: string) => {
      await using session = await connect(coordinatorOf(cluster.nodes));
      const text = 'SELECT count(*)::int FROM messages WHERE room_id = $1';
      const rows = await session.query(text, [cluster.keyOn(partition)], { timeoutMs: 3_000 });
      return rows[0]?.[0];
    };
    // Nothing tells postgres_fdw that the worker is frozen: the kernel goes on accepting its connections.
    await expect(readKey('A')).rejects.toThrow('no answer within 3000 ms');
    expect(await Promise.all(['B', 'C', 'D'].map(readKey))).toEqual([5, 5, 5]);
    await using writer = await connect(coordinatorOf(cluster.nodes));
    await write(writer, cluster.keyOn('D'), 6);

    await cluster.node('worker1').resume();
    expect(await messageCount(before)).toBe(501);
    expect(await readKey('A')).toBe(5);
    expect(await cluster.untilReplicasAgree()).toBeLessThan(CATCH_UP_MS);
  });
});

test('workers 2, 3 and 4 stop: A and D are served, B and C are not, and all is well afterwards', async () => {
  await using cluster = await formCluster(RING);
  const stopped = ['worker2', 'worker3', 'worker4'].map(cluster.node);
  const startedAt = performance.now();
  await Promise.all(stopped.map((node) => node.stop()));
  expect(performance.now() - startedAt).toBeLessThan(5_000);

  await using session = await connect(coordinatorOf(cluster.nodes));
  const attempt = (partition: string) =>
    write(session, cluster.keyOn(partition), 6).then(
      () => true,
      () => false,
    );
  const predicted = expected(native, cluster.formed.placement, new Set(stopped.map((node) => node.name)));
  for (const { partition, readable, writable } of predicted) {
    const read = session.query('SELECT 1 FROM messages WHERE room_id = $1', [cluster.keyOn(partition)]);
    const count = await read.then(
      (rows) => rows.length,
      () => 0,
    );
    expect({ partition, readable: count === 5, writable: await attempt(partition) }).toEqual({
      partition,
      readable,
      writable,
    });
  }
  expect(predicted.filter(({ readable }) => readable).map(({ partition }) => partition)).toEqual(['A', 'D']);
  await expect(messageCount(session)).rejects.toThrow(/could not connect to server/);

  await Promise.all(stopped.map((node) => node.start()));
  await Promise.all(stopped.map((node) => untilServes(node, 10_000)));
  expect(await cluster.untilReplicasAgree()).toBeLessThan(CATCH_UP_MS);
  expect(await messageCount(session)).toBe(502);
});
