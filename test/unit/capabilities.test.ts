/** What a platform cannot do is refused before anything starts, with what it would need. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { choose } from '../../src/choose.ts';
import { local } from '../../src/platforms/local.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const cluster = { workers: 2, replication: 1, partitions: 2, platform: 'local', engine: 'auto' } as const;
const choosing = (fault: string) => choose(shipped, { scenario: { cluster }, acts: [{ fault }] });
const lacking = await local.lacking?.('network-rules');
const platformOf = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;

afterEach(() => {
  vi.restoreAllMocks();
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
        message: expect.stringMatching(`cannot do ${fault}: it lacks network-.*: it needs Linux, and this is darwin`),
      });
    }
  });

  test('an engine with programs of its own is refused, with what to install', async () => {
    vi.spyOn(local, 'unavailable').mockResolvedValue(undefined);
    const { cluster: own } = parseScenario(
      'name: some\nsummary: Some.\ncluster: { engine: patroni }\nhypothesis: [{ check: no-lost-writes }]\n',
      'some.yaml',
      shipped,
    );
    const chosen = choose(shipped, { scenario: { cluster: { ...own, platform: 'local' } }, acts: [] });
    await expect(chosen).rejects.toMatchObject({
      code: 'capability-missing',
      message: 'it cannot make a cluster of the engine patroni: it runs PostgreSQL servers and no other program',
      hint: expect.stringContaining('install Docker'),
    });
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
