/** What a platform cannot do is refused before anything starts, with what it would need. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { choose } from '../../src/choose.ts';
import type { ClusterSpec } from '../../src/model/scenario.ts';
import { local } from '../../src/platforms/local.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const cluster = clusterOf('workers: 2, replication: 1, shards: 2');
const choosing = (fault: string) => choose(shipped, { scenario: { cluster }, acts: [{ fault }] });
function clusterOf(keys: string): ClusterSpec {
  const text = `name: some\nsummary: Some.\ncluster: { ${keys}, platform: local }\nhypothesis: [{ check: no-duplicates }]\n`;
  return parseScenario(text, 'some.yaml', shipped).cluster;
}

const lacking = await local.lacking?.('network-rules');
const platformOf = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  Object.defineProperty(process, 'platform', platformOf);
});

describe('on the platform local', () => {
  test.skipIf(lacking !== undefined)('network faults can be chosen, on the engine native', async () => {
    expect((await choosing('network-drop')).engine.name).toBe('native');
  });

  test('network faults need Linux', async () => {
    vi.spyOn(local, 'unavailable').mockResolvedValue(undefined);
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    for (const fault of ['network-disconnect', 'network-drop', 'network-loss', 'network-latency']) {
      await expect(choosing(fault)).rejects.toMatchObject({
        code: 'capability-missing',
        message: expect.stringMatching(`cannot do ${fault}: .*that needs Linux, and this is darwin`),
      });
    }
  });

  test('programs of an engine that are not installed are named, with the packages that bring them', async () => {
    vi.stubEnv('PATH', '');
    vi.stubEnv('PGQUAKE_POSTGRES_BIN', '/nowhere');
    const own = clusterOf('engine: patroni');
    const chosen = choose(shipped, { scenario: { cluster: own }, acts: [] });
    await expect(chosen).rejects.toMatchObject({
      code: 'no-platform',
      message: expect.stringMatching(
        /^no platform can be used: local: not installed here: bash, patroni, postgres, etcd; no PostgreSQL with initdb, .* in PGQUAKE_POSTGRES_BIN \(\/nowhere\)$/,
      ),
      hint: expect.stringContaining(
        'apt-get install bash patroni python3-etcd python3-psycopg2 postgresql etcd-server"',
      ),
    });
  });

  test('programs of an engine need Linux', async () => {
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    const chosen = choose(shipped, { scenario: { cluster: clusterOf('engine: patroni') }, acts: [] });
    await expect(chosen).rejects.toThrow("an engine's programs run without Docker only on Linux, and this is darwin");
  });

  test('a platform that runs no programs is told so', async () => {
    const plain = { ...local, capabilities: new Set([...local.capabilities].filter((one) => one !== 'node-programs')) };
    const chosen = choose(
      { ...shipped, platforms: [{ ...plain, unavailable: async () => undefined }] },
      { scenario: { cluster: clusterOf('engine: patroni') }, acts: [] },
    );
    await expect(chosen).rejects.toMatchObject({
      code: 'capability-missing',
      message: 'it cannot make a cluster of the engine patroni: it lacks node-programs',
    });
  });

  test('network faults are refused under Patroni, whose members share addresses', async () => {
    vi.spyOn(local, 'unavailable').mockResolvedValue(undefined);
    vi.spyOn(local, 'lacking').mockResolvedValue(undefined);
    const chosen = choose(shipped, {
      scenario: { cluster: clusterOf('engine: patroni') },
      acts: [{ fault: 'network-drop' }],
    });
    await expect(chosen).rejects.toMatchObject({ code: 'capability-missing', hint: 'use --platform docker' });
  });

  test('where nobody chooses, what brings the programs of an engine comes before what is installed', async () => {
    for (const platform of shipped.platforms) vi.spyOn(platform, 'unavailable').mockResolvedValue(undefined);
    const { platform } = await choose(shipped, {
      scenario: { cluster: { ...clusterOf('engine: patroni'), platform: 'auto' } },
      acts: [],
    });
    expect(platform.name).toBe('docker');
  });

  test('an engine whose nodes share addresses gets no network faults, and all others', async () => {
    vi.spyOn(local, 'offers').mockResolvedValue(true);
    vi.spyOn(local, 'lacking').mockResolvedValue(undefined);
    await expect(choosing('network-drop')).rejects.toMatchObject({
      code: 'capability-missing',
      message: expect.stringContaining('the engine citus on the platform local cannot do network-drop'),
    });
    expect((await choosing('node-kill')).engine.name).toBe('citus');
  });
});
