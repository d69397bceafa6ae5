/** The coordinator freezes, falls silent or moves while a run depends on it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { runWith } from '../support/harmed-run.ts';
import { behindPort, LossyProxy } from '../support/lossy-proxy.ts';
import { coordinatorOf } from '../support/sharded.ts';

const SCENARIO = `name: trouble
summary: The coordinator is in trouble of its own.
cluster: { workers: 2, replication: 2, shards: 2, platform: local, engine: native }
workload:
  use: chat
  read:  { rate: 60/s, deadline: 2s }
  scan:  { rate: 2/s, deadline: 2s }
  write: { rate: 20/s, deadline: 2s }
probes: { rate: 10/s }
steady-state: { for: 2s }
settle: { within: 8s }
`;
const STRUCK = `${SCENARIO}faults: [{ fault: node-stop, target: worker1, for: 2s }]
hypothesis: [{ check: messages-readable, during: fault, min: 500 }]
`;

function scenario(text: string) {
  return parseScenario(text, 'trouble.yaml', vocabulary);
}

function startsPhase(event: TimedEvent, phase: string): boolean {
  return event.type === 'phase-started' && event.phase === phase;
}

test('a coordinator that is frozen before the fault: nothing is struck', async () => {
  const events: TimedEvent[] = [];
  const run = runWith(scenario(STRUCK), {
    at: (event, { nodes }) => {
      const coordinator = coordinatorOf(nodes);
      events.push(event);
      if (!startsPhase(event, 'steady-state')) return undefined;
      return coordinator.pause().then(async () => {
        await sleep(6_000);
        await coordinator.resume();
      });
    },
  });
  await expect(run).rejects.toThrow(
    /^the steady state is not steady, so pgquake broke nothing: (read|scan|write): \d+ of \d+ ok/,
  );
  expect(events.filter(({ type }) => type === 'fault-asked')).toEqual([]);
});

test('a coordinator that the fault freezes: the guard trips long before a deadline has passed', async () => {
  const text = `${SCENARIO.replaceAll('deadline: 2s', 'deadline: 30s')}
faults: [{ fault: node-pause, target: coordinator, for: 60s }]
guards: { abort-when: [{ of: write, below: 50%, for: 1s }] }
hypothesis: [{ check: no-duplicates }]
`;
  const at = new Map<string, number>();
  const report = await runWith(scenario(text), {
    at: (event) => {
      at.set(event.type, event.at);
      return Promise.resolve();
    },
  });
  expect(report.judgement).toBe('unknown');
  const tripped = report.timeline.find(({ type }) => type === 'guard-tripped');
  expect(tripped).toMatchObject({
    reason: expect.stringMatching(/^write: \d+ of \d+ ok within 1 s, less than 50 %, \d+ unanswered$/),
  });
  expect((at.get('guard-tripped') as number) - (at.get('fault-asked') as number)).toBeLessThan(10_000);
});

test('a coordinator that falls silent is named with what it was asked; it is no bug of pgquake', async () => {
  let frozen: Promise<void> | undefined;
  const run = runWith(scenario(STRUCK), {
    at: (event, { nodes }) => {
      const coordinator = coordinatorOf(nodes);
      if (event.type !== 'cluster-formed') return undefined;
      frozen = coordinator.pause();
      return frozen;
    },
  });
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EnvironmentError);
  expect((error as Error).message).toMatch(
    /^coordinator \(127\.0\.0\.1:\d+\): no answer within \d+ ms (to "|when pgquake connected)/,
  );
});

test('a coordinator that comes back at another address gets its load back', async () => {
  await using proxies = new AsyncDisposableStack();
  let port = 0;
  let first: LossyProxy;
  const text = `${SCENARIO}faults: []
hypothesis: [{ check: availability, of: read, during: settle, min: 50% }]
`;
  const report = await runWith(scenario(text), {
    nodes: async (nodes) => {
      first = await LossyProxy.start(coordinatorOf(nodes).address(), {});
      port = first.port;
      return behindPort(nodes, () => port);
    },
    at: (event, { nodes }) => {
      const coordinator = coordinatorOf(nodes);
      if (!startsPhase(event, 'fault')) return undefined;
      return (async () => {
        const second = proxies.use(await LossyProxy.start(coordinator.address(), {}));
        await first[Symbol.asyncDispose]();
        await sleep(300);
        port = second.port;
      })();
    },
  });
  const reads = report.figures.availability.find(({ kind, span }) => kind === 'read' && span === 'settle');
  expect(reads?.figures.share).toBeGreaterThan(0.9);
  expect(report.results.find(({ check }) => check === 'availability')?.judgement).toBe('pass');
});
