/** The order and the limits of undos; test/contract verifies on real nodes that they heal. */

import { expect, test } from 'vitest';
import { z } from 'zod';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { defineFault, type UndoContext } from '../../src/faults/fault.ts';
import { undoAll } from '../../src/run/healing.ts';
import type { PendingUndo } from '../../src/run/undo-journal.ts';
import { DeadlineError } from '../../src/sql/session.ts';

const LIMIT_MS = 60;

/** Nothing listens there, so no node is ever healthy. */
function nodeNamed(name: string): NodeControl {
  const address = () => ({ host: '127.0.0.1', port: 1, user: 'nobody', password: '', database: 'none' });
  return { name, role: 'worker', address } as unknown as NodeControl;
}

function owed(id: number, node: string, action = 'undo'): PendingUndo {
  return { id, act: 0, fault: 'some', mark: `pgquake-test-${id}`, undo: { action, node } };
}

async function heal(
  pending: readonly PendingUndo[],
  acting: (action: string, context: UndoContext) => Promise<void>,
  limitMs = LIMIT_MS,
) {
  const order: string[] = [];
  const some = defineFault({
    name: 'some',
    summary: 'Some.',
    params: z.strictObject({}),
    needs: [],
    inject: async () => undefined,
    prove: async () => 'struck',
    async undo({ action }, { name }, context) {
      order.push(`${name} ${action}`);
      await acting(action, context);
      return 'undone';
    },
  });
  const kept: number[] = [];
  const healing = await undoAll(pending, {
    nodes: [nodeNamed('worker1'), nodeNamed('worker2')],
    faults: new Map([['some', some]]),
    kept: (id) => kept.push(id),
    limitMs,
  });
  return { ...healing, order, kept };
}

const endless = () => new Promise<never>(() => undefined);

test('undos run in the given order on each node, and in parallel on different nodes', async () => {
  const pending = [owed(4, 'worker1', 'fourth'), owed(3, 'worker2', 'third'), owed(2, 'worker1', 'second')];
  const { order } = await heal(pending, (action) => (action === 'fourth' ? endless() : Promise.resolve()));
  expect(order).toEqual(['worker1 fourth', 'worker2 third', 'worker1 second']);
});

test('an undo that does not end fails at its limit and does not block the others', async () => {
  let told: AbortSignal | undefined;
  const { failures, proofs, order, kept } = await heal(
    [owed(2, 'worker1', 'hangs'), owed(1, 'worker1', 'older')],
    (action, { signal }) => {
      if (action !== 'hangs') return Promise.resolve();
      told = signal;
      return endless();
    },
  );
  expect(order).toEqual(['worker1 hangs', 'worker1 older']);
  expect(told?.aborted).toBe(true);
  expect(failures[0]).toBe('worker1: the undo of some took more than 0.06 s');
  expect({ proofs, kept }).toEqual({ proofs: [], kept: [] });
});

test('an undo is repeated after a timeout, not after a refusal', async () => {
  const answers = [new DeadlineError(10), new DeadlineError(10), undefined];
  const busy = await heal(
    [owed(1, 'worker1')],
    async () => {
      const error = answers.shift();
      if (error) throw error;
    },
    1_000,
  );
  expect(busy.order).toEqual(['worker1 undo', 'worker1 undo', 'worker1 undo']);
  expect(busy.failures).toEqual([expect.stringMatching(/^worker1 does not accept SQL/)]);

  const refused = await heal([owed(1, 'worker1')], () => Promise.reject(new Error('permission denied')));
  expect(refused).toMatchObject({ order: ['worker1 undo'], failures: ['permission denied'] });
});

test('an undo fails at the limit if the server never answers', async () => {
  const { failures } = await heal([owed(1, 'worker1')], () => Promise.reject(new DeadlineError(10)));
  expect(failures).toEqual(['worker1: the undo of some took more than 0.06 s']);
});

test('an undo is not kept before the node is healthy', async () => {
  const { failures, kept } = await heal([owed(1, 'worker1')], async () => undefined);
  expect(failures).toEqual([expect.stringMatching(/^worker1 does not accept SQL: ECONNREFUSED/)]);
  expect(kept).toEqual([]);
});

test('an undo of an unknown node or fault fails and stays pending', async () => {
  const unknown = { ...owed(2, 'worker1'), fault: 'node-melt' };
  const { failures, kept } = await heal([owed(3, 'worker9'), unknown], async () => undefined);
  expect(failures.toSorted()).toEqual([
    'cannot undo node-melt: this pgquake has no such fault',
    'the cluster has no node worker9',
  ]);
  expect(kept).toEqual([]);
});
