/** What a look for a pooler makes of servers that are played. test/integration/attached.test.ts meets real ones. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import type { Address } from '../../src/model/address.ts';
import { behindPooler } from '../../src/platforms/attached/pooler.ts';

const message = (type: string, body: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.from(`${type}0000`);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const READY = message('Z', Buffer.from('I'));
const LET_IN = Buffer.concat([message('R', Buffer.alloc(4)), READY]);
const DONE = message('C', Buffer.from('SELECT 0\0'));
const [PARSED, BOUND, NO_DATA] = [message('1'), message('2'), message('n')];

/** Lets everybody in and answers every statement with nothing, on so many sessions; on others it says no word. */
async function playedServer(sessions: number): Promise<{ readonly server: Server; readonly address: Address }> {
  let opened = 0;
  const server = createServer((socket) => {
    const answers = ++opened <= sessions;
    let begun = false;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!answers) return;
      if (!begun) socket.write(LET_IN);
      else if (data[0] === 'Q'.charCodeAt(0)) socket.write(Buffer.concat([DONE, READY]));
      else if (data[0] !== 'X'.charCodeAt(0)) {
        const parses = data[0] === 'P'.charCodeAt(0);
        socket.write(Buffer.concat([...(parses ? [PARSED] : []), BOUND, NO_DATA, DONE, READY]));
      }
      begun = true;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, address: { host: '127.0.0.1', port, user: 'u', password: 'p', database: 'd' } };
}

test.each([
  ['keeps prepared statements', 3, undefined],
  ['falls silent during the look, so each statement is sent whole', 1, 'unsure'],
  ['lets nobody in, which is told elsewhere', 0, undefined],
])(
  'a server that %s',
  async (_, sessions, expected) => {
    const { server, address } = await playedServer(sessions);
    expect(await behindPooler(address)).toEqual(
      expected === undefined ? address : { ...address, unnamedStatements: expected },
    );
    server.close();
  },
  15_000,
);
