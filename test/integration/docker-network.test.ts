/**
 * Network faults between containers, beyond what every fault promises: who is cut off from whom, what
 * happens to a statement that is waited for, and that rules of somebody else's stay as they are.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlRefusal } from '../../src/cluster/health.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import type { Fault, Undo } from '../../src/faults/fault.ts';
import { networkDrop } from '../../src/faults/network-drop.ts';
import { networkReject } from '../../src/faults/network-reject.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { mustRun } from '../../src/platforms/docker/helper.ts';
import type { DockerNode } from '../../src/platforms/docker/node.ts';
import { docker } from '../../src/platforms/docker.ts';
import { newMark } from '../../src/run/injector.ts';
import { Session } from '../../src/sql/session.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, RunFolder } from '../support/docker.ts';

process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

const missing = await dockerMissing('test/integration/docker-network.test.ts');
const never = new AbortController().signal;
const LIMIT_MS = 700;

describe.skipIf(missing !== undefined)('network faults in Docker', () => {
  const folder = new RunFolder();
  let nodes: Nodes;
  let [worker1, worker2, worker3]: DockerNode[] = [];

  beforeAll(async () => {
    nodes = await docker.provision({
      topology: { workers: 3, replication: 1, shards: 1 },
      settings: {},
      runFolder: folder.path,
      signal: never,
    });
    [worker1, worker2, worker3] = nodes.workers as DockerNode[];
  });

  afterAll(async () => {
    await nodes?.dispose();
    folder[Symbol.dispose]();
  });

  /** Strikes worker1 while something is done. @returns what the undo says. */
  async function during(fault: Fault, params: object, work: () => Promise<void>): Promise<string> {
    const undos: Undo[] = [];
    const context = { mark: newMark(), nodes: nodes.all, signal: never };
    const node = worker1 as NodeControl;
    const chosen = fault.params.parse(params);
    const evidence: unknown = await fault.inject([node], chosen, {
      ...context,
      defer: async (undo) => void undos.push(undo),
      hold: (resource) => resource,
    });
    try {
      await fault.prove([node], chosen, evidence);
      await work();
    } finally {
      expect(undos).toHaveLength(1);
    }
    const words = await fault.undo(undos[0] as Undo, node, context);
    expect(await worker1?.network.rulesOf(context.mark)).toEqual([]);
    return words;
  }

  const way = (from?: DockerNode, to?: DockerNode) =>
    from?.network.connectTo((to as DockerNode).peerAddress(from.name), LIMIT_MS);

  test('a partition: cut off from the nodes named, in touch with the others and with clients', async () => {
    await during(networkDrop, { from: ['worker2', 'coordinator'] }, async () => {
      expect(await way(worker1, worker2)).toBe(`no answer within ${LIMIT_MS} ms`);
      expect(await way(worker2, worker1)).toBe(`no answer within ${LIMIT_MS} ms`);
      expect(await way(worker1, worker3)).toBeUndefined();
      expect(await way(worker3, worker1)).toBeUndefined();
      expect(await sqlRefusal(worker1 as NodeControl)).toBeUndefined();
    });
    expect(await way(worker2, worker1)).toBeUndefined();
  });

  test('cut off from everybody, clients too', async () => {
    await during(networkDrop, { from: 'everybody' }, async () => {
      expect(await sqlRefusal(worker1 as NodeControl, LIMIT_MS)).toMatch(/no answer/);
    });
    expect(await sqlRefusal(worker1 as NodeControl)).toBeUndefined();
  });

  test('a refusal is told at once, also to those who come', async () => {
    await during(networkReject, { from: 'everybody' }, async () => {
      expect(await sqlRefusal(worker1 as NodeControl)).toBe('ECONNREFUSED');
      expect(await way(worker2, worker1)).toBe('refused');
      expect(await way(worker1, worker2)).toBe('refused');
    });
  });

  test('a rule that waits for a statement strikes that one, and tells how often', async () => {
    const open = () =>
      Session.connect((worker1 as DockerNode).address(), { applicationName: 'test', connectTimeoutMs: 5_000 });
    const words = await during(
      networkReject,
      { from: 'everybody', direction: 'in', on: 'PREPARE TRANSACTION' },
      async () => {
        await using spared = await open();
        await using struck = await open();
        expect(await spared.query(`SELECT 'PREPARED'`)).toEqual([['PREPARED']]);
        await expect(struck.query(`SELECT 'PREPARE TRANSACTION'`, [], { timeoutMs: 2_000 })).rejects.toThrow(
          'ECONNRESET',
        );
      },
    );
    expect(words).toMatch(/^the rules are gone, they had met [1-9]\d* packets$/);
  });

  test("rules of somebody else's stay, also those with a mark that begins alike", async () => {
    const client = DockerClient.fromEnvironment();
    const sh = (script: string) =>
      mustRun(client, {
        what: 'look at the rules',
        image: process.env.PGQUAKE_IMAGE as string,
        containerId: (worker1 as DockerNode).containerId,
        script,
      });
    const alike = 'pgquake-00000000-1';
    await sh(`iptables -A INPUT -p udp --dport 9 -j DROP
      iptables -A INPUT -p udp --dport 9 -m comment --comment ${alike}2 -j DROP
      iptables -A INPUT -p udp --dport 9 -m comment --comment ${alike} -j DROP`);
    const before = await sh('iptables -S');
    await during(networkDrop, {}, async () => {
      expect(await sh('iptables -S')).not.toBe(before);
    });
    expect(await sh('iptables -S')).toBe(before);
    expect(await worker1?.network.removeRules(alike)).toBe(0);
    expect(await sh('iptables -S | grep -c "dport 9"')).toBe('2');
    expect(await sh('iptables -S')).toContain(`${alike}2`);
  });

  test('what the kernel cannot do is refused by plan, with what it would need', async () => {
    using place = new Workplace();
    const scenario = place.scenario(
      'late',
      'name: late\nsummary: Late.\nfaults: [{ fault: network-latency, target: worker1, for: 1s }]\nhypothesis: [{ check: no-lost-writes }]\n',
    );
    const reason = await docker.lacking?.('network-latency');
    const { code, stdout, stderr } = await place.start(['plan', scenario, '--platform', 'docker'], {
      PGQUAKE_IMAGE: process.env.PGQUAKE_IMAGE,
    }).ended;
    expect(code, stdout + stderr).toBe(reason === undefined ? 0 : 4);
    if (reason !== undefined) expect(stderr).toMatch(/cannot do network-latency: it lacks .*a kernel with sch_netem/);
  });

  test('a shaper that is there already is not touched', async () => {
    const network = (worker2 as DockerNode).network;
    await network.shape('pgquake-11111111-0', { bytesPerSecond: 1_000_000 });
    await expect(network.shape('pgquake-22222222-0', { bytesPerSecond: 2_000_000 })).rejects.toThrow(
      /has a shaper already/,
    );
    await network.unshape('pgquake-22222222-0');
    expect(await network.shapingOf('pgquake-11111111-0')).toMatch(/rate 8Mbit/);
    await network.unshape('pgquake-11111111-0');
    expect(await network.shapingOf('pgquake-11111111-0')).toBeUndefined();
  });
});
