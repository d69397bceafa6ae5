/**
 * Entry of the thread between pgquake, which waits for an answer in `Atomics.wait`, and the process that does its file
 * operations. It touches no file, so it always ends.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Reply, Request } from './file-messages.ts';

export interface DiskThreadData {
  /** The module of the process. */
  readonly process: string;
  readonly port: MessagePort;
  /** Its one number grows with each answer. */
  readonly answers: Int32Array;
}

const { process: module, port, answers } = workerData as DiskThreadData;
// They may name modules relative to the current folder.
const { NODE_OPTIONS: _, ...env } = process.env;
// In its own session, so that Ctrl-C in the terminal reaches only pgquake; in a folder that need not be unmounted.
const child = fork(fileURLToPath(module), [], {
  detached: true,
  cwd: '/',
  env,
  execArgv: [],
  serialization: 'advanced',
  stdio: 'ignore',
});
let isReady = false;
let isAsked = false;
let gone: Reply | undefined;

child.on('message', (reply: Reply) => {
  if (isReady) tell(reply);
  else parentPort?.postMessage('ready');
  isReady = true;
});
child.on('error', (error) => end(error.message, error));
child.on('exit', (code, signal) => end(signal === null ? `it ended with code ${code}` : `${signal} ended it`));
port.on('message', (request: Request) => {
  isAsked = true;
  if (gone) tell(gone);
  else child.send(request, () => undefined);
});
// The process ends without its channel.
port.on('close', () => {
  if (child.connected) child.disconnect();
});

function tell(reply: Reply): void {
  isAsked = false;
  port.postMessage(reply);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}

function end(reason: string, error = new Error(reason)): void {
  gone ??= { gone: reason };
  if (isAsked) tell(gone);
  // With its code, which says what the machine is short of.
  if (!isReady) throw error;
}
