/** One primary and two standbys on real servers: who takes writes, who takes over, and how nodes come back. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FormedCluster } from '../../src/cluster/engine.ts';
import type { FailoverStep } from '../../src/cluster/manager.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { connectBy, type Route } from '../../src/cluster/route.ts';
import { streaming } from '../../src/engines/streaming.ts';
import { nodesInRole, type Roles } from '../../src/model/roles.ts';
import { local } from '../../src/platforms/local.ts';
import { connect, freezePostmaster, NEVER, smallDataset, temporaryFolder } from '../support/local-cluster.ts';
import { streamingTopology } from '../support/streaming-topology.ts';

const OPTIONS = { applicationName: 'pgquake-test', connectTimeoutMs: 5_000 };
const topology = streamingTopology({ synchronous: 'on', promoteAfterMs: 100 });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let nodes: Nodes;
let cluster: FormedCluster;

beforeAll(async () => {
  folder = await temporaryFolder();
  nodes = await local.provision({
    nodes: topology.nodes,
    settings: streaming.settings,
    runFolder: folder.path,
    signal: NEVER,
  });
  cluster = await streaming.form({ nodes, topology, dataset: smallDataset, signal: NEVER });
}, 60_000);

afterAll(async () => {
  await nodes?.dispose();
  await folder?.[Symbol.asyncDispose]();
});

const node = (name: string) => nodes.all.find((one) => one.name === name) as Nodes['all'][number];
const route = (name: string) => cluster.routes[name] as Route;
const roles = () => (cluster.roles as NonNullable<FormedCluster['roles']>)(NEVER);

/** Waits until the roles are as wanted: what the primary says of its standbys comes a moment later. */
async function rolesOnce(wanted: (seen: Roles) => boolean): Promise<Roles> {
  const giveUpAt = Date.now() + 10_000;
  for (;;) {
    const seen = await roles();
    if (wanted(seen) || Date.now() > giveUpAt) return seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function portBy(name: string): Promise<unknown> {
  await using session = await connectBy(route(name), OPTIONS);
  const [row] = await session.query("SELECT current_setting('port')::int");
  return row?.[0];
}

async function write(seq: number): Promise<void> {
  await using session = await connectBy(route('direct'), OPTIONS);
  await session.query('INSERT INTO messages VALUES (1, $1, $2)', [seq, 'later'], { timeoutMs: 5_000 });
}

async function has(name: string, seq: number): Promise<boolean> {
  await using session = await connect(node(name));
  const giveUpAt = Date.now() + 5_000;
  for (;;) {
    const rows = await session.query('SELECT FROM messages WHERE room_id = 1 AND seq = $1', [seq]);
    if (rows.length === 1 || Date.now() > giveUpAt) return rows.length === 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the first member takes writes, all hold all rows, and commits wait for a standby', async () => {
  const seen = await rolesOnce((now) => nodesInRole(now, 'sync-standby').length === 1);
  expect(nodesInRole(seen, 'primary')).toEqual(['pg1']);
  expect(nodesInRole(seen, 'standby')).toEqual(['pg2', 'pg3']);
  expect(nodesInRole(seen, 'sync-standby')).toHaveLength(1);
  expect(await portBy('direct')).toBe(node('pg1').address().port);
  expect(await portBy('standby')).toBe(node('pg2').address().port);
  await write(100);
  expect(await Promise.all(['pg1', 'pg2', 'pg3'].map((name) => has(name, 100)))).toEqual([true, true, true]);
});

test('an old primary is read before it gets the data of the new one, and takes no writes on its way back', async () => {
  await node('pg1').kill();
  await cluster.manager?.promote('pg3');
  expect(await portBy('direct')).toBe(node('pg3').address().port);
  await write(101);
  const read: unknown[] = [];
  const proof = await cluster.comeBack?.(node('pg1'), {
    undo: async () => {
      await node('pg1').start();
      return 'started';
    },
    beforeErased: async (old, timeline) => {
      read.push(old.name, timeline, nodesInRole(await roles(), 'primary'));
      await using session = await connect(old);
      read.push((await session.query('SELECT FROM messages WHERE room_id = 1 AND seq IN (100, 101)')).length);
    },
  });
  expect(proof).toMatch(/streams from pg3 with a new copy of its data$/);
  // The row that it had, and not the one that was written without it.
  expect(read).toEqual(['pg1', 1, ['pg3'], 1]);
  const seen = await rolesOnce((now) => Object.values(now).every(({ timeline }) => timeline === 2));
  expect(nodesInRole(seen, 'primary')).toEqual(['pg3']);
  expect(seen).toMatchObject({ pg1: { timeline: 2, state: 'streaming' }, pg2: { timeline: 2, state: 'streaming' } });
  expect(await has('pg1', 101)).toBe(true);
});

test('of two primaries the one that was promoted last stays one', async () => {
  await cluster.manager?.promote('pg2');
  expect(nodesInRole(await roles(), 'primary')).toEqual(['pg2', 'pg3']);
  const erased: string[] = [];
  await cluster.comeBack?.(node('pg2'), {
    undo: async () => 'nothing to undo',
    beforeErased: async (old) => void erased.push(old.name),
  });
  expect(erased).toEqual(['pg3']);
  const seen = await rolesOnce((now) => nodesInRole(now, 'standby').length === 2);
  expect(nodesInRole(seen, 'primary')).toEqual(['pg2']);
  expect(seen).toMatchObject({ pg1: { state: 'streaming' }, pg3: { state: 'streaming' } });
});

test('a switchover loses nothing, copies nothing, and the old primary streams', async () => {
  await write(102);
  expect(await cluster.manager?.switchover?.('pg1')).toBe('pg1');
  const seen = await rolesOnce((now) => Object.values(now).every(({ role }) => role !== 'unknown'));
  expect(nodesInRole(seen, 'primary')).toEqual(['pg1']);
  expect(seen).toMatchObject({ pg2: { state: 'streaming' }, pg3: { state: 'streaming' } });
  await write(103);
  expect(await Promise.all(['pg1', 'pg2', 'pg3'].map((name) => has(name, 103)))).toEqual([true, true, true]);
  expect(await has('pg2', 102)).toBe(true);
  // What the old primary kept for its standbys, nobody reads any more.
  await using session = await connect(node('pg2'));
  expect(await session.query('SELECT slot_name FROM pg_replication_slots')).toEqual([]);
});

test('a standby that answers only two seconds after a promotion is told to follow all the same', async () => {
  await node('pg1').kill();
  const busy = freezePostmaster(node('pg3'), 2_000);
  await cluster.manager?.promote('pg2');
  await busy;
  const seen = await rolesOnce((now) => now.pg3?.state === 'streaming');
  expect(seen).toMatchObject({ pg2: { role: 'primary' }, pg3: { state: 'streaming' } });
  const undo = async () => {
    await node('pg1').start();
    return 'started';
  };
  await cluster.comeBack?.(node('pg1'), { undo, beforeErased: async () => undefined });
  await cluster.manager?.switchover?.('pg1');
});

test('what is no standby is not promoted, and a node that does not stream is no successor', async () => {
  await expect(cluster.manager?.promote('pg1')).rejects.toThrow('pg1 is not a standby');
  await expect(cluster.manager?.promote('pg9')).rejects.toThrow('the cluster has no node pg9');
  await expect(cluster.manager?.switchover?.('pg1')).rejects.toThrow('pg1 does not stream from pg1');
});

test('by hand, no node is promoted while the standby that commits waited for is silent; once it answers, it is', async () => {
  await using own = await temporaryFolder();
  const byHand = streamingTopology({ synchronous: 'on', manager: 'by-hand', promoteAfterMs: 300 });
  const common = { nodes: byHand.nodes, settings: streaming.settings, runFolder: own.path, signal: NEVER };
  const servers = await local.provision(common);
  try {
    const formed = await streaming.form({ nodes: servers, topology: byHand, dataset: smallDataset, signal: NEVER });
    const [pg1, pg2, pg3] = servers.all as readonly [NodeControl, NodeControl, NodeControl];
    const ask = async (at: NodeControl, text: string) => {
      await using session = await connect(at);
      return await session.query(text, [], { timeoutMs: 5_000 });
    };
    // The one standby has what is acknowledged from now on, the other has not.
    await ask(pg3, `ALTER SYSTEM SET primary_conninfo = ''`);
    await ask(pg3, 'SELECT pg_reload_conf()');
    await until(async () => (await ask(pg1, 'SELECT FROM pg_stat_replication')).length === 1);
    await ask(pg1, `INSERT INTO messages VALUES (1, 900, 'acknowledged')`);
    const steps: FailoverStep[] = [];
    await using _watch = formed.manager?.watch((step) => steps.push(step));
    await pg2.pause();
    await pg1.kill();
    await until(async () => steps.some(({ step }) => step === 'gave-up'));
    expect(steps.map(({ step }) => step)).toEqual(['noticed', 'gave-up']);
    expect(steps.at(-1)?.detail).toBe('pg2 may have writes that no other node has: 1 of 2 answer, 2 must');
    expect(await ask(pg3, 'SELECT pg_is_in_recovery()')).toEqual([[true]]);
    await pg2.resume();
    await until(async () => steps.some(({ step }) => step === 'promoted'));
    expect(steps.slice(2)).toMatchObject([
      { step: 'elected', from: 'pg1', to: 'pg2', detail: expect.stringMatching(/^it has received most: pg2 .*, pg3 /) },
      { step: 'promoted', from: 'pg1', to: 'pg2' },
    ]);
    expect(await ask(pg2, `SELECT body FROM messages WHERE room_id = 1 AND seq = 900`)).toEqual([['acknowledged']]);
  } finally {
    await servers.dispose();
  }
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('not within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
