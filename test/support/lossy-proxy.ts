/** A proxy that speaks enough of PostgreSQL's protocol to acknowledge a write and drop it; it can be slow, too. */

import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { coordinatorOf, workersOf } from './sharded.ts';

/** Messages of the extended protocol that go to the server together, with Sync at their end. */
const OF_A_BATCH = new Set(['P', 'B', 'D', 'E', 'C', 'H', 'S']);

export interface LossyProxyOptions {
  /**
   * Whether a statement is acknowledged and dropped; gets the text of what is bound to it. Asked only for writes of
   * the chat that the connection has prepared before.
   */
  readonly drops?: (bound: string) => boolean;
  /** How long every answer is held back; it may change. */
  readonly delayMs?: number | (() => number);
}

export class LossyProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(
    target: { readonly host: string; readonly port: number },
    { drops = () => false, delayMs = 0 }: LossyProxyOptions,
  ): Promise<LossyProxy> {
    const server = createServer();
    const proxy = new LossyProxy(server);
    server.on('connection', (client) => {
      const upstream = dial(target.port, target.host);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        proxy.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          proxy.#sockets.delete(socket);
          other.destroy();
        });
      }
      upstream.on('data', (bytes) => {
        const heldMs = typeof delayMs === 'number' ? delayMs : delayMs();
        if (heldMs === 0) client.write(bytes);
        else setTimeout(() => client.writable && client.write(bytes), heldMs);
      });
      const requests = new Requests(drops, {
        forward: (bytes) => upstream.write(bytes),
        answer: (bytes) => client.write(bytes),
      });
      client.on('data', (bytes) => requests.take(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

interface Ways {
  readonly forward: (bytes: Buffer) => void;
  readonly answer: (bytes: Buffer) => void;
}

/** What one client sends, cut into messages. */
class Requests {
  readonly #drops: (bound: string) => boolean;
  readonly #ways: Ways;
  #rest: Buffer = Buffer.alloc(0);
  #started = false;
  #batch: Buffer[] = [];

  constructor(drops: (bound: string) => boolean, ways: Ways) {
    this.#drops = drops;
    this.#ways = ways;
  }

  take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      // The first message has no type.
      const head = this.#started ? 1 : 0;
      if (this.#rest.length < head + 4) return;
      const length = head + this.#rest.readUInt32BE(head);
      if (this.#rest.length < length) return;
      const message = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      if (!this.#started) {
        this.#started = true;
        this.#ways.forward(message);
      } else this.#message(message);
    }
  }

  #message(message: Buffer): void {
    const type = typeOf(message);
    if (!OF_A_BATCH.has(type)) {
      this.#ways.forward(message);
      return;
    }
    this.#batch.push(message);
    if (type !== 'S') return;
    const batch = this.#batch;
    this.#batch = [];
    const bound = batch.find((one) => typeOf(one) === 'B')?.toString('utf8');
    const prepared = !batch.some((one) => typeOf(one) === 'P');
    if (bound?.includes('keyed-write') && prepared && this.#drops(bound)) this.#ways.answer(acknowledgement());
    else this.#ways.forward(Buffer.concat(batch));
  }
}

function typeOf(message: Buffer): string {
  return String.fromCharCode(message[0] as number);
}

/** BindComplete, NoData, CommandComplete, ReadyForQuery. */
function acknowledgement(): Buffer {
  const message = (type: string, body: string) => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeUInt32BE(4 + body.length, 1);
    return Buffer.concat([head, Buffer.from(body)]);
  };
  return Buffer.concat([message('2', ''), message('n', ''), message('C', 'INSERT 0 1\0'), message('Z', 'I')]);
}

/** The same nodes, with the coordinator reached at another port of this machine; it may change. */
export function behindPort(nodes: Nodes, port: number | (() => number)): Nodes {
  const coordinator = new Proxy(coordinatorOf(nodes), {
    get(target, property) {
      if (property === 'address') {
        return () => ({ ...target.address(), port: typeof port === 'number' ? port : port() });
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  }) as NodeControl;
  return {
    all: [coordinator, ...workersOf(nodes)],
    dispose: () => nodes.dispose(),
  };
}
