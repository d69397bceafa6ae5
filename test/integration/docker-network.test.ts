/** Network faults between containers: rules and shapers of somebody else's stay as they are. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Nodes } from '../../src/cluster/platform.ts';
import { networkDrop } from '../../src/faults/network-drop.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { mustRun } from '../../src/platforms/docker/helper.ts';
import type { DockerNode } from '../../src/platforms/docker/node.ts';
import { docker } from '../../src/platforms/docker.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, RunFolder } from '../support/docker.ts';
import { duringFault } from '../support/during-fault.ts';
import { sharded, workersOf } from '../support/sharded.ts';

process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

const missing = await dockerMissing('test/integration/docker-network.test.ts');
const never = new AbortController().signal;

describe.skipIf(missing !== undefined)('network faults in Docker', () => {
  const folder = new RunFolder();
  let nodes: Nodes;
  let [worker1, worker2]: DockerNode[] = [];

  beforeAll(async () => {
    nodes = await docker.provision({
      nodes: sharded({ workers: 2, replication: 1, partitions: 1 }).nodes,
      settings: {},
      runFolder: folder.path,
      signal: never,
    });
    [worker1, worker2] = workersOf(nodes) as DockerNode[];
  });

  afterAll(async () => {
    await nodes?.dispose();
    folder[Symbol.dispose]();
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
    await duringFault(networkDrop, { node: worker1 as DockerNode, nodes: nodes.all, params: {} }, async () => {
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
    if (reason !== undefined) expect(stderr).toMatch(/cannot do network-latency: .*a kernel with sch_netem/);
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
