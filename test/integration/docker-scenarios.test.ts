/** The shipped scenarios on containers, with the native engine, from the command line to the reports. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { untilAcceptsSql } from '../../src/cluster/health.ts';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { reclaim } from '../../src/platforms/docker.ts';
import { readPendingUndos } from '../../src/run/undo-journal.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, EngineProxy, engine, traces } from '../support/docker.ts';
import { workersOf } from '../support/sharded.ts';

const missing = await dockerMissing('test/integration/docker-scenarios.test.ts');
const env = { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE };
/** Where 3 s are too short: twice the deadline of what waits; every room read, though reads of dead shards wait. */
const FAULT_S: Readonly<Record<string, number>> = { 'frozen-worker': 9, 'three-workers': 7 };
const PROBES = 'probes: { rate: 15/s }\n';

describe.skipIf(missing !== undefined)('on containers', () => {
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace('docker');
  });

  afterEach(() => {
    place[Symbol.dispose]();
  });

  /**
   * A shipped scenario, on containers, with its fault shortened, a smaller load and fewer probes, because containers share the processors
   * of the machine with the load: how it runs at full length is tested on the embedded cluster. @returns its path.
   */
  function onContainers(name: string, cluster = 'workers: 4, replication: 2, shards: 4'): string {
    const shipped = readFileSync(resolve(import.meta.dirname, `../../scenarios/${name}.yaml`), 'utf8');
    const text = shipped
      .replace(/^cluster: .*$/m, `cluster: { ${cluster}, platform: docker, engine: native }`)
      .replace(/(read: +\{ rate: )(?:200|100)\/s/, (_, key) => `${key}80/s`)
      .replace(/(write: +\{ rate: )(?:50|20)\/s/, (_, key) => `${key}10/s`)
      .replace(/^steady-state: .*$/m, `${shipped.includes('\nprobes:') ? '' : PROBES}steady-state: { for: 1s }`)
      .replace(/^( {2}- \{ fault: .*) for: \d+s \}$/m, `$1 for: ${FAULT_S[name] ?? 3}s }`);
    expect(text).not.toBe(shipped);
    return place.scenario(name, text);
  }

  function runFolder(): string {
    const newest = readdirSync(place.reports)
      .filter((entry) => /^\d{4}-/.test(entry))
      .sort()
      .at(-1);
    return join(place.reports, newest as string);
  }

  function project(): string {
    const text = readFileSync(join(runFolder(), 'docker-compose.yml'), 'utf8');
    return (/pgquake\.project: (\S+)/.exec(text) as RegExpExecArray)[1] as string;
  }

  test('primary-kill passes and leaves nothing: standbys from volume to volume, and an old primary comes back', async () => {
    const shipped = readFileSync(resolve(import.meta.dirname, '../../scenarios/primary-kill.yaml'), 'utf8');
    const text = shipped
      .replace('promote-after: 1s }', 'promote-after: 1s, platform: docker }')
      // Containers share the processors of the machine with the load.
      .replace('rate: 200/s', 'rate: 50/s')
      .replace('rate: 50/s,  deadline: 2s }\n\n', 'rate: 20/s,  deadline: 2s }\n\n');
    expect(text).toMatch(/platform: docker.*read: .*50\/s.*write: .*20\/s/s);
    const { code, stdout, stderr } = await place.runJudged([place.scenario('primary-kill', text)], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await traces(project())).toEqual([]);
  });

  test.for(['control', 'one-worker-kill', 'three-workers', 'frozen-worker'])(
    '%s passes and leaves nothing',
    async (name) => {
      const { code, stdout, stderr } = await place.runJudged([onContainers(name)], env);
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
      expect(await traces(project())).toEqual([]);
      expect(existsSync(join(runFolder(), 'logs/worker4.log'))).toBe(true);
    },
  );

  test('one-worker passes with 6 workers, each shard on 3', async () => {
    const scenario = onContainers('one-worker', 'workers: 6, replication: 3, shards: 6');
    const { code, stdout, stderr } = await place.runJudged([scenario], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await traces(project())).toEqual([]);
  });

  test('a worker that is cut off without a word: the next holder of its shards is asked', async () => {
    const scenario = place.scenario(
      'partition',
      `name: partition
summary: One worker is cut off from the others.
cluster: { workers: 3, replication: 2, shards: 3, platform: docker, engine: native }
workload: { use: chat, rooms: 30, read: { rate: 30/s, deadline: 3s }, scan: { rate: 1/s, deadline: 3s }, write: { rate: 5/s, deadline: 3s } }
steady-state: { for: 1s }
faults:
  - { fault: network-drop, target: worker1, for: 5s }
settle: { within: 30s }
hypothesis:
  - { check: messages-readable }
  - { check: no-lost-writes }
  - { check: replicas-agree }
`,
    );
    const { code, stdout, stderr } = await place.runJudged([scenario], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await traces(project())).toEqual([]);
  });

  test('a container that is removed under the run: the verdict names it, and the rest is removed', async () => {
    const scenario = place.scenario(
      'removed',
      `name: removed
summary: A worker that is down is removed by somebody else.
cluster: { workers: 3, replication: 2, shards: 3, platform: docker, engine: native }
workload: { use: chat, rooms: 30, read: { rate: 30/s, deadline: 2s }, scan: { rate: 1/s, deadline: 2s }, write: { rate: 5/s, deadline: 2s } }
steady-state: { for: 1s }
faults:
  - { fault: node-stop, target: worker1, for: 3s }
settle: { within: 2s }
hypothesis:
  - { check: messages-readable }
`,
    );
    const running = place.startRun([scenario], env);
    const removed = new Promise<void>((resolve, reject) => {
      running.stdout?.on('data', (text: string) => {
        if (!/in effect/.test(text)) return;
        engine
          .getContainer(`${project()}_worker1`)
          .remove({ force: true, v: true })
          .then(() => resolve(), reject);
      });
    });
    const { code, stdout, stderr } = await running.ended;
    await removed;
    expect(code, stdout + stderr).toBe(2);
    expect(stdout).toMatch(/worker1 NOT healed: .*worker1/);
    expect(stdout).toMatch(/healed .*NOT HEALED: node-stop on worker1/);
    expect(await traces(project())).toEqual([]);
  });

  test('an engine that goes away under the run: exit 4, and what it left can be healed and removed', async () => {
    await using proxy = new EngineProxy();
    await proxy.open();
    const running = place.start([onContainers('one-worker'), '--reports', place.reports], {
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
    const folder = runFolder();
    expect((await readPendingUndos(folder)).map(({ undo }) => undo)).toEqual([{ action: 'start', node: 'worker1' }]);
    const nodes = await reclaim(project(), folder);
    const worker = workersOf(nodes)[0] as NodeControl;
    expect(await worker.state()).toBe('stopped');
    await worker.start();
    await untilAcceptsSql(worker, 20_000);
    await nodes.dispose();
    expect(await traces(project())).toEqual([]);
  });
});
