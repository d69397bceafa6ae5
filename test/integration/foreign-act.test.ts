/**
 * Somebody else stops or freezes a node in the middle of a real run. That pgquake's own acts are never told as such is looked
 * at in runs that stop, kill, freeze, restart and flap nodes: `scenarios`, `frozen-worker`, `own-sql` and `suite`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { runWith } from '../support/harmed-run.ts';
import { freezePostmaster } from '../support/local-cluster.ts';
import { workersOf } from '../support/sharded.ts';

const scenario = (faults: string) =>
  parseScenario(
    `
name: foreign
summary: Somebody else may act.
cluster: { workers: 3, replication: 2, shards: 3, platform: local, engine: native }
workload: { use: chat, rooms: 12, messages-per-room: 2, read: { rate: 20/s }, scan: { rate: 5/s }, write: { rate: 5/s } }
probes: { rate: 10/s }
steady-state: { for: 2s }
faults: [${faults}]
settle: { within: 300ms }
hypothesis: [{ check: no-lost-writes }]
`,
    'foreign.yaml',
    vocabulary,
  );

const isFault = (event: TimedEvent) => event.type === 'phase-started' && event.phase === 'fault';

test('a worker that somebody else kills, pauses or freezes is told, and nothing is green', async () => {
  const report = await runWith(scenario('{ fault: node-stop, target: worker1, for: 17s }'), {
    at: async (event, { nodes }) => {
      const [, paused, other] = workersOf(nodes);
      if (!isFault(event) || !paused || !other) return;
      await other.kill();
      await sleep(2_500);
      await other.start();
      await paused.pause();
      await sleep(2_500);
      await paused.resume();
      // Its postmaster alone lets new connections wait.
      await freezePostmaster(other, 8_000);
    },
  });
  const changes = report.timeline.filter((event) => event.type === 'node-changed');
  expect(changes.filter(({ node }) => node === 'worker2').map(({ to }) => to)).toEqual(['paused', 'running']);
  expect(changes.filter(({ node }) => node === 'worker3').map(({ to }) => to)).toEqual([
    'stopped',
    'running',
    'silent',
    'running',
  ]);
  expect(changes).toHaveLength(6);
  expect(report.finding).toMatch(/^Worker3 was stopped at .* for .*, and not by pgquake/);
  expect(report.judgement).toBe('unknown');
  const judgements = new Map(report.results.map(({ check, judgement }) => [check, judgement]));
  expect(judgements.get('healed')).toBe('unknown');
  expect(judgements.get('fault-took-effect')).toBe('unknown');
});
