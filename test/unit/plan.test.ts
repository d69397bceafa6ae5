import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { native } from '../../src/engines/native.ts';
import { effectOf } from '../../src/experiment.ts';
import type { PlannedAct } from '../../src/model/plan.ts';
import type { Scenario } from '../../src/model/scenario.ts';
import { workerNames } from '../../src/model/topology.ts';
import { describePlan } from '../../src/plan/describe.ts';
import { lostTogether, makePlan } from '../../src/plan/schedule.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';

const always = () => 'down' as const;

function scenario(faults: string, cluster = '{ workers: 4, replication: 2, shards: 4 }'): Scenario {
  const text = `name: some\nsummary: Some.\ncluster: ${cluster}\nfaults: ${faults}\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', vocabulary);
}

const downTogether = (acts: readonly PlannedAct[]) => lostTogether(acts, always).map(({ down }) => down);

const targets = (faults: string, seed: number) =>
  makePlan(scenario(faults), { seed, effectOf: always }).acts.map((act) => act.targets);

describe('makePlan', () => {
  test('numbers the acts, keeps their times and names the nodes in the order of the cluster', () => {
    const plan = makePlan(
      scenario(
        '[{ fault: node-stop, target: [worker3, worker1], at: 1s, for: 8s }, { fault: node-kill, target: coordinator, for: 500ms }]',
      ),
      { seed: 3, effectOf: (fault) => (fault === 'node-stop' ? 'down' : undefined) },
    );
    expect(plan.seed).toBe(3);
    expect(plan.acts).toEqual([
      { index: 0, fault: 'node-stop', targets: ['worker1', 'worker3'], atMs: 1_000, forMs: 8_000, params: {} },
      { index: 1, fault: 'node-kill', targets: ['coordinator'], atMs: 0, forMs: 500, params: {} },
    ]);
    expect(plan.blastRadius).toEqual(['worker1', 'worker3']);
    expect(plan.placement.map((shard) => shard.placements)).toEqual([
      ['worker1', 'worker2'],
      ['worker2', 'worker3'],
      ['worker3', 'worker4'],
      ['worker4', 'worker1'],
    ]);
  });

  test('the same seed picks the same nodes; all nodes are picked by one seed or another', () => {
    const faults = '[{ fault: node-stop, target: { role: worker, pick: 1 }, for: 1s }]';
    const picked = Array.from({ length: 50 }, (_, seed) => targets(faults, seed));
    expect(Array.from({ length: 50 }, (_, seed) => targets(faults, seed))).toEqual(picked);
    expect(new Set(picked.flat(2))).toEqual(new Set(['worker1', 'worker2', 'worker3', 'worker4']));
  });

  test('a pick takes no node that is struck at the same time, and may take it afterwards', () => {
    const at = (time: string) =>
      `[{ fault: node-stop, target: { role: worker, pick: 1 }, at: ${time}, for: 1s }, { fault: node-kill, target: [worker1, worker2, worker3], for: 5s }]`;
    const seeds = Array.from({ length: 30 }, (_, seed) => seed);
    expect(new Set(seeds.flatMap((seed) => targets(at('4s'), seed)[0]))).toEqual(new Set(['worker4']));
    expect(new Set(seeds.flatMap((seed) => targets(at('6s'), seed)[0])).size).toBe(4);
  });

  test('whatever a valid scenario asks for, no two faults strike one node at one time', () => {
    const step = fc.record({
      target: fc.oneof(
        fc
          .uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 })
          .map((n) => `[${n.map((i) => `worker${i}`)}]`),
        fc.integer({ min: 1, max: 4 }).map((n) => `{ role: worker, pick: ${n} }`),
      ),
      at: fc.integer({ min: 0, max: 20 }),
      for: fc.integer({ min: 1, max: 8 }),
    });
    let valid = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), fc.nat(), (steps, seed) => {
        const faults = steps.map((s) => `{ fault: node-stop, target: ${s.target}, at: ${s.at}s, for: ${s.for}s }`);
        let parsed: Scenario;
        try {
          parsed = scenario(`[${faults.join(', ')}]`, '{ workers: 6, replication: 2 }');
        } catch (error) {
          expect(error).toBeInstanceOf(ScenarioError);
          return;
        }
        valid += 1;
        const { acts } = makePlan(parsed, { seed, effectOf: always });
        for (const a of acts) {
          expect(a.targets.length).toBeGreaterThan(0);
          for (const b of acts.slice(a.index + 1)) {
            const apart = a.atMs + a.forMs < b.atMs || b.atMs + b.forMs < a.atMs;
            expect(apart || !a.targets.some((node) => b.targets.includes(node))).toBe(true);
          }
        }
      }),
    );
    expect(valid).toBeGreaterThan(10);
  });
});

describe('lostTogether', () => {
  const act = (
    index: number,
    nodes: readonly string[],
    atMs: number,
    forMs: number,
    fault = 'node-stop',
  ): PlannedAct => ({
    index,
    fault,
    targets: nodes,
    atMs,
    forMs,
    params: {},
  });

  test('follows a rolling failure, in the order of time', () => {
    const acts = [act(0, ['worker1'], 0, 4_000), act(1, ['worker2'], 3_000, 4_000), act(2, ['worker1'], 6_000, 2_000)];
    expect(downTogether(acts)).toEqual([['worker1'], ['worker1', 'worker2'], ['worker2']]);
  });

  test('acts that touch are not down together; nothing is down where no fault takes down', () => {
    expect(downTogether([act(0, ['worker1'], 0, 5), act(1, ['worker2'], 5, 5)])).toEqual([['worker1'], ['worker2']]);
    expect(
      lostTogether([act(0, ['worker1'], 0, 5, 'slow')], (fault) => (fault === 'slow' ? undefined : 'down')),
    ).toEqual([]);
    expect(lostTogether([], always)).toEqual([]);
  });

  test('names nodes in the order of their numbers', () => {
    expect(downTogether([act(0, ['worker10', 'coordinator', 'worker2'], 0, 1)])).toEqual([
      ['coordinator', 'worker2', 'worker10'],
    ]);
  });

  test('tells nodes that are frozen from nodes that are down, also where they are the same ones', () => {
    const effectOf = (fault: string) => (fault === 'freeze' ? 'frozen' : 'down');
    const acts = [act(0, ['worker1'], 0, 4), act(1, ['worker2'], 2, 4, 'freeze'), act(2, ['worker1'], 8, 4, 'freeze')];
    expect(lostTogether(acts, effectOf)).toEqual([
      { down: ['worker1'], frozen: [] },
      { down: ['worker1'], frozen: ['worker2'] },
      { down: [], frozen: ['worker2'] },
      { down: [], frozen: ['worker1'] },
    ]);
  });

  test('agrees with looking at every moment', () => {
    const workers = workerNames({ workers: 4 });
    const anAct = fc.record({
      nodes: fc.subarray(workers, { minLength: 1 }),
      atMs: fc.nat({ max: 12 }),
      forMs: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(anAct, { maxLength: 4 }), (raw) => {
        const acts = raw.map(({ nodes, atMs, forMs }, index) => act(index, nodes, atMs, forMs));
        const seen: string[] = [];
        for (let moment = 0; moment < 20; moment++) {
          const down = workers.filter((node) =>
            acts.some((a) => a.targets.includes(node) && a.atMs <= moment && moment < a.atMs + a.forMs),
          );
          if (down.length > 0 && !seen.includes(down.join())) seen.push(down.join());
        }
        expect(downTogether(acts).map((set) => set.join())).toEqual(seen);
      }),
    );
  });
});

describe('describePlan', () => {
  const describeIt = (faults: string, cluster?: string) =>
    describePlan(makePlan(scenario(faults, cluster), { seed: 7, effectOf: always }), {
      effectOf: always,
      predict: native.predict,
    }).join('\n');

  test('says what is done when, and what is predicted to survive', () => {
    expect(describeIt('[{ fault: node-stop, target: [worker2, worker3, worker4], for: 6s }]')).toMatchInlineSnapshot(`
      "some: Some.
      seed 7; 4 workers, 4 shards in 2 copies; workload chat

      placement: each shard on its workers, in a ring
        A  worker1, worker2
        B  worker2, worker3
        C  worker3, worker4
        D  worker4, worker1

      schedule, after 2 s of steady state; healing at the earliest
        0 s  node-stop worker2, worker3, worker4
        6 s  heal worker2, worker3, worker4
        then  settle within 30 s

      prediction while worker2, worker3, worker4 are down
        readable and writable: A, D
        neither readable nor writable: B, C

      hypothesis
        no-lost-writes"
    `);
  });

  test('what waits for a frozen node is told from what fails', () => {
    const steps = '[{ fault: node-pause, target: worker1, for: 6s }, { fault: node-stop, target: worker2, for: 6s }]';
    const text = describePlan(makePlan(scenario(steps), { seed: 7, effectOf }), {
      effectOf,
      predict: native.predict,
    }).join('\n');
    expect(text).toContain(`prediction while worker2 is down, worker1 is frozen
  readable and writable: B, C, D
  neither readable nor writable, reads and writes stall: A
`);
  });

  test('a rolling failure heals one node before it strikes the next', () => {
    const text = describeIt(
      '[{ fault: node-stop, target: worker1, for: 8s }, { fault: node-stop, target: worker2, at: 8s, for: 90s }]',
    );
    expect(text).toContain(
      '         0 s  node-stop worker1\n         8 s  heal worker1\n         8 s  node-stop worker2\n  1 min 38 s  heal worker2\n        then  settle within 30 s\n',
    );
  });

  test('without faults it predicts nothing', () => {
    const text = describeIt('[]');
    expect(text).toContain('  no faults\n');
    expect(text).not.toContain('prediction');
  });

  test('stays short for many shards', () => {
    const text = describeIt(
      '[{ fault: node-stop, target: worker1, for: 6s }]',
      '{ workers: 64, replication: 1, shards: 1024 }',
    );
    expect(text.split('\n').length).toBeLessThan(60);
    expect(text).toContain('  and 992 more, onward in the ring');
    expect(text).toContain('  readable and writable: 1,008 shards');
    expect(text).toContain('  neither readable nor writable: A, BM, DY,');
  });
});
