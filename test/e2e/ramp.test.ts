/** Loads that are more than servers and client bear, coordinators that are slow or silent, and signals meanwhile. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { Workplace } from '../support/cli.ts';
import { runWith } from '../support/harmed-run.ts';
import { behindPort, LossyProxy } from '../support/lossy-proxy.ts';
import { coordinatorOf } from '../support/sharded.ts';

function scenario(rate: string): string {
  return `name: ramp
summary: More load than anybody bears, perhaps.
cluster: { workers: 2, replication: 2, shards: 2, platform: local, engine: native }
workload: { rooms: 20, read: { rate: ${rate} }, scan: { rate: 2/s }, write: { rate: 20/s } }
probes: { rate: 10/s }
steady-state: { for: 1s }
settle: { within: 300ms }
faults: []
hypothesis: [{ check: no-lost-writes }]
`;
}

test('a coordinator that answers in 5 s: the run ends within 10 s of its ramp, before anything is broken, with the figures', async () => {
  await using proxies = new AsyncDisposableStack();
  let delayMs = 0;
  const at = new Map<string, number>();
  const breaking = scenario('100/s').replace('faults: []', 'faults: [{ fault: node-stop, target: worker1, for: 1s }]');
  const run = runWith(parseScenario(breaking, 'ramp.yaml', vocabulary), {
    nodes: async (nodes) => {
      const proxy = proxies.use(await LossyProxy.start(coordinatorOf(nodes).address(), { delayMs: () => delayMs }));
      return behindPort(nodes, proxy.port);
    },
    at: (event: TimedEvent) => {
      at.set(event.type === 'phase-started' ? event.phase : event.type, event.at);
      if (event.type === 'phase-started' && event.phase === 'ramp') delayMs = 5_000;
      return undefined;
    },
  });
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EnvironmentError);
  expect((error as Error).message).toMatch(
    /cannot sustain the scenario's load, so pgquake broke nothing: read \d+ of 100, .* a second answered/,
  );
  for (const never of ['steady-state', 'fault-asked']) expect(at.has(never)).toBe(false);
  expect((at.get('dispose') as number) - (at.get('ramp') as number)).toBeLessThan(10_000);
});

test('with --fit a smaller load goes on, is recorded and shown', async () => {
  // More than one connection carries, which leaves the machine to the tests beside.
  using place = new Workplace();
  const { code, stdout, stderr } = await place.run([
    place.scenario('ramp', scenario('8000/s, connections: 1')),
    '--fit',
  ]);
  const { run, timeline } = place.report();
  expect([0, 2], stdout + stderr).toContain(code);
  expect(run.fitted).toBeLessThan(1);
  const read = run.kinds.find(({ name }) => name === 'read');
  expect(read?.ratePerSecond).toBe(8_000 * (run.fitted as number));
  expect(timeline.find(({ type }) => type === 'load-fitted')).toMatchObject({ share: run.fitted });
  expect(stdout).toMatch(/continuing with a smaller load, [\d.]+ % of the scenario's/);
  expect(run.again).toContain('--fit');
});

test('SIGTERM is obeyed within 10 s while the coordinator is frozen', async () => {
  using place = new Workplace();
  const child = place.startRun([place.scenario('ramp', scenario('100/s').replace('for: 1s', 'for: 60s'))]);
  await new Promise<void>((steady) => {
    child.stdout?.on('data', (text: string) => {
      if (text.includes('load without faults')) steady();
    });
  });
  const frozen = place.postmasters();
  for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  await sleep(1_000);
  const from = performance.now();
  child.kill('SIGTERM');
  const { code } = await child.ended;
  expect(code).toBe(130);
  expect(performance.now() - from).toBeLessThan(10_000);
  expect(frozen.length).toBe(3);
  expect(place.leftovers()).toEqual([]);
});
