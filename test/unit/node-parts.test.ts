/** Parts of a node that change while they are struck. */

import { expect, test } from 'vitest';
import { partsOf, type SeenProcess } from '../../src/platforms/parts.ts';

/** A postmaster that accepts a connection just when pgquake has listed the processes. */
class BusyNode {
  readonly states = new Map([
    [1, 'S'],
    [2, 'S'],
  ]);
  #late = [3, 4];

  readonly parts = partsOf({
    name: 'pg1',
    agent: 'patroni',
    agentRefusal: async () => undefined,
    wakeAgent: async () => undefined,
    look: async () => {
      const seen = [...this.states].map(
        ([pid, state]): SeenProcess => ({ pid, parent: Math.min(1, pid - 1), state, command: 'postgres' }),
      );
      const late = this.states.get(1) === 'T' ? undefined : this.#late.shift();
      if (late) this.states.set(late, 'S');
      return seen;
    },
    signal: async (word, processes) => {
      for (const { pid } of processes) this.states.set(pid, word === 'STOP' ? 'T' : 'S');
    },
  });
}

test('a backend that is forked between the look and the signal is frozen too', async () => {
  const node = new BusyNode();
  const struck = await node.parts.freeze('server');
  expect([...node.states.values()]).toEqual(['T', 'T', 'T']);
  expect(struck.map(({ pid }) => pid)).toEqual([1, 2, 3]);
});

test('a process that does not stop is an error, with its part', async () => {
  const node = new BusyNode();
  node.states.set = () => node.states;
  await expect(node.parts.freeze('server')).rejects.toThrow(
    'pg1: 2 of 2 processes of its server still run after SIGSTOP',
  );
});
