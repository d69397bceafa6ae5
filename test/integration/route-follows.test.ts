/** A server that comes back at another address gets its load back: the route is asked again, in the load's thread too. */

import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { Route } from '../../src/cluster/route.ts';
import type { OperationTable } from '../../src/model/operations.ts';
import { local } from '../../src/platforms/local.ts';
import { Load, spareLoadThread } from '../../src/run/load.ts';
import { probeKinds } from '../../src/run/probes.ts';
import { connect, NEVER, temporaryFolder } from '../support/local-cluster.ts';
import { coordinatorOf, sharded } from '../support/sharded.ts';

const ENTRY = new URL('../../src/load-thread.ts', import.meta.url);

/** An address in front of a server, which can be given up. */
class Front {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(port: number): Promise<Front> {
    const front: Front = new Front(
      createServer((client) => {
        const server = connectSocket({ host: '127.0.0.1', port });
        for (const socket of [client, server]) {
          front.#sockets.add(socket);
          socket.on('error', () => undefined);
        }
        client.pipe(server).pipe(client);
      }),
    );
    await new Promise<void>((listening) => front.#server.listen(0, '127.0.0.1', listening));
    return front;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

test('operations go on where the coordinator is now', async () => {
  await using folder = await temporaryFolder();
  const topology = sharded({ workers: 1, replication: 1, partitions: 1 });
  const nodes = await local.provision({ nodes: topology.nodes, settings: {}, runFolder: folder.path, signal: NEVER });
  let front = await Front.open(coordinatorOf(nodes).address().port);
  try {
    await using session = await connect(coordinatorOf(nodes));
    await session.execute(
      `CREATE SCHEMA pgquake; CREATE TABLE pgquake.probes (partition_key int, run int, seq int);
       INSERT INTO pgquake.probes VALUES (1, 0, 0)`,
    );
    const route: Route = {
      name: 'coordinator',
      access: 'write',
      addresses: async () => [{ ...coordinatorOf(nodes).address(), port: front.port }],
    };
    const outcomes: string[] = [];
    const kinds = probeKinds({ ratePerSecond: 50, deadlineMs: 1_000 }, { partitions: 1, replication: 1 });
    const operations = (batch: OperationTable) => {
      for (const { outcome } of batch.scan()) outcomes.push(outcome);
    };
    await using thread = spareLoadThread(ENTRY, 'probes');
    await using load = await Load.prepare(
      thread,
      { coordinator: route },
      {
        originNs: process.hrtime.bigint(),
        partitionOfKey: { 1: 0 },
        work: { type: 'probes', kinds, partitionKeys: [1], run: 1 },
      },
      { operations, signal: NEVER },
    );
    const okWithin = async (ms: number, wanted: number) => {
      const before = outcomes.length;
      const giveUpAt = Date.now() + ms;
      const ok = () => outcomes.slice(before).filter((outcome) => outcome === 'ok').length;
      while (ok() < wanted && Date.now() < giveUpAt) await new Promise((resolve) => setTimeout(resolve, 20));
      return ok();
    };
    load.start();
    expect(await okWithin(5_000, 10)).toBeGreaterThanOrEqual(10);
    front.close();
    const failedFrom = outcomes.length;
    front = await Front.open(coordinatorOf(nodes).address().port);
    expect(await okWithin(5_000, 20)).toBeGreaterThanOrEqual(20);
    expect(outcomes.slice(failedFrom)).not.toEqual([]);
    await load.stop();
  } finally {
    front.close();
    await nodes.dispose();
  }
}, 30_000);
