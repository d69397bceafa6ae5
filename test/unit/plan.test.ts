import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { shipped } from '../../src/catalog.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { citus } from '../../src/engines/citus.ts';
import { native } from '../../src/engines/native.ts';
import type { PlannedAct } from '../../src/model/plan.ts';
import type { Scenario } from '../../src/model/scenario.ts';
import type { PlacementMap } from '../../src/model/topology.ts';
import { describePlan } from '../../src/plan/describe.ts';
import { isOpen, lostTogether, makePlan } from '../../src/plan/schedule.ts';
import { effectsOf } from '../../src/planner.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';
import { timing } from '../../src/scenario/schema.ts';
import { expected } from '../support/expected.ts';
import { ring, sharded, workersNamed } from '../support/sharded.ts';

const always = () => 'down' as const;

function scenario(faults: string, cluster = '{ workers: 4, replication: 2, shards: 4 }'): Scenario {
  const text = `name: some\nsummary: Some.\ncluster: ${cluster}\nfaults: ${faults}\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', vocabulary);
}

const downTogether = (acts: readonly PlannedAct[]) => lostTogether(acts, always).map(({ down }) => down);

const targets = (faults: string, seed: number) => makePlan(scenario(faults), { seed }).acts.map((act) => act.targets);

describe('makePlan', () => {
  test('numbers the acts, keeps their times and names the nodes in the order of the cluster', () => {
    const plan = makePlan(
      scenario(
        '[{ fault: node-stop, target: [worker3, worker1], at: 1s, for: 8s }, { fault: node-kill, target: coordinator, for: 500ms }]',
      ),
      { seed: 3 },
    );
    expect(plan.seed).toBe(3);
    expect(plan.acts).toEqual([
      { index: 0, fault: 'node-stop', targets: ['worker1', 'worker3'], atMs: 1_000, forMs: 8_000, params: {} },
      { index: 1, fault: 'node-kill', targets: ['coordinator'], atMs: 0, forMs: 500, params: {} },
    ]);
    expect(plan.blastRadius).toEqual({
      nodes: ['coordinator', 'worker1', 'worker3'],
      partitions: ['A', 'B', 'C', 'D'],
      ofActs: [
        ['A', 'B', 'C', 'D'],
        ['A', 'B', 'C', 'D'],
      ],
    });
    expect(plan.placement.map((partition) => partition.copies)).toEqual([
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

  test('a pick avoids nodes that are struck at the same time, and may take them afterwards', () => {
    const at = (time: string) =>
      `[{ fault: node-stop, target: { role: worker, pick: 1 }, at: ${time}, for: 1s }, { fault: node-kill, target: [worker1, worker2, worker3], for: 5s }]`;
    const seeds = Array.from({ length: 30 }, (_, seed) => seed);
    expect(new Set(seeds.flatMap((seed) => targets(at('4s'), seed)[0]))).toEqual(new Set(['worker4']));
    expect(new Set(seeds.flatMap((seed) => targets(at('6s'), seed)[0])).size).toBe(4);
  });

  test('no valid scenario lets two faults strike one node at once', () => {
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
        const { acts } = makePlan(parsed, { seed });
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

describe('selectors', () => {
  const SIX = '{ workers: 6, replication: 2, shards: 6 }';
  const placement = native.layout?.(sharded({ workers: 6, replication: 2, partitions: 6 }), [42]) as PlacementMap;
  const holders = placement.partitions[placement.partitionOfKey[42] as number]?.copies as readonly string[];
  const placed = (faults: string, seed: number) => makePlan(scenario(faults, SIX), { seed, placement });
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  /** Every node that one seed or another picks for the first act. */
  const everPicked = (target: string) =>
    new Set(
      seeds.flatMap((seed) => placed(`[{ fault: node-stop, target: ${target}, for: 1s }]`, seed).acts[0]?.targets),
    );
  const others = workersNamed(6).filter((node) => !holders.includes(node));

  test('a share rounds to at least one node', () => {
    const size = (share: string) =>
      placed(`[{ fault: node-stop, target: { role: worker, pick: ${share} }, for: 1s }]`, 1).acts[0]?.targets.length;
    expect([size('1%'), size('24%'), size('25%'), size('50%'), size('100%')]).toEqual([1, 1, 2, 3, 6]);
  });

  test('holders of a shard, and all others', () => {
    expect(everPicked('{ holds-shard-of: room 42 }')).toEqual(new Set(holders));
    expect(everPicked('{ holds-shard-of: room 42, pick: 1 }')).toEqual(new Set(holders));
    expect(everPicked('{ not-holding: room 42, pick: 50% }')).toEqual(new Set(others));
    expect(everPicked('{ holds-shard-of: shard B, pick: 1 }')).toEqual(new Set(['worker2', 'worker3']));
    expect(everPicked('{ not-holding: shard B }')).toEqual(new Set(['worker1', 'worker4', 'worker5', 'worker6']));
    const [act] = placed('[{ fault: node-stop, target: { holds-shard-of: room 42, pick: 1 }, for: 1s }]', 1).acts;
    const partition = placement.partitions[placement.partitionOfKey[42] as number]?.name;
    expect(act?.picked).toBe(`1 of the 2 workers that hold room 42 (shard ${partition})`);
  });

  test('every fatal pair takes a shard away', () => {
    const pairs = seeds.map(
      (seed) => placed('[{ fault: node-stop, target: { pick: fatal-pair }, for: 1s }]', seed).acts[0],
    );
    for (const pair of pairs) {
      expect(pair?.targets).toHaveLength(2);
      const lost = expected(native, placement, new Set(pair?.targets)).filter((partition) => !partition.readable);
      expect(pair?.picked).toBe(`a pair that holds all copies of shard ${lost.map(({ partition }) => partition)}`);
    }
    expect(new Set(pairs.map((pair) => pair?.targets.join())).size).toBe(6);
  });

  test('simultaneous picks leave each other enough nodes, whatever the seed', () => {
    const faults = `[
      { fault: node-stop, target: { role: worker, pick: 1 }, for: 1s },
      { fault: node-kill, target: { holds-shard-of: room 42, pick: 1 }, for: 1s },
      { fault: node-pause, target: { pick: fatal-pair }, for: 1s },
      { fault: read-only, target: { not-holding: room 42, pick: 2 }, for: 1s }]`;
    for (const seed of seeds) {
      const { acts } = placed(faults, seed);
      expect(new Set(acts.flatMap((act) => act.targets)).size, `seed ${seed}`).toBe(6);
      expect(holders).toContain(acts[1]?.targets[0]);
      for (const node of acts[3]?.targets ?? []) expect(others).toContain(node);
    }
  });

  test('a target is refused with its place if other faults strike all its nodes', () => {
    const faults = `[{ fault: node-stop, target: [${holders}], for: 1s }, { fault: node-kill, target: { holds-shard-of: room 42, pick: 1 }, for: 1s }]`;
    expect(() => placed(faults, 1)).toThrow(
      expect.objectContaining({
        message: `some.yaml:4:${faults.indexOf('{ fault: node-kill') + 9} node-kill: cannot pick 1; of ${holders.join(', ')}: other faults strike there at that time`,
      }),
    );
  });

  test('a repeated fault picks anew; jitter delays it by the seed', () => {
    const faults =
      '[{ fault: node-stop, target: { role: worker, pick: 1 }, at: 1s, at-jitter: 500ms, for: 1s, repeat: { times: 5, every: 3s } }]';
    const times = new Set<number>();
    const nodes = new Set<string>();
    for (const seed of seeds) {
      const { acts } = placed(faults, seed);
      expect(acts).toHaveLength(5);
      for (const [nth, { atMs, targets }] of acts.entries()) {
        const lateMs = atMs - (1_000 + nth * 3_000);
        expect(lateMs).toBeGreaterThanOrEqual(0);
        expect(lateMs).toBeLessThanOrEqual(500);
        times.add(lateMs);
        nodes.add(`${nth} ${targets}`);
      }
      expect(placed(faults, seed)).toEqual(placed(faults, seed));
    }
    expect(times.size).toBeGreaterThan(100);
    expect(nodes.size).toBe(30);
  });

  test('without a placement, targets that need it stay open; the rest of the plan is the same', () => {
    const faults = `[
      { fault: node-stop, target: { holds-shard-of: room 42, pick: 1 }, at-jitter: 1s, for: 1s },
      { fault: rolling-restart, target: { not-holding: room 42 }, at: 5s, down: 1s },
      { fault: node-kill, target: worker1, at: 20s, for: 1s }]`;
    const open = makePlan(scenario(faults, SIX), { seed: 3 });
    expect(isOpen(open)).toBe(true);
    expect(open.blastRadius.nodes).toEqual(['worker1']);
    const closed = placed(faults, 3);
    expect(isOpen(closed)).toBe(false);
    const timesOf = (acts: readonly PlannedAct[]) =>
      acts.map(({ index, atMs, forMs, after }) => [index, atMs, forMs, after]);
    expect(timesOf(closed.acts)).toEqual(timesOf(open.acts));
    const text = describePlan(open, { effectOf: effectsOf(shipped.faults), rule: native.rule }).join('\n');
    expect(text).toContain('node-stop 1 of the 2 workers that hold room 42: picked once shards are placed');
    expect(text).toContain('  and what is picked once shards are placed');
  });

  test('no fault has a parameter named like a common key', () => {
    const keys = [...Object.keys(timing.shape), 'fault', 'target'];
    for (const { name, params } of vocabulary.faults) {
      const own = Object.keys((params as z.ZodObject).shape);
      expect({ name, taken: own.filter((key) => keys.includes(key)) }).toEqual({ name, taken: [] });
    }
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

  test('follows a rolling failure in order of time', () => {
    const acts = [act(0, ['worker1'], 0, 4_000), act(1, ['worker2'], 3_000, 4_000), act(2, ['worker1'], 6_000, 2_000)];
    expect(downTogether(acts)).toEqual([['worker1'], ['worker1', 'worker2'], ['worker2']]);
  });

  test('consecutive acts are not down together; harmless faults take nothing down', () => {
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

  test('distinguishes frozen nodes from nodes that are down, even if they are the same ones', () => {
    const effectOf = (fault: string) => (fault === 'freeze' ? 'frozen' : 'down');
    const acts = [act(0, ['worker1'], 0, 4), act(1, ['worker2'], 2, 4, 'freeze'), act(2, ['worker1'], 8, 4, 'freeze')];
    expect(lostTogether(acts, effectOf)).toEqual([
      { down: ['worker1'], frozen: [] },
      { down: ['worker1'], frozen: ['worker2'] },
      { down: [], frozen: ['worker2'] },
      { down: [], frozen: ['worker1'] },
    ]);
  });

  test('agrees with a check of every moment', () => {
    const workers = workersNamed(4);
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
    describePlan(makePlan(scenario(faults, cluster), { seed: 7 }), {
      effectOf: always,
      rule: native.rule,
    }).join('\n');

  test('describes the schedule, and what should survive', () => {
    expect(describeIt('[{ fault: node-stop, target: [worker2, worker3, worker4], for: 6s }]')).toMatchInlineSnapshot(`
      "some: Some.
      seed 7; 4 workers, 4 shards in 2 copies; workload chat

      placement: each shard on its workers, in a ring
        A  worker1, worker2
        B  worker2, worker3
        C  worker3, worker4
        D  worker4, worker1

      schedule, after 2 s of steady state; healing times are the earliest possible
        0 s  node-stop worker2, worker3, worker4
        6 s  heal worker2, worker3, worker4
        then  settle within 30 s

      blast radius: what the faults may touch
        node-stop worker2, worker3, worker4  every shard

      prediction while worker2, worker3, worker4 are down
        readable and writable: A, D
        neither readable nor writable: B, C

      hypothesis
        no-lost-writes"
    `);
  });

  test('distinguishes operations that wait for a frozen node from those that fail', () => {
    const steps = '[{ fault: node-pause, target: worker1, for: 6s }, { fault: node-stop, target: worker2, for: 6s }]';
    const text = describePlan(makePlan(scenario(steps), { seed: 7 }), {
      effectOf: effectsOf(shipped.faults),
      rule: native.rule,
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

  test('the blast radius has every fault, whether or not it takes nodes down', () => {
    const text = describePlan(
      makePlan(
        scenario(`[{ fault: node-stop, target: worker1, for: 1s }, { fault: network-latency, delay: 50ms, target: worker3, for: 1s },
          { fault: cpu-throttle, target: worker2, share: 20%, for: 1s }, { fault: lock-table, target: coordinator, for: 1s }]`),
        { seed: 7 },
      ),
      { effectOf: effectsOf(shipped.faults), rule: native.rule },
    ).join('\n');
    expect(text).toContain(`blast radius: what the faults may touch
  node-stop worker1        shards A, D
  network-latency worker3  shards B, C
  cpu-throttle worker2     shards A, B
  lock-table coordinator   every shard: all statements pass the coordinator
  all together: coordinator, worker1, worker2, worker3; every shard: all statements pass the coordinator
`);
  });

  test('on Citus the first worker of a shard group affects every shard, even before placement', () => {
    const faults =
      '[{ fault: node-stop, target: worker1, for: 1s }, { fault: lock-table, target: worker3, for: 1s }, { fault: node-stop, target: worker2, at: 9s, for: 1s }]';
    const text = describePlan(makePlan(scenario(faults), { seed: 7 }), {
      effectOf: effectsOf(shipped.faults),
      rule: citus.rule,
    }).join('\n');
    expect(text).toContain(`blast radius: what the faults may touch
  node-stop worker1   every shard: every write needs worker1
  lock-table worker3  shards B, C
  node-stop worker2   shards A, B
  all together: worker1, worker2, worker3; every shard: every write needs worker1
`);
  });

  test('a node that all writes need affects every shard', () => {
    const placement = {
      partitions: ring({ workers: 4, replication: 2, partitions: 4 }),
      partitionOfKey: {},
      writesAlsoNeed: 'worker4',
    };
    const plan = makePlan(scenario('[{ fault: read-only, target: worker4, for: 1s }]'), { seed: 1, placement });
    expect(plan.blastRadius.partitions).toEqual(['A', 'B', 'C', 'D']);
  });

  test('a plan without faults predicts nothing', () => {
    const text = describeIt('[]');
    expect(text).toContain('  no faults\n');
    expect(text).not.toContain('prediction');
  });

  test('the description stays short for many shards', () => {
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
