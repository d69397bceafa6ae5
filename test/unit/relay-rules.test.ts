/** What a rule of the relay says it has met, when the sockets it counted at are closed. */

import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Rule } from '../../src/platforms/local/relay/rules.ts';

test('what it has told is never taken back: the packets of a socket that was closed still count', () => {
  const dropped = new Map<Socket, number>();
  const [first, second] = [new Socket(), new Socket()];
  const rule = new Rule(
    { direction: 'in', verdict: 'drop', share: 0.5 },
    {
      dropped: (socket) => dropped.get(socket as Socket) ?? 0,
    },
  );
  dropped.set(first, 2);
  for (const socket of [first, second]) rule.watch(socket);
  expect(rule.met).toBe(0);
  dropped.set(first, 5).set(second, 4);
  expect(rule.met).toBe(7);

  // The kernel keeps no number for a closed socket.
  dropped.delete(first);
  expect(rule.met).toBe(7);
  rule.unwatch(first);
  expect(rule.met).toBe(7);
  dropped.set(second, 6);
  rule.unwatch(second);
  expect(rule.met).toBe(9);
});
