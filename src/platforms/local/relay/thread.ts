/** Entry of the relay's thread: runs the requests to the switchboard one after another. */

import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../../../model/errors.ts';
import { PacketFilter } from './packet-filter.ts';
import { END, type FromRelayThread, type RelayRequest, type RelayThreadData } from './relay.ts';
import { Switchboard } from './switchboard.ts';

if (!parentPort) throw new Error('thread.ts runs only as a worker thread');
const port = parentPort;
const { ending } = workerData as RelayThreadData;

function send(message: FromRelayThread): void {
  port.postMessage(message);
}

const switchboard = new Switchboard(await PacketFilter.open());
let before: Promise<void> = Promise.resolve();

async function answer({ id, act, args }: RelayRequest): Promise<void> {
  try {
    const call = switchboard[act] as (...args: readonly unknown[]) => unknown;
    send({ id, result: await call.apply(switchboard, args) });
  } catch (error) {
    send({ id, error: errorText(error), code: (error as { code?: string }).code ?? 'relay-failed' });
  }
}

port.on('message', (request: RelayRequest | typeof END) => {
  if (request !== END) {
    before = before.then(() => (Atomics.load(ending, 0) === 0 ? answer(request) : undefined));
    return;
  }
  // Without an open port the thread ends.
  void before.then(() => {
    switchboard.dispose();
    port.close();
  });
});
send({ id: 0, result: undefined });
