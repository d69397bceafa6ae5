/** Faults that strike several times: from the scenario to the schedule, and in the injector. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Nodes } from '../../src/cluster/platform.ts';
import { bareCluster } from '../../src/contract/bare-cluster.ts';
import { defineFault } from '../../src/faults/fault.ts';
import { startAgain } from '../../src/faults/node-down.ts';
import { monotonicClock } from '../../src/model/clock.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { PlannedAct } from '../../src/model/plan.ts';
import { pgquake } from '../../src/pgquake.ts';
import { Injector } from '../../src/run/injector.ts';
import { Recorder } from '../../src/run/recorder.ts';
import { UndoJournal } from '../../src/run/undo-journal.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';

function scenario(faults: string) {
  const text = `name: some\nsummary: Some.\nfaults: ${faults}\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', vocabulary);
}

function problems(faults: string): string[] {
  try {
    scenario(faults);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split('\n');
    throw error;
  }
  return [];
}

/** The compared fields of a plan's acts. */
function schedule(faults: string) {
  return pgquake()
    .plan(scenario(faults), { seed: 1 })
    .acts.map(({ index, targets, atMs, forMs, after }) => ({
      index,
      targets: targets.join(),
      atMs,
      forMs,
      ...(after ? { after } : {}),
    }));
}

describe('the schedule', () => {
  test('a restart is one strike, and over at once by default', () => {
    expect(schedule('[{ fault: node-restart, target: worker2, at: 1s }]')).toEqual([
      { index: 0, targets: 'worker2', atMs: 1_000, forMs: 0 },
    ]);
    expect(schedule('[{ fault: node-restart, target: worker2, down: 500ms }]')).toEqual([
      { index: 0, targets: 'worker2', atMs: 0, forMs: 500 },
    ]);
  });

  test('a flapping node goes down as often as requested, each time after healing', () => {
    expect(schedule('[{ fault: node-flap, target: worker1, at: 1s, times: 3, down: 200ms, up: 300ms }]')).toEqual([
      { index: 0, targets: 'worker1', atMs: 1_000, forMs: 200 },
      { index: 1, targets: 'worker1', atMs: 1_500, forMs: 200, after: { act: 0, gapMs: 300 } },
      { index: 2, targets: 'worker1', atMs: 2_000, forMs: 200, after: { act: 1, gapMs: 300 } },
    ]);
  });

  test('a rolling restart takes one target after the other; the next fault continues the numbering', () => {
    const rolling = '{ fault: rolling-restart, target: [worker3, worker1], down: 1s, between: 2s }';
    expect(schedule(`[${rolling}, { fault: node-pause, target: worker4, for: 1s }]`)).toEqual([
      { index: 0, targets: 'worker1', atMs: 0, forMs: 1_000 },
      { index: 1, targets: 'worker3', atMs: 3_000, forMs: 1_000, after: { act: 0, gapMs: 2_000 } },
      { index: 2, targets: 'worker4', atMs: 0, forMs: 1_000 },
    ]);
  });

  test('a pick lasts as long as its number of nodes requires, and no other fault may strike them meanwhile', () => {
    const rolling = '{ fault: rolling-restart, target: { role: worker, pick: 4 }, down: 1s, between: 1s }';
    expect(scenario(`[${rolling}]`).faults[0]?.forMs).toBe(7_000);
    expect(problems(`[${rolling}, { fault: node-kill, target: worker1, at: 6s, for: 1s }]`)).toEqual([
      expect.stringContaining('cannot pick 4 of 4 workers'),
    ]);
    expect(problems(`[${rolling}, { fault: node-kill, target: worker1, at: 8s, for: 1s }]`)).toEqual([]);
  });
});

describe('bad input', () => {
  test.each([
    ['{ fault: node-flap, target: worker1, for: 8s }', /3:\d+ faults\[0\].*unknown key "for"/],
    ['{ fault: node-flap, target: worker1, times: 0 }', /3:\d+ faults\[0\]\.times: /],
    ['{ fault: node-flap, target: worker1, times: 21 }', /3:\d+ faults\[0\]\.times: /],
    ['{ fault: node-flap, target: worker1, down: 0s }', /3:\d+ faults\[0\]\.down: expected .*found "0s"/],
    ['{ fault: node-flap, target: worker1, up: -1s }', /3:\d+ faults\[0\]\.up: expected a duration/],
    ['{ fault: node-restart, target: worker1, down: 5 sec }', /3:\d+ faults\[0\]\.down: expected a duration/],
    ['{ fault: node-restart, target: worker9 }', /3:\d+ faults\[0\]\.target: there is no node "worker9"/],
    ['{ fault: node-restart }', /3:\d+ faults\[0\]: missing key "target"/],
    ['{ fault: rolling-restart, target: [worker1, worker1] }', /"worker1" is named twice/],
    ['{ fault: rolling-restart, target: worker1, betwen: 1s }', /unknown key "betwen".*between/],
    ['{ fault: node-stop, target: worker1 }', /missing key "for"/],
  ])('%s', (fault, problem) => {
    expect(problems(`[${fault}]`)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('the injector', () => {
  /** Consecutive acts on a node that heals, or does not. */
  async function inject(heals: boolean, signal = new AbortController().signal) {
    const folder = mkdtempSync(join(tmpdir(), 'pgquake-strikes-'));
    const events: TimedEvent[] = [];
    const node = {
      name: 'worker1',
      async start() {
        // Without a server, every undo fails, as on a node that stays away.
        throw new Error('it does not come back');
      },
    };
    const fault = defineFault({
      name: 'twice',
      summary: 'Twice.',
      params: z.strictObject({}),
      needs: [],
      async inject(_targets, _params, { defer }) {
        if (!heals) await defer({ action: 'start', node: 'worker1' });
      },
      prove: async () => 'it is struck',
      undo: startAgain,
    });
    const act = { fault: 'twice', targets: ['worker1'], atMs: 0, forMs: 0, params: {} };
    const acts: PlannedAct[] = [
      { ...act, index: 0 },
      { ...act, index: 1, after: { act: 0, gapMs: 30 } },
    ];
    try {
      const clock = monotonicClock();
      using recorder = new Recorder(folder, clock, { load: [], probes: [] }, [
        { event: (event) => events.push(event) },
      ]);
      using journal = new UndoJournal(folder);
      const nodes = { all: [node] } as unknown as Nodes;
      const faults = new Map([[fault.name, fault]]);
      await new Injector({
        nodes,
        cluster: bareCluster,
        faults,
        journal,
        mark: 'pgquake-test',
        recorder,
        clock,
        signal,
      }).run(acts);
    } finally {
      rmSync(folder, { recursive: true });
    }
    return events;
  }

  test('strikes again once the first strike is healed, after the gap', async () => {
    const events = await inject(true);
    expect(events.map((event) => event.type)).toEqual([
      'fault-asked',
      'fault-in-effect',
      'fault-asked',
      'fault-in-effect',
    ]);
    expect((events[2]?.at ?? 0) - (events[1]?.at ?? 0)).toBeGreaterThanOrEqual(29);
  });

  test('does not strike again if the first strike could not be healed', async () => {
    const events = await inject(false);
    expect(events.map((event) => event.type)).toEqual(['fault-asked', 'fault-in-effect', 'heal-asked', 'heal-failed']);
  });
});
