/**
 * What any client in Node.js pays at least: a socket, statements that were encoded beforehand, and answers of which only
 * the ends are counted. No rows are parsed, no promise is kept for a statement, no error is told. It says how much of what
 * `throughput` misses is the language's and how much is pgquake's.
 */

import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../src/model/address.ts';
import { newClient } from '../src/sql/driver.ts';

const READY_FOR_QUERY = 'Z'.charCodeAt(0);
const ERROR = 'E'.charCodeAt(0);
/** Of a message: its type, and its length, which counts itself. https://www.postgresql.org/docs/17/protocol-message-formats.html */
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const CONNECT_LIMIT_MS = 5_000;

export interface Pressed {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** A message of a client. */
function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(body.length + LENGTH_BYTES);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);

function parameter(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(value.length);
  return Buffer.concat([length, Buffer.from(value)]);
}

const PARSE = (statement: string): Buffer => message('P', text('s'), text(statement), int16(0));
const EXECUTE = message('E', text(''), Buffer.alloc(4));
const SYNC = message('S');

/** Bind, Execute and Sync of the prepared statement `s`. */
export function encoded(values: readonly number[]): Buffer {
  const parameters = values.map((value) => parameter(String(value)));
  const bind = message('B', text(''), text('s'), int16(0), int16(values.length), ...parameters, int16(0));
  return Buffer.concat([bind, EXECUTE, SYNC]);
}

/** Counts the messages of the server that end a statement, across the borders of what is read at once. */
class Ends {
  #left: Buffer = Buffer.alloc(0);

  /** @throws where the server refused a statement. */
  in(read: Buffer): number {
    const buffer = this.#left.length === 0 ? read : Buffer.concat([this.#left, read]);
    let at = 0;
    let ends = 0;
    while (at + TYPE_BYTES + LENGTH_BYTES <= buffer.length) {
      const next = at + TYPE_BYTES + buffer.readInt32BE(at + TYPE_BYTES);
      if (next > buffer.length) break;
      if (buffer[at] === READY_FOR_QUERY) ends++;
      if (buffer[at] === ERROR) throw new Error(buffer.toString('utf8', at, next));
      at = next;
    }
    this.#left = buffer.subarray(at);
    return ends;
  }
}

/**
 * As many statements under way on each connection as asked for: each answer is followed by a statement.
 * @param next the next statement, encoded.
 */
export async function pressBare(
  address: Address,
  load: { readonly connections: number; readonly depth: number; readonly seconds: number },
  statement: string,
  next: () => Buffer,
): Promise<Pressed> {
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => connected(address)));
  let answered = 0;
  let failure: unknown;
  const going = sockets.map(async (socket) => {
    const ends = new Ends();
    const send = (count: number) => {
      socket.cork();
      for (let i = 0; i < count; i++) socket.write(next());
      socket.uncork();
    };
    const prepared = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.write(Buffer.concat([PARSE(statement), SYNC]));
    await prepared;
    socket.on('data', (read: Buffer) => {
      try {
        const ended = ends.in(read);
        answered += ended;
        send(ended);
      } catch (error) {
        failure ??= error;
      }
    });
    send(load.depth);
  });
  await Promise.all(going);
  const cpu = process.cpuUsage();
  const began = performance.now();
  answered = 0;
  await sleep(load.seconds * 1_000);
  const forMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  for (const socket of sockets) socket.destroy();
  if (failure !== undefined) throw failure;
  return { perSecond: (answered * 1_000) / forMs, cpuUs: (user + system) / answered };
}

/** The driver says who it is; after that the socket is all that is left of it. */
async function connected(address: Address): Promise<Socket> {
  const client = newClient({
    ...address,
    application_name: 'pgquake-bench',
    keepAlive: true,
    pipeline: false,
  });
  const limit = AbortSignal.timeout(CONNECT_LIMIT_MS);
  await Promise.race([
    client.connect(),
    new Promise((_, reject) => limit.addEventListener('abort', () => reject(limit.reason))),
  ]);
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Socket } }).connection;
  // Without an ear for errors, one of the socket ends the process.
  for (const event of ['data', 'end', 'close', 'error']) stream.removeAllListeners(event);
  return stream;
}
