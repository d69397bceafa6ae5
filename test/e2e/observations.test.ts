/** What the servers themselves count and measure, on real ones: who serves, what copies cost, how reads scale. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EventOf, TimedEvent } from '../../src/model/event.ts';
import type { Report } from '../../src/model/report.ts';
import { Workplace } from '../support/cli.ts';

async function observe(place: Workplace, partitions: number): Promise<{ report: Report; events: TimedEvent[] }> {
  const file = join(place.folder, 'observed.yaml');
  writeFileSync(
    file,
    `name: observed
summary: Nothing is broken; the workers tell what they do.
cluster: { workers: 2, replication: 2, shards: ${partitions} }
workload: { use: chat, messages-per-room: 100, read: { rate: 50/s, deadline: 2s }, scan: { rate: 1/s, deadline: 2s }, write: { rate: 20/s, deadline: 2s } }
probes: { rate: 10/s }
steady-state: { for: 2s }
settle: { within: 300ms }
hypothesis:
  - { check: workers-serve, min-share: 20% }
  - { check: storage-overhead, min: 1.8, max: 3 }
  - { check: reads-scale, min: 1 }
`,
  );
  await place.run([file]);
  const folder = join(place.reports, 'latest');
  const lines = readFileSync(join(folder, 'events.ndjson'), 'utf8').trimEnd().split('\n');
  return {
    report: JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report,
    events: lines.map((line) => JSON.parse(line) as TimedEvent),
  };
}

function only<T extends TimedEvent['type']>(events: readonly TimedEvent[], type: T): EventOf<T> {
  const found = events.filter((event): event is EventOf<T> => event.type === type);
  expect(found).toHaveLength(1);
  return found[0] as EventOf<T>;
}

test('two workers share the shards: both serve, and all of it is told', async () => {
  using place = new Workplace();
  const { report, events } = await observe(place, 4);
  expect(report.results.find(({ check }) => check === 'workers-serve')?.judgement).toBe('pass');
  expect(report.results.find(({ check }) => check === 'storage-overhead')?.judgement).toBe('pass');

  const { workers } = only(events, 'work-of-workers');
  const total = (of: 'reads' | 'writes') => workers.reduce((sum, worker) => sum + worker[of], 0);
  // Some three seconds of 50 reads, 1 scan of 4 partitions and 20 writes; each write counts once, though it is on both.
  expect(total('reads')).toBeGreaterThan(75);
  expect(total('writes')).toBeGreaterThan(30);
  expect(total('writes')).toBeLessThan(120);

  const { copies: placements, oneCopyBytes } = only(events, 'storage');
  expect(placements).toHaveLength(8);
  expect(oneCopyBytes).toBeGreaterThan(10_000 * 50);

  const { steps } = only(events, 'read-scaling');
  expect(steps.map(({ workers: count, served }) => [count, served])).toEqual([
    [1, ['worker1']],
    [2, ['worker1', 'worker2']],
  ]);
  for (const { ok } of steps) expect(ok).toBeGreaterThan(100);
  expect(place.leftovers()).toEqual([]);
});

test('a worker that only holds copies is seen not to serve', async () => {
  using place = new Workplace();
  const { report } = await observe(place, 1);
  const serve = report.results.find(({ check }) => check === 'workers-serve');
  expect(serve?.judgement).toBe('fail');
  expect(serve?.observed).toMatch(/^reads: .*, too few on worker2; writes: 0 % to 100 % .*, too few on worker2$/);
  const scale = report.results.find(({ check }) => check === 'reads-scale');
  expect(scale).toMatchObject({
    judgement: 'unknown',
    observed: 'one worker serves everything; there is nothing to compare',
  });
});
