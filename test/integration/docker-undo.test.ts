/** Undos on containers, beyond what every fault promises: what stood before, what is elsewhere afterwards, what is full. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilServes } from '../../src/cluster/health.ts';
import type { Nodes } from '../../src/cluster/platform.ts';
import { bareCluster } from '../../src/contract/bare-cluster.ts';
import { cpuThrottle } from '../../src/faults/cpu-throttle.ts';
import { diskFull } from '../../src/faults/disk-full.ts';
import type { Fault, Undo } from '../../src/faults/fault.ts';
import { networkDisconnect } from '../../src/faults/network-disconnect.ts';
import type { DockerNode } from '../../src/platforms/docker/node.ts';
import { docker } from '../../src/platforms/docker.ts';
import { undoAll } from '../../src/run/healing.ts';
import { newMark } from '../../src/run/injector.ts';
import { Session } from '../../src/sql/session.ts';
import { dockerMissing, engine, RunFolder } from '../support/docker.ts';
import { coordinatorOf, sharded, workersOf } from '../support/sharded.ts';

process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

const missing = await dockerMissing('test/integration/docker-undo.test.ts');
const never = new AbortController().signal;
const MEBIBYTE = 2 ** 20;

describe.skipIf(missing !== undefined)('undos on containers', () => {
  const folder = new RunFolder();
  let nodes: Nodes;
  let full: DockerNode;
  let ordinary: DockerNode;

  beforeAll(async () => {
    nodes = await docker.provision({
      nodes: sharded({ workers: 2, replication: 1, partitions: 1 }).nodes,
      settings: {},
      sizedData: ['worker1'],
      runFolder: folder.path,
      signal: never,
    });
    [full, ordinary] = workersOf(nodes) as [DockerNode, DockerNode];
  });

  afterAll(async () => {
    await nodes?.dispose();
    folder[Symbol.dispose]();
  });

  async function strike(fault: Fault, node: DockerNode, params: object) {
    const undos: Undo[] = [];
    const mark = newMark();
    const chosen = fault.params.parse(params);
    await fault.inject([node], chosen, {
      mark,
      nodes: nodes.all,
      cluster: bareCluster,
      signal: never,
      defer: async (undo) => void undos.push(undo),
      hold: (resource) => resource,
    });
    return async () => {
      const pending = undos.map((undo, id) => ({ id, act: 0, fault: fault.name, mark, undo })).reverse();
      const faults = new Map([[fault.name, fault]]);
      const { failures, proofs } = await undoAll(pending, { nodes: nodes.all, faults, kept: () => undefined });
      expect(failures).toEqual([]);
      return proofs.join();
    };
  }

  async function ask(node: DockerNode, text: string, timeoutMs = 20_000) {
    await using session = await Session.connect(node.address(), { applicationName: 'test', connectTimeoutMs: 5_000 });
    return await session.query(text, [], { timeoutMs });
  }

  test('a container that was made with --cpus has them again', async () => {
    const container = engine.getContainer(ordinary.containerId);
    const cpus = async () => (await container.inspect()).HostConfig.NanoCpus;
    await container.update({ NanoCpus: 1_500_000_000 });
    try {
      const undo = await strike(cpuThrottle, ordinary, { share: '10%' });
      expect(await cpus()).toBe(100_000_000);
      expect(await undo()).toContain('1.5 of a processor');
      expect(await cpus()).toBe(1_500_000_000);
    } finally {
      await container.update({ NanoCpus: 0 });
    }
  });

  test('a coordinator that was off its network is found where it is then', async () => {
    const coordinator = coordinatorOf(nodes) as DockerNode;
    const before = coordinator.address().host;
    const undo = await strike(networkDisconnect, coordinator, {});
    // Somebody else gets its address meanwhile.
    const [network = ''] = Object.keys(
      (await engine.getContainer(ordinary.containerId).inspect()).NetworkSettings.Networks,
    );
    const other = await engine.createContainer({
      Image: process.env.PGQUAKE_TEST_IMAGE as string,
      Entrypoint: ['sleep', '60'],
      NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: before } } } },
      HostConfig: { NetworkMode: network },
    });
    try {
      // Only where pgquake reaches containers by their own addresses, and one may be chosen, is it taken.
      const taken = await other.start().then(
        () => true,
        () => false,
      );
      await undo();
      await untilServes(coordinator, 10_000);
      expect((await ask(coordinator, 'SELECT inet_server_addr() IS NOT NULL'))[0]).toEqual([true]);
      if (taken) expect(coordinator.address().host).not.toBe(before);
      expect(await ordinary.network.connectTo(coordinator.peerAddress(ordinary.name), 2_000)).toBeUndefined();
    } finally {
      await other.remove({ force: true, v: true });
    }
  });

  test('data on the disk of the engine are never filled', async () => {
    expect(await diskFull.lacking?.(ordinary, diskFull.params.parse({}), bareCluster)).toMatch(
      /worker2 in .* are on the disk of the Docker engine/,
    );
    expect(await diskFull.lacking?.(full, diskFull.params.parse({}), bareCluster)).toBeUndefined();
    await expect(strike(diskFull, ordinary, {})).rejects.toThrow('on the disk of the Docker engine');
  });

  test('on a full disk the server ends or refuses to write; freed, it recovers all that it had acknowledged', async () => {
    await ask(full, 'CREATE TABLE kept AS SELECT i FROM generate_series(1, 1000) AS i');
    const undo = await strike(diskFull, full, {});
    const { totalBytes, freeBytes } = await full.disk.seen();
    expect(totalBytes).toBe(512 * MEBIBYTE);
    expect(freeBytes).toBeLessThanOrEqual(64 * 1_024);
    const writing = ask(
      full,
      `CREATE TABLE more AS SELECT i, repeat('x', 500) FROM generate_series(1, 400000) AS i`,
      60_000,
    );
    // 53100: no space left; else the connection ends with the server.
    await expect(writing).rejects.toThrow();
    expect(await undo()).toMatch(/freed, now .* free/);
    expect(await ask(full, 'SELECT count(*)::int FROM kept')).toEqual([[1_000]]);
    await ask(full, `CREATE TABLE more AS SELECT i FROM generate_series(1, 100000) AS i`);
  });

  test('its data survive that the node is killed, and that it ends on a full disk', async () => {
    const undo = await strike(diskFull, full, { 'up-to': '99%' });
    await full.kill();
    expect(await undo()).toContain('accepts SQL');
    expect(await ask(full, 'SELECT count(*)::int FROM kept')).toEqual([[1_000]]);
  });
});
