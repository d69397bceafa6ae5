/** The relay of the embedded cluster on plain sockets: what passes it unharmed, and what its rules do. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PortChooser } from '../../src/platforms/local/ports.ts';
import { PacketFilter } from '../../src/platforms/local/relay/packet-filter.ts';
import { Relay } from '../../src/platforms/local/relay/relay.ts';
import { local } from '../../src/platforms/local.ts';

const lacking = await local.lacking?.('network-rules');
const MARK = 'pgquake-00000000-0';
/** For what must come; it is there in a few milliseconds. */
const LIMIT_MS = 10_000;
/** For what must not come. */
const SILENCE_MS = 250;
/** A thread that has not ended by itself is cut off then. */
const CUT_OFF_MS = 2_000;
const both = (rule: { readonly verdict: 'drop' | 'reset' }) =>
  (['in', 'out'] as const).map((direction) => ({ direction, ...rule }));

/** One end of a connection, with all that has come. */
class End {
  readonly socket: Socket;
  received = '';
  broke: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (text) => {
      this.received += text;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.broke = error.code;
    });
  }

  say(text: string | Buffer): void {
    this.socket.write(text);
  }

  async hears(text: string): Promise<void> {
    await expect.poll(() => this.received, { timeout: LIMIT_MS }).toBe(text);
  }

  async hearsNothingMore(): Promise<void> {
    const before = this.received;
    await sleep(SILENCE_MS);
    expect(this.received).toBe(before);
  }
}

describe.skipIf(lacking !== undefined)(`the relay${lacking === undefined ? '' : `: ${lacking}`}`, () => {
  let relay: Relay;
  let server: Server;
  let accepted: End[];
  let opened: Socket[];

  /** Two nodes that are one server, so that either can be reached from the other and from outside. */
  beforeEach(async () => {
    accepted = [];
    opened = [];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      opened.push(socket);
      accepted.push(new End(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    relay = await Relay.start(['worker1', 'worker2'], await PortChooser.open());
    const { port } = server.address() as AddressInfo;
    await Promise.all(['worker1', 'worker2'].map((node) => relay.open(node, port)));
  });

  afterEach(async () => {
    await relay[Symbol.asyncDispose]();
    for (const socket of opened) socket.destroy();
    server.close();
  });

  function dial(to = 'worker1', from?: string): End {
    const socket = connect({ port: relay.portOf(to, from), host: '127.0.0.1', allowHalfOpen: true });
    opened.push(socket);
    return new End(socket);
  }

  /** A connection that works, both ends. */
  async function open(to = 'worker1', from?: string): Promise<{ client: End; node: End }> {
    const before = accepted.length;
    const client = dial(to, from);
    client.say('hello ');
    await expect.poll(() => accepted[before]?.received, { timeout: LIMIT_MS }).toBe('hello ');
    const node = accepted[before] as End;
    node.say('welcome ');
    await client.hears('welcome ');
    return { client, node };
  }

  /** @returns how the attempt to connect ended. */
  async function attempt(to?: string, from?: string, limitMs = LIMIT_MS): Promise<string> {
    const { socket } = dial(to, from);
    const limit = sleep(limitMs, 'silence', { ref: false });
    const ended = Promise.race([once(socket, 'connect').then(() => 'connected'), limit]);
    return await ended.catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  }

  test('passes on what is said, in order and to the last byte, and each side may fall silent first', async () => {
    const { client, node } = await open();
    const long = Buffer.alloc(5_000_000, 'abcdefghijklmnopqrstuvwxyz');
    node.say(long);
    node.socket.end();
    await client.hears(`welcome ${long.toString('latin1')}`);
    client.say('still here');
    await node.hears('hello still here');
    client.socket.end();
    await Promise.all([client, node].map(({ socket }) => socket.closed || once(socket, 'close')));
    expect([client.broke, node.broke]).toEqual([undefined, undefined]);
  });

  test('who does not listen makes the other wait, and fills no memory', async () => {
    const { client, node } = await open();
    client.socket.pause();
    const piece = Buffer.alloc(1_000_000, 'x');
    for (let n = 0; n < 60; n++) node.say(piece);
    await expect
      .poll(() => node.socket.writableLength, { timeout: LIMIT_MS, interval: SILENCE_MS })
      .toBeLessThan(60 * piece.length);
    await sleep(2 * SILENCE_MS);
    // What has left is in buffers of the kernel, some megabytes for each of two connections, and 1 MB in the relay.
    expect(node.socket.writableLength).toBeGreaterThan(20 * piece.length);
    client.socket.resume();
    await expect.poll(() => client.received.length, { timeout: LIMIT_MS }).toBe(60 * piece.length + 8);
  });

  test('a connection that one side breaks is broken for the other', async () => {
    const { client, node } = await open();
    client.socket.resetAndDestroy();
    await expect.poll(() => node.broke, { timeout: LIMIT_MS }).toBe('ECONNRESET');
  });

  test('a server that does not run refuses', async () => {
    await relay.serve('worker1', false);
    expect(await attempt()).toBe('ECONNREFUSED');
    expect(await attempt('worker2')).toBe('connected');
    await relay.serve('worker1', true);
    expect(await attempt()).toBe('connected');
  });

  test('dropped packets are late, not lost, once the rule is gone; who comes meanwhile hears nothing', async () => {
    const { client, node } = await open();
    await relay.ask('addRules', MARK, 'worker1', both({ verdict: 'drop' }));
    expect(await attempt('worker1', undefined, SILENCE_MS)).toBe('silence');
    client.say('one ');
    node.say('two ');
    await client.hearsNothingMore();
    await node.hearsNothingMore();
    expect(Math.min(...(await relay.ask('rulesOf', MARK, 'worker1')))).toBeGreaterThan(0);
    expect(await relay.ask('removeRules', MARK, 'worker1')).toBeGreaterThan(0);
    await node.hears('hello one ');
    await client.hears('welcome two ');
    expect(await relay.ask('rulesOf', MARK, 'worker1')).toEqual([]);
    expect(await attempt()).toBe('connected');
  });

  test('dropped one way: the other way goes on', async () => {
    const { client, node } = await open();
    await relay.ask('addRules', MARK, 'worker1', [{ direction: 'in', verdict: 'drop' }]);
    client.say('lost');
    node.say('heard');
    await client.hears('welcome heard');
    await node.hearsNothingMore();
    expect(await attempt('worker1', undefined, SILENCE_MS)).toBe('silence');
  });

  test('a rule for one peer concerns both ways between the two, and nobody else', async () => {
    const outside = await open();
    await relay.ask('addRules', MARK, 'worker1', [{ direction: 'in', peer: 'worker2', verdict: 'drop' }]);
    expect(await attempt('worker1', 'worker2', SILENCE_MS)).toBe('silence');
    expect(await attempt('worker2', 'worker1', SILENCE_MS)).toBe('silence');
    outside.client.say('hi');
    await outside.node.hears('hello hi');
    expect(await attempt('worker2')).toBe('connected');
  });

  test('a share that is lost slows down and loses nothing', async () => {
    const { client, node } = await open();
    await relay.ask('addRules', MARK, 'worker1', [{ direction: 'in', verdict: 'drop', share: 0.2 }]);
    let said = 0;
    // Until chance has struck.
    for (; (await relay.ask('rulesOf', MARK, 'worker1'))[0] === 0 && said < 200; said++) {
      client.say('.');
      await sleep(5);
    }
    expect(await relay.ask('removeRules', MARK, 'worker1')).toBeGreaterThan(0);
    await node.hears(`hello ${'.'.repeat(said)}`);
  });

  test('a reset breaks what is used, for both ends, and refuses who comes', async () => {
    const { client, node } = await open();
    await relay.ask('addRules', MARK, 'worker1', both({ verdict: 'reset' }));
    expect(await attempt()).toBe('ECONNREFUSED');
    expect(client.broke).toBeUndefined();
    client.say('x');
    await expect.poll(() => [client.broke, node.broke], { timeout: LIMIT_MS }).toEqual(['ECONNRESET', 'ECONNRESET']);
    await relay.ask('removeRules', MARK, 'worker1');
    expect(await attempt()).toBe('connected');
  });

  test('a reset of what is established lets in who comes, and breaks him at his first word', async () => {
    const rules = both({ verdict: 'reset' }).map((rule) => ({ ...rule, established: true }));
    await relay.ask('addRules', MARK, 'worker1', rules);
    const client = dial();
    client.say('x');
    await expect.poll(() => client.broke, { timeout: LIMIT_MS }).toBe('ECONNRESET');
  });

  test('a text that is waited for is held, also where it is spread over packets, with all behind it', async () => {
    const { client, node } = await open();
    await relay.ask('addRules', MARK, 'worker1', [{ direction: 'in', verdict: 'drop', text: 'COMMIT PREPARED' }]);
    client.say('COMMIT PRE-');
    await node.hears('hello COMMIT PRE-');
    client.say('COMMIT PREP');
    await node.hears('hello COMMIT PRE-COMMIT PREP');
    client.say('ARED 1');
    await sleep(SILENCE_MS);
    client.say(' behind');
    node.say('heard');
    await client.hears('welcome heard');
    await node.hearsNothingMore();
    const other = await open();
    other.client.say('passes');
    await other.node.hears('hello passes');
    expect(await relay.ask('rulesOf', MARK, 'worker1')).toEqual([1]);
    await relay.ask('removeRules', MARK, 'worker1');
    await node.hears('hello COMMIT PRE-COMMIT PREPARED 1 behind');
  });

  test('a text that is waited for resets its connection and no other', async () => {
    const [struck, spared] = [await open(), await open()];
    const rule = { direction: 'out', verdict: 'reset', text: 'ROLLBACK' } as const;
    await relay.ask('addRules', MARK, 'worker1', [rule]);
    for (const { client } of [struck, spared]) client.say('ROLLBACK');
    for (const { node } of [struck, spared]) await node.hears('hello ROLLBACK');
    struck.node.say('ROLLBACK');
    await expect.poll(() => struck.client.broke, { timeout: LIMIT_MS }).toBe('ECONNRESET');
    spared.node.say('fine');
    await spared.client.hears('welcome fine');
  });

  test('delays what leaves the node, and keeps its order whatever the jitter', async () => {
    const { client, node } = await open();
    await relay.ask('shape', MARK, 'worker1', { delayMs: 150, jitterMs: 50 });
    const began = performance.now();
    client.say('at once');
    await node.hears('hello at once');
    const said = Array.from({ length: 40 }, (_, n) => `${n} `);
    for (const word of said) {
      node.say(word);
      await sleep(2);
    }
    await client.hears(`welcome ${said.join('')}`);
    expect(performance.now() - began).toBeGreaterThan(150 - 50);
    await relay.ask('unshape', MARK, 'worker1');
    expect(await relay.ask('shapingOf', MARK, 'worker1')).toBeUndefined();
  });

  test('lets no more leave the node than it may, of all its connections together', async () => {
    const { client, node } = await open();
    const other = await open('worker2', 'worker1');
    await relay.ask('shape', MARK, 'worker1', { bytesPerSecond: 200_000 });
    const bytes = Buffer.alloc(60_000, 'x').toString();
    const began = performance.now();
    node.say(bytes);
    other.client.say(bytes);
    await Promise.all([client.hears(`welcome ${bytes}`), other.node.hears(`hello ${bytes}`)]);
    // 32 kB pass at once.
    expect(performance.now() - began).toBeGreaterThan((120_000 - 32_768) / 200);
  });

  test('a node is shaped once only, and by its own mark unshaped', async () => {
    await relay.ask('shape', MARK, 'worker1', { delayMs: 1 });
    await expect(relay.ask('shape', 'another', 'worker1', { delayMs: 1 })).rejects.toThrow(
      'worker1: its traffic is already shaped',
    );
    await relay.ask('unshape', 'another', 'worker1');
    expect(await relay.ask('shapingOf', MARK, 'worker1')).toBe('relay delay 1 ms, jitter 0 ms');
  });

  test('takes another port where somebody has one', async () => {
    const taken = server.address() as AddressInfo;
    const free = await PortChooser.open();
    const given = [taken.port];
    await using second = await Relay.start(['worker1'], { next: async () => given.pop() ?? free.next() });
    await second.open('worker1', taken.port);
    expect(second.portOf('worker1')).not.toBe(taken.port);
  });

  test('breaks all connections when it ends, and says so to who asks', async () => {
    const { client } = await open();
    await relay[Symbol.asyncDispose]();
    await expect.poll(() => client.socket.readableEnded || client.broke, { timeout: LIMIT_MS }).toBeTruthy();
    await expect(relay.ask('rulesOf', MARK, 'worker1')).rejects.toThrow(/the relay .* has ended/);
    await relay.serve('worker1', false);
  });

  test('who has come and has not reached the server yet does not keep it from ending by itself', async () => {
    (await PacketFilter.open()).drop(server, 1);
    const client = dial();
    await once(client.socket, 'connect');
    // By then the relay has taken him up, and asks the server.
    await sleep(SILENCE_MS);
    const began = performance.now();
    await relay[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(CUT_OFF_MS);
    await expect.poll(() => client.broke, { timeout: LIMIT_MS }).toBe('ECONNRESET');
  });
});
