/** That a cluster is whole is looked at on real servers: readers of the log, prepared transactions, nodes that are away. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { native } from '../../src/engines/native.ts';
import { local } from '../../src/platforms/local.ts';
import { untilWhole } from '../../src/run/healing.ts';
import { connect, NEVER, smallDataset, temporaryFolder } from '../support/local-cluster.ts';
import { sharded, workersOf } from '../support/sharded.ts';

let nodes: Nodes;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const topology = sharded({ workers: 2, replication: 2, partitions: 2 });
  const settings = { ...native.settings, max_prepared_transactions: '4' };
  nodes = await local.provision({ nodes: topology.nodes, settings, runFolder: folder.path, signal: NEVER });
  await native.form({ nodes, topology, dataset: smallDataset, signal: NEVER });
});

afterAll(async () => {
  await nodes?.dispose();
  await folder?.[Symbol.asyncDispose]();
});

const worker = (i: number) => workersOf(nodes)[i] as NodeControl;
const left = (limitMs = 10_000) => untilWhole(nodes.all, { limitMs });

async function onWorker1(text: string) {
  await using session = await connect(worker(0));
  await session.execute(text);
}

test('after a node came back, replication is waited for', async () => {
  await worker(1).kill();
  await onWorker1(`INSERT INTO messages_shard_0 SELECT 1, 1000 + i, 'some' FROM generate_series(1, 20000) AS i`);
  const away = await left(500);
  expect(away).toContainEqual(expect.stringMatching(/^worker1: slot worker1_to_worker2 has no reader$/));
  expect(away).toContainEqual(expect.stringMatching(/^worker2: could not be checked: /));

  await worker(1).start();
  await expect.poll(() => left(), { timeout: 30_000 }).toEqual([]);
  await using session = await connect(worker(1));
  expect(await session.query('SELECT count(*)::int FROM messages_shard_0 WHERE seq > 1000')).toEqual([[20_000]]);
});

test('a slot without a reader is told', async () => {
  await using _ = { [Symbol.asyncDispose]: () => onWorker1('SELECT pg_drop_replication_slot($$nobody$$)') };
  await onWorker1(`SELECT pg_create_logical_replication_slot('nobody', 'pgoutput')`);
  expect(await left(200)).toEqual(['worker1: slot nobody has no reader']);
});

test('a slot without a reader is given up after 10 s, and waited for longer where packets were lost', async () => {
  await using _ = { [Symbol.asyncDispose]: () => onWorker1('SELECT pg_drop_replication_slot($$late$$)') };
  await onWorker1(`SELECT pg_create_logical_replication_slot('late', 'pgoutput')`);
  const since = performance.now();
  const [givenUp, waited] = await Promise.all(
    [0, 60_000].map(async (lostForMs) => {
      const words = await untilWhole(nodes.all, { limitMs: 14_000, lostForMs });
      return { words, afterMs: performance.now() - since };
    }),
  );
  expect(givenUp?.words).toEqual(['worker1: slot late has no reader']);
  expect(givenUp?.afterMs).toBeLessThan(14_000);
  expect(waited?.words).toEqual(['worker1: slot late has no reader']);
  expect(waited?.afterMs).toBeGreaterThanOrEqual(14_000);
});

test('a transaction that stays prepared is told, one that ends is waited for', async () => {
  await onWorker1(`BEGIN; CREATE TABLE kept (); PREPARE TRANSACTION 'kept'`);
  expect(await left(200)).toEqual(['worker1: 1 prepared transaction not finished']);
  const waiting = left();
  await onWorker1(`ROLLBACK PREPARED 'kept'`);
  expect(await waiting).toEqual([]);
});
