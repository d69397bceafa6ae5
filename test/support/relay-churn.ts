/** Starts and ends relays that are busy with system calls. A process of its own: what is wrong here ends all of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { PortChooser } from '../../src/platforms/local/ports.ts';
import { Relay } from '../../src/platforms/local/relay/relay.ts';

const RELAYS = 24;
/** Each request is a system call for every way to a node. */
const NODES = Array.from({ length: 120 }, (_, i) => `worker${i + 1}`);
/** More than it gets done before it is ended. */
const REQUESTS = 2_000;
/** At a moment that differs from relay to relay. */
const WORKS_MS = [50, 150] as const;

const ports = await PortChooser.open();
for (let i = 0; i < RELAYS; i++) {
  const relay = await Relay.start(NODES, ports);
  await relay.open('worker1', 1);
  const drop = [{ direction: 'in', verdict: 'drop' }] as const;
  for (let k = 0; k < REQUESTS; k++) relay.ask('addRules', `mark-${k}`, 'worker1', drop).catch(() => undefined);
  await sleep(WORKS_MS[0] + ((WORKS_MS[1] - WORKS_MS[0]) * i) / RELAYS);
  await relay[Symbol.asyncDispose]();
}
console.log('went on');
