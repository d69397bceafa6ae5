/** A process with a thread that cannot be cut off: it is inside a call of the system for half a minute. Ends with 2. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { exitDespiteThreads } from '../../src/cli/exit-despite-threads.ts';
import { endWith } from '../../src/cli/own-exit.ts';
import { endThread, threadsLeft } from '../../src/model/end-thread.ts';

const STAYS = `
  const { parentPort } = require('node:worker_threads');
  const sleep = require('koffi').load(null).func('unsigned int sleep(unsigned int)');
  parentPort.postMessage('sleeps');
  sleep(30);`;

exitDespiteThreads();
const worker = new Worker(STAYS, { eval: true });
await once(worker, 'message');
await endThread(worker, new Promise<never>(() => undefined), 50);
console.log(`left: ${threadsLeft()}`);
endWith(2);
