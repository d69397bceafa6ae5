/** What befalls containers and their engine in the middle of a run: the rest is removed, and what is left is told. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { untilServes } from '../../src/cluster/health.ts';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { reclaim } from '../../src/platforms/docker.ts';
import { readPendingUndos } from '../../src/run/undo-journal.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, EngineProxy, engine, projectOf, traces } from '../support/docker.ts';
import { workersOf } from '../support/sharded.ts';

const missing = await dockerMissing('test/integration/docker-mishaps.test.ts');
const env = { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE };

// Side by side: each waits half a minute for what does not come.
describe.skipIf(missing !== undefined).concurrent('on containers', () => {
  function scenario(place: Workplace, name: string): string {
    return place.scenario(
      name,
      `name: ${name}
summary: A worker is down while something else goes wrong.
cluster: { workers: 3, replication: 2, shards: 3, platform: docker, engine: native }
workload: { use: chat, rooms: 30, read: { rate: 30/s, deadline: 2s }, scan: { rate: 5/s, deadline: 2s }, write: { rate: 5/s, deadline: 2s } }
probes: { rate: 10/s }
steady-state: { for: 1s }
faults:
  - { fault: node-stop, target: worker1, for: 5s }
settle: { within: 2s }
hypothesis:
  - { check: messages-readable }
`,
    );
  }

  test('a container that is removed under the run: the verdict names it, and the rest is removed', async () => {
    using place = new Workplace('docker');
    const running = place.startRun([scenario(place, 'removed')], env);
    const removed = new Promise<void>((resolve, reject) => {
      running.stdout?.on('data', (text: string) => {
        if (!/in effect/.test(text)) return;
        engine
          .getContainer(`${projectOf(place.runFolder())}_worker1`)
          .remove({ force: true, v: true })
          .then(() => resolve(), reject);
      });
    });
    const { code, stdout, stderr } = await running.ended;
    await removed;
    expect(code, stdout + stderr).toBe(2);
    expect(stdout).toMatch(/worker1 NOT healed: .*worker1/);
    expect(stdout).toMatch(/healed .*NOT HEALED: node-stop on worker1/);
    expect(await traces(projectOf(place.runFolder()))).toEqual([]);
  });

  test('an engine that goes away under the run: exit 4, and what it left can be healed and removed', async () => {
    using place = new Workplace('docker');
    await using proxy = new EngineProxy();
    await proxy.open();
    const running = place.start([scenario(place, 'cut-off'), '--platform', 'docker', '--reports', place.reports], {
      ...env,
      DOCKER_HOST: proxy.host,
    });
    running.stdout?.on('data', (text: string) => {
      // Within the fault, so that the undo has to do without the engine.
      if (/in effect/.test(text))
        sleep(1_000).then(
          () => proxy.close(),
          () => undefined,
        );
    });
    const { code, stdout } = await running.ended;
    expect(code, stdout).toBe(4);
    const folder = place.runFolder();
    expect(readPendingUndos(folder).map(({ undo }) => undo)).toEqual([{ action: 'start', node: 'worker1' }]);
    const nodes = await reclaim(projectOf(folder), folder);
    const worker = workersOf(nodes)[0] as NodeControl;
    expect(await worker.state()).toBe('stopped');
    await worker.start();
    await untilServes(worker, 20_000);
    await nodes.dispose();
    expect(await traces(projectOf(place.runFolder()))).toEqual([]);
  });
});
