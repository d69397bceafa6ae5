/**
 * Real Patroni with etcd, HAProxy and PgBouncer in containers: how it is formed and watched, a failover and a lost DCS. Two
 * primaries and commits that wait are judged in `e2e/patroni`.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FormedCluster } from '../../src/cluster/engine.ts';
import { untilServes } from '../../src/cluster/health.ts';
import { idleSlots } from '../../src/cluster/leftovers.ts';
import type { FailoverStep } from '../../src/cluster/manager.ts';
import { everyNode, type NodeControl, type Nodes } from '../../src/cluster/platform.ts';
import { connectBy, type Route } from '../../src/cluster/route.ts';
import { PatroniCluster } from '../../src/engines/patroni/cluster.ts';
import { patroniSpecOf } from '../../src/engines/patroni/spec.ts';
import { patroni } from '../../src/engines/patroni.ts';
import { nodesInRole, type Roles } from '../../src/model/roles.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import type { DockerNode } from '../../src/platforms/docker/node.ts';
import { untilReady } from '../../src/platforms/docker/nodes.ts';
import { docker } from '../../src/platforms/docker.ts';
import { Session } from '../../src/sql/session.ts';
import { dockerMissing } from '../support/docker.ts';
import { NEVER, smallDataset } from '../support/local-cluster.ts';
import { patroniCluster, programsOf, restAnswer } from '../support/patroni.ts';

const missing = await dockerMissing(import.meta.filename);
const OPTIONS = { applicationName: 'pgquake-test', connectTimeoutMs: 5_000 };
const FAILOVER_LIMIT_MS = 40_000;
const topology = patroniCluster('dcs: 3, proxy: haproxy, pooler: pgbouncer', 'synchronous_mode: true');

let folder: string;
let nodes: Nodes;
let cluster: FormedCluster;

const node = (name: string) => everyNode(nodes).find((one) => one.name === name) as NodeControl;
const roles = () => (cluster.roles as NonNullable<FormedCluster['roles']>)(NEVER);
const nodeOf = async (role: 'primary' | 'sync-standby') => node(nodesInRole(await roles(), role)[0] as string);

async function rolesOnce(wanted: (seen: Roles) => boolean, limitMs = FAILOVER_LIMIT_MS): Promise<Roles> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const seen = await roles();
    if (wanted(seen)) return seen;
    if (Date.now() > giveUpAt) throw new Error(`the roles are ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function ask(route: string, statement: string): Promise<unknown> {
  await using session = await connectBy(cluster.routes[route] as Route, OPTIONS);
  const [row] = await session.query(statement, [], { timeoutMs: 5_000 });
  return row?.[0];
}

/** Asks again until it is answered: HAProxy looks every 3 s. */
async function askOnce(route: string, statement: string, wanted: unknown): Promise<unknown> {
  const giveUpAt = Date.now() + 15_000;
  for (;;) {
    const answer = await ask(route, statement).catch((error: Error) => error.message);
    if (answer === wanted || Date.now() > giveUpAt) return answer;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** As a run waits for it: Patroni publishes a synchronous standby two loops after one streams, and elects no other. */
async function steady(): Promise<Roles> {
  const spec = patroniSpecOf(topology.own);
  if (!spec) throw new Error('the cluster is of another engine');
  const { all, beside = [] } = nodes;
  await new PatroniCluster({ nodes: all, beside, placement: cluster.placement, spec }).untilSteady(60_000);
  return roles();
}

const whole = (seen: Roles) =>
  nodesInRole(seen, 'primary').length === 1 &&
  nodesInRole(seen, 'standby').filter((name) => seen[name]?.state === 'streaming').length === 2 &&
  nodesInRole(seen, 'sync-standby').length === 1;

/** Takes back what was done to a node, as a run does it. */
const comeBack = (struck: NodeControl, undo: () => Promise<void>) =>
  cluster.comeBack?.(struck, {
    undo: async () => {
      await undo();
      return 'undone';
    },
    beforeErased: async () => undefined,
  });

describe.skipIf(missing !== undefined)('a cluster under Patroni', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pgquake-patroni-'));
    nodes = await docker.provision({
      nodes: topology.nodes,
      settings: {},
      programs: programsOf(topology),
      runFolder: folder,
      signal: NEVER,
    });
    cluster = await patroni.form({ nodes, topology, dataset: smallDataset, signal: NEVER });
  }, 300_000);

  afterAll(async () => {
    await nodes?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('is steady when it is formed: one leader, all stream, a synchronous standby is there', async () => {
    expect(whole(await roles())).toBe(true);
    expect(cluster.version).toMatch(/^Patroni \d/);
    expect(nodes.all.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3']);
    expect(nodes.beside?.map(({ name }) => name)).toEqual(['etcd1', 'etcd2', 'etcd3', 'haproxy', 'pgbouncer']);
  });

  test('every route leads where it says', async () => {
    for (const route of ['direct', 'proxy', 'pooler']) {
      expect(await askOnce(route, 'SELECT pg_is_in_recovery()', false), route).toBe(false);
    }
    for (const route of ['standby', 'proxy-standby']) {
      expect(await askOnce(route, 'SELECT pg_is_in_recovery()', true), route).toBe(true);
    }
    expect(await ask('pooler', 'SELECT count(*)::int FROM messages')).toBeGreaterThan(0);
  });

  test('nobody comes in without the password, and no file of the run has it', async () => {
    const address = node('pg1').address();
    const refusal = Session.connect({ ...address, password: 'wrong' }, OPTIONS);
    await expect(refusal).rejects.toMatchObject({ code: '28P01' });
    const post = (headers: Record<string, string>) =>
      restAnswer(node('pg1'), '/restart', { method: 'POST', body: '{}', headers });
    expect(await post({})).toBe(401);
    const basic = Buffer.from('patroni:wrong').toString('base64');
    expect(await post({ Authorization: `Basic ${basic}` })).toBe(401);
    for (const file of ['docker-compose.yml', 'cluster.json']) {
      expect(readFileSync(join(folder, file), 'utf8')).not.toContain(address.password);
    }
  });

  test('a member that does not get ready in time is told with the end of its log', async () => {
    const standby = node(nodesInRole(await roles(), 'standby')[0] as string);
    await standby.parts?.freeze('server');
    try {
      const ready = untilReady(DockerClient.fromEnvironment(), [standby as DockerNode], NEVER, 1_500);
      const said = `${standby.name} does not accept SQL: .* 1.5 s after its start; its log ends with: .*INFO`;
      await expect(ready).rejects.toMatchObject({ code: 'node-not-ready', message: expect.stringMatching(said) });
    } finally {
      await standby.parts?.thaw('server');
    }
    await rolesOnce(whole);
  });

  test('a switchover by REST: another primary, all follow, and the steps are told', async () => {
    const before = await nodeOf('primary');
    const steps: FailoverStep[] = [];
    await using _ = cluster.manager?.watch((step) => steps.push(step));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const to = await cluster.manager?.switchover?.();
    expect(to).not.toBe(before.name);
    expect(nodesInRole(await rolesOnce(whole), 'primary')).toEqual([to]);
    expect(steps.map(({ step }) => step)).toEqual(['noticed', 'elected', 'promoted']);
    expect(steps.at(-1)).toMatchObject({ from: before.name, to });
  });

  test('a failover: the synchronous standby takes over once the leader key has expired, and the old primary comes back', async () => {
    await steady();
    const primary = await nodeOf('primary');
    const successor = await nodeOf('sync-standby');
    await primary.kill();
    const seen = await rolesOnce((now) => nodesInRole(now, 'primary').length === 1);
    expect(nodesInRole(seen, 'primary')).toEqual([successor.name]);
    await askOnce('direct', 'SELECT 1', 1);
    expect(await comeBack(primary, () => primary.start())).toBe('undone');
    const after = await steady();
    expect(after[primary.name]).toMatchObject({ role: expect.stringMatching('standby'), state: 'streaming' });
    // Each standby keeps slots for the other members, which nobody reads before the next failover.
    expect(await idleSlots(nodes.all)).toEqual([]);
  }, 120_000);

  test('one of three members of the DCS is missed by nobody; without two the primary demotes itself until they are back', async () => {
    const primary = await nodeOf('primary');
    const [etcd1, etcd2] = [node('etcd1'), node('etcd2')];
    await etcd1.stop();
    expect(await etcd1.health?.(1_000)).toBeDefined();
    // Longer than a primary goes on that cannot renew its leader key: loop_wait and retry_timeout.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect((await nodeOf('primary')).name).toBe(primary.name);
    expect(await ask('direct', 'SELECT pg_is_in_recovery()')).toBe(false);
    await etcd2.stop();
    await rolesOnce((now) => nodesInRole(now, 'primary').length === 0);
    for (const etcd of [etcd1, etcd2]) await etcd.start();
    for (const etcd of [etcd1, etcd2]) await comeBack(etcd, () => untilServes(etcd, 20_000));
    await steady();
    expect(await askOnce('direct', 'SELECT pg_is_in_recovery()', false)).toBe(false);
  }, 120_000);
});

describe.skipIf(missing !== undefined)('an image that will not do', () => {
  const provisionOn = async (image: string) => {
    const before = process.env.PGQUAKE_PATRONI_IMAGE;
    const own = mkdtempSync(join(tmpdir(), 'pgquake-patroni-'));
    process.env.PGQUAKE_PATRONI_IMAGE = image;
    try {
      const programs = programsOf(topology);
      await docker.provision({ nodes: topology.nodes, settings: {}, programs, runFolder: own, signal: NEVER });
      throw new Error('it was provisioned');
    } finally {
      if (before === undefined) delete process.env.PGQUAKE_PATRONI_IMAGE;
      else process.env.PGQUAKE_PATRONI_IMAGE = before;
      rmSync(own, { recursive: true, force: true });
    }
  };

  test('for lack of Patroni is refused before anything is formed, with what it lacks', async () => {
    await expect(provisionOn(process.env.PGQUAKE_TEST_IMAGE as string)).rejects.toMatchObject({
      code: 'image-unfit',
      message: expect.stringMatching(/lacks patroni, etcd, haproxy, pgbouncer$/),
    });
  });

  test('because it is not here is told with the variable', async () => {
    await expect(provisionOn('pgquake-nowhere:1')).rejects.toMatchObject({
      code: 'image-missing',
      message: expect.stringContaining('PGQUAKE_PATRONI_IMAGE'),
    });
  });
});
