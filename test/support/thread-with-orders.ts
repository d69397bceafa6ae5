/** Entry of a thread that says what it has loaded before its orders came, and what they are. */

import { parentPort } from 'node:worker_threads';
import { ordersOf } from '../../src/run/spare-thread.ts';

let loaded = 'not loaded';
const orders = await ordersOf<string, string>(async (what) => {
  if (what === 'die') {
    setImmediate(() => {
      throw new Error('died of its own');
    });
    await new Promise(() => undefined);
  }
  if (what !== 'loaded') throw new Error('there is no such thing');
  loaded = what;
});
parentPort?.postMessage(`${loaded}, ${orders}`);
