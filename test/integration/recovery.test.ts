/** Transactions that stand prepared on real servers when the load has stopped: found, read around, waited for. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FormedCluster, PlacementSource } from '../../src/cluster/engine.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { native } from '../../src/engines/native.ts';
import { monotonicClock } from '../../src/model/clock.ts';
import type { EventOf, RunEvent } from '../../src/model/event.ts';
import { KeySet } from '../../src/model/key-ranges.ts';
import { local } from '../../src/platforms/local.ts';
import type { Recorder } from '../../src/run/recorder.ts';
import { untilNothingIsInDoubt } from '../../src/run/recovery.ts';
import { chat } from '../../src/workloads/chat.ts';
import { connect, NEVER, temporaryFolder } from '../support/local-cluster.ts';
import { sharded, workersOf } from '../support/sharded.ts';

const TOPOLOGY = sharded({ workers: 2, replication: 1, partitions: 2 });
const params = chat.params.parse({ rooms: 10, 'messages-per-room': 2 });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let nodes: Nodes;
let formed: FormedCluster;
let source: PlacementSource;
let holder: NodeControl;

beforeAll(async () => {
  folder = await temporaryFolder();
  nodes = await local.provision({
    nodes: TOPOLOGY.nodes,
    settings: { ...native.settings, max_prepared_transactions: '8' },
    runFolder: folder.path,
    signal: NEVER,
  });
  formed = await native.form({ nodes, topology: TOPOLOGY, dataset: chat.dataset(params), signal: NEVER });
  source = formed.placementSources(chat.ledger.table)[0] as PlacementSource;
  holder = workersOf(nodes).find(({ name }) => name === source.node) as NodeControl;
});

afterAll(async () => {
  await nodes?.dispose();
  await folder?.[Symbol.asyncDispose]();
});

/** Leaves a transaction with one row prepared on the node that holds the first partition, for longer than a commit takes. */
async function prepare(gid: string, writer: number): Promise<void> {
  await using session = await connect(holder);
  await session.execute(
    `BEGIN;
       INSERT INTO ${source.relation} SELECT (r).* FROM (
         SELECT jsonb_populate_record(m, jsonb_build_object('writer', ${writer}, 'seq', 1)) AS r
           FROM ${source.relation} m LIMIT 1) AS one;
       PREPARE TRANSACTION '${gid}'`,
  );
  await sleep(1_100);
}

async function end(gid: string, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
  await using session = await connect(holder);
  await session.execute(`${how} PREPARED '${gid}'`);
}

async function recorded(limits: Parameters<typeof untilNothingIsInDoubt>[1], recover?: () => Promise<void>) {
  const events: RunEvent[] = [];
  const recorder = { event: (event: RunEvent) => void events.push(event) } as unknown as Recorder;
  const cluster = recover ? { ...formed, recover } : formed;
  const options = { nodes, cluster, ledger: chat.ledger, params, recorder, clock: monotonicClock(), signal: NEVER };
  const left = await untilNothingIsInDoubt(options, limits);
  const of = <T extends RunEvent['type']>(type: T) => events.filter((event) => event.type === type) as EventOf<T>[];
  return { left, events, of };
}

test('nothing is read twice where nothing stands prepared', async () => {
  expect((await recorded({})).events).toEqual([]);
});

test('what is prepared is named, read around, and told with the rows that it made once it has ended', async () => {
  await prepare('late', 7);
  const [{ left, of }] = await Promise.all([
    recorded({ ownMs: 20_000 }),
    sleep(1_500).then(() => end('late', 'COMMIT')),
  ]);
  expect(left).toBe(false);
  expect(of('recovery-awaited')).toMatchObject([
    {
      limitMs: 20_000,
      preparedTransactions: [{ node: holder.name, gid: 'late', relations: [source.relation] }],
    },
  ]);
  expect(of('recovery-awaited')[0]).not.toHaveProperty('thenAskedForMs');
  const early = of('read-in-doubt');
  expect(early.map(({ node, partition }) => [node, partition]).sort()).toEqual([
    // As clients read.
    [undefined, undefined],
    ['worker1', 'A'],
    ['worker2', 'B'],
  ]);
  for (const { read } of early) expect(KeySet.fromRanges(read.present).has(7, 1)).toBe(false);
  const [done] = of('recovery-ended');
  expect(done).toMatchObject({ left: [], ended: [{ node: holder.name, gid: 'late', keys: ['7:1'] }] });
  expect(done).not.toHaveProperty('askedAt');
  const [transaction] = done?.ended ?? [];
  expect((transaction?.endedAt ?? 0) - (transaction?.preparedAt ?? 0)).toBeGreaterThan(2_000);
});

test('what is rolled back made no rows', async () => {
  await prepare('undone', 8);
  const [{ of }] = await Promise.all([recorded({ ownMs: 20_000 }), sleep(500).then(() => end('undone', 'ROLLBACK'))]);
  expect(of('recovery-ended')).toMatchObject([{ ended: [{ gid: 'undone', keys: [] }], left: [] }]);
});

test('what does not end in time is left; an engine that can is asked first', async () => {
  await prepare('stuck', 9);
  const inVain = await recorded({ ownMs: 300, askedMs: 300 });
  expect(inVain.left).toBe(true);
  expect(inVain.of('recovery-ended')).toMatchObject([{ ended: [], left: [{ gid: 'stuck' }] }]);
  const refused = await recorded({ ownMs: 300, askedMs: 300 }, () => Promise.reject(new Error('not now')));
  expect(refused.of('recovery-ended')).toMatchObject([{ left: [{ gid: 'stuck' }], error: 'not now' }]);
  const asked = await recorded({ ownMs: 300, askedMs: 5_000 }, () => end('stuck', 'COMMIT'));
  expect(asked.left).toBe(false);
  expect(asked.of('recovery-awaited')).toMatchObject([{ limitMs: 300, thenAskedForMs: 5_000 }]);
  const [done] = asked.of('recovery-ended');
  expect(done).toMatchObject({ ended: [{ gid: 'stuck', keys: ['9:1'] }], left: [], askedAt: expect.any(Number) });
  expect(done?.ended[0]?.endedAt).toBeGreaterThanOrEqual(done?.askedAt ?? Number.POSITIVE_INFINITY);
});
