/** Changes of nodes that the run did not cause: recorded, and never taken for the run's own acts. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { faultTookEffect } from '../../src/checks/fault-took-effect.ts';
import { healed } from '../../src/checks/healed.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { judge } from '../../src/judge.ts';
import { monotonicClock } from '../../src/model/clock.ts';
import type { RunEvent, TimedEvent } from '../../src/model/event.ts';
import type { History } from '../../src/model/history.ts';
import type { NodeState } from '../../src/model/topology.ts';
import { findingSentence } from '../../src/report.ts';
import { NodeWatch } from '../../src/run/node-watch.ts';
import type { RunListener } from '../../src/run/recorder.ts';
import { buildHistory } from '../support/history-builder.ts';

const EVERY_MS = 5;
/** Several looks. */
const A_WHILE_MS = 60;

function watched() {
  const listeners: RunListener[] = [];
  const changes: RunEvent[] = [];
  const state = { worker1: 'running' as NodeState, worker2: 'running' as NodeState };
  const startedAt = { worker1: 'noon', worker2: 'noon' };
  const stopped = { worker1: 1, worker2: 1 };
  /** How many questions it leaves without an answer. */
  const silent = { worker1: 0, worker2: 0 };
  /** Beginnings and ends of restarts by the cluster itself. */
  const restarts = { worker1: 0, worker2: 0 };
  const nodes = (['worker1', 'worker2'] as const).map((name) => ({
    name,
    state: async () => state[name],
    startedAt: async () => startedAt[name],
    stoppedProcesses: async () => stopped[name],
    describeState: async () => `${name} is ${state[name]}`,
  }));
  const clock = monotonicClock();
  const recorder = {
    event: (event: RunEvent) => void changes.push(event),
    follow: (listener: RunListener) => void listeners.push(listener),
  };
  const watch = new NodeWatch({
    nodes: nodes as unknown as NodeControl[],
    recorder,
    clock,
    mayEnd: (fault) => fault === 'node-stop',
    restarts: (name) => restarts[name as 'worker1' | 'worker2'],
    everyMs: EVERY_MS,
    silent: async ({ name }, limitMs) => {
      const quiet = silent[name as 'worker1' | 'worker2']-- > 0;
      if (quiet) await sleep(limitMs);
      return quiet;
    },
  });
  const tell = (event: RunEvent) => {
    for (const listener of listeners) listener.event?.({ at: clock.nowMs(), ...event } as TimedEvent);
  };
  return { watch, state, startedAt, silent, stopped, restarts, changes, tell };
}

describe('the watch', () => {
  test('ignores restarts by the cluster itself, and records later changes', async () => {
    const { watch, state, startedAt, restarts, changes } = watched();
    await using _watch = watch;
    await sleep(A_WHILE_MS);
    restarts.worker1++;
    // One check is between the announcement and the stop, another between the start and its end.
    await sleep(A_WHILE_MS);
    state.worker1 = 'stopped';
    await sleep(A_WHILE_MS);
    state.worker1 = 'running';
    startedAt.worker1 = 'one';
    await sleep(A_WHILE_MS);
    restarts.worker1++;
    await sleep(A_WHILE_MS);
    expect(changes).toEqual([]);
    startedAt.worker1 = 'two';
    await sleep(A_WHILE_MS);
    expect(changes).toMatchObject([{ to: 'stopped' }, { to: 'running' }]);
  });

  test('records a foreign change, and the return', async () => {
    const { watch, state, changes } = watched();
    await sleep(A_WHILE_MS);
    state.worker2 = 'stopped';
    await sleep(A_WHILE_MS);
    state.worker2 = 'running';
    await sleep(A_WHILE_MS);
    await watch[Symbol.asyncDispose]();
    expect(changes).toMatchObject([
      { type: 'node-changed', node: 'worker2', from: 'running', to: 'stopped', detail: 'worker2 is stopped' },
      { type: 'node-changed', node: 'worker2', from: 'stopped', to: 'running' },
    ]);
  });

  test('ignores a node during an act on it, but no other node', async () => {
    const { watch, state, changes, tell } = watched();
    await sleep(A_WHILE_MS);
    tell({ type: 'fault-asked', act: 0, fault: 'node-stop', targets: ['worker1'] });
    state.worker1 = 'stopped';
    state.worker2 = 'paused';
    await sleep(A_WHILE_MS);
    state.worker1 = 'running';
    tell({ type: 'healed', act: 0, proof: '' });
    await sleep(A_WHILE_MS);
    expect(changes).toMatchObject([{ node: 'worker2', to: 'paused' }]);
    state.worker1 = 'stopped';
    await sleep(A_WHILE_MS);
    await watch[Symbol.asyncDispose]();
    expect(changes.slice(1)).toMatchObject([{ node: 'worker1', to: 'stopped' }]);
  });
});

describe('the watch sees', () => {
  const STRUCK = { type: 'fault-asked', act: 0, fault: 'node-stop', targets: ['worker1'] } as const;
  const LOCKED = { type: 'fault-asked', act: 0, fault: 'lock-table', targets: ['worker1'] } as const;
  const HEALED = { type: 'healed', act: 0, proof: '' } as const;

  test('a restart between two checks, but not one by an act of the run', async () => {
    const { watch, startedAt, changes, tell } = watched();
    await sleep(A_WHILE_MS);
    tell(STRUCK);
    startedAt.worker1 = 'one';
    await sleep(A_WHILE_MS);
    tell(HEALED);
    await sleep(A_WHILE_MS);
    expect(changes).toEqual([]);
    startedAt.worker1 = 'two';
    await sleep(A_WHILE_MS);
    await watch[Symbol.asyncDispose]();
    expect(changes).toMatchObject([
      { node: 'worker1', from: 'running', to: 'stopped', detail: 'restarted at two' },
      { node: 'worker1', from: 'stopped', to: 'running' },
    ]);
  });

  test('a stop during a fault that leaves the server running', async () => {
    const { watch, state, changes, tell } = watched();
    await sleep(A_WHILE_MS);
    tell(LOCKED);
    state.worker1 = 'stopped';
    await sleep(A_WHILE_MS);
    await watch[Symbol.asyncDispose]();
    expect(changes).toMatchObject([{ node: 'worker1', to: 'stopped' }]);
  });

  test('a server that stops answering new connections, and its return', async () => {
    const { watch, silent, changes } = watched();
    await sleep(A_WHILE_MS);
    silent.worker2 = Number.POSITIVE_INFINITY;
    await sleep(2 * A_WHILE_MS);
    silent.worker2 = 0;
    await sleep(A_WHILE_MS);
    await watch[Symbol.asyncDispose]();
    expect(changes).toMatchObject([
      { node: 'worker2', from: 'running', to: 'silent' },
      { node: 'worker2', from: 'silent', to: 'running' },
    ]);
    const [began, ended] = changes as readonly { readonly sinceMs: number }[];
    expect(began?.sinceMs).toBe(ended?.sinceMs);
  });

  test.each([
    ['a single time without an answer', 1, () => undefined],
    [
      'a server that is slow, with none of its processes stopped',
      Number.POSITIVE_INFINITY,
      ({ stopped }: ReturnType<typeof watched>) => {
        stopped.worker1 = 0;
      },
    ],
    ['a fault of the run on it', Number.POSITIVE_INFINITY, ({ tell }: ReturnType<typeof watched>) => tell(LOCKED)],
    [
      'a node that is stopped',
      Number.POSITIVE_INFINITY,
      ({ state }: ReturnType<typeof watched>) => {
        state.worker1 = 'stopped';
      },
    ],
  ])('no silence: %s', async (_, times, meanwhile) => {
    const all = watched();
    await sleep(A_WHILE_MS);
    meanwhile(all);
    all.silent.worker1 = times;
    await sleep(2 * A_WHILE_MS);
    await all.watch[Symbol.asyncDispose]();
    expect(all.changes.filter((change) => 'to' in change && change.to === 'silent')).toEqual([]);
  });
});

describe('the verdict', () => {
  const stopped: TimedEvent = {
    at: 4_000,
    type: 'node-changed',
    node: 'worker3',
    from: 'running',
    to: 'stopped',
    sinceMs: 3_500,
    detail: 'exited',
  };
  const WORDS = 'worker3 was stopped at 4.000 s for 2 s, and not by pgquake';
  const back: TimedEvent = { ...stopped, at: 6_000, from: 'stopped', to: 'running' };
  const told = (history: History, ...events: TimedEvent[]): History => ({
    ...history,
    events: [...history.events, ...events].sort((a, b) => a.at - b.at),
  });

  test('healed and fault-took-effect do not pass', () => {
    const history = told(buildHistory(), stopped, back);
    for (const check of [healed, faultTookEffect]) {
      const finding = check.check(history, {});
      expect(finding.judgement).toBe('unknown');
      expect(finding.observed).toContain(WORDS);
    }
    expect(healed.check(told(buildHistory({ acts: [] }), stopped), {}).observed).toContain(
      'worker3 was stopped at 4.000 s and was not seen to run again',
    );
  });

  test('failures are not held against the cluster, and the finding begins with the foreign change', () => {
    const losing = buildHistory({
      finalKeys: ({ coordinator, placements }) => {
        for (const keys of [coordinator, ...placements.values()]) keys.delete('1:1');
      },
    });
    const hypothesis = [{ check: 'no-lost-writes', params: {}, written: {}, place: { file: 'x', line: 1, column: 1 } }];
    const before = judge(losing, hypothesis, [noLostWrites]);
    expect(before.judgement).toBe('fail');
    const history = told(losing, stopped, back);
    const verdict = judge(history, hypothesis, [noLostWrites]);
    expect(verdict.judgement).toBe('unknown');
    expect(verdict.results[0]?.observed).toContain(`not held against the cluster, because ${WORDS}`);
    expect(findingSentence(history, verdict)).toMatch(
      /^Worker3 was stopped at 4\.000 s for 2 s, and not by pgquake; could not judge/,
    );
  });
});
