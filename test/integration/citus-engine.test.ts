/**
 * The engine `citus` on real servers: what it forms, and what stays readable and writable when workers fail.
 * Needs an image with Citus, named by PGQUAKE_CITUS_IMAGE; skipped without.
 */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FormedCluster } from '../../src/cluster/engine.ts';
import { untilServes } from '../../src/cluster/health.ts';
import { preparedTransactions } from '../../src/cluster/leftovers.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { citus } from '../../src/engines/citus.ts';
import { docker } from '../../src/platforms/docker.ts';
import type { Session } from '../../src/sql/session.ts';
import { expected } from '../support/expected.ts';
import { connect, NEVER, smallDataset, temporaryFolder } from '../support/local-cluster.ts';
import { coordinatorOf, sharded, workersOf } from '../support/sharded.ts';

const image = process.env.PGQUAKE_CITUS_IMAGE;
const TOPOLOGY = sharded({ workers: 4, replication: 2, partitions: 4 });
const RECOVERY_MS = 30_000;

if (!image) console.warn('skipped: tests on real Citus; name an image with PGQUAKE_CITUS_IMAGE');

describe.skipIf(!image)('citus on containers', () => {
  let nodes: Nodes;
  let formed: FormedCluster;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    vi.stubEnv('PGQUAKE_IMAGE', image);
    folder = await temporaryFolder();
    nodes = await docker.provision({
      nodes: TOPOLOGY.nodes,
      settings: citus.settings,
      runFolder: folder.path,
      signal: NEVER,
    });
    formed = await citus.form({ nodes, topology: TOPOLOGY, dataset: smallDataset, signal: NEVER });
  });

  afterAll(async () => {
    await nodes?.dispose();
    await folder?.[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
  });

  const worker = (name: string) => workersOf(nodes).find((node) => node.name === name) as NodeControl;

  /** Which partitions answer a read, and take a write, tried with one partition key each. */
  async function served(): Promise<{ partition: string; readable: boolean; writable: boolean }[]> {
    await using session = await connect(coordinatorOf(nodes));
    const found = [];
    for (const { index, name } of formed.placement.partitions) {
      const partitionKey = smallDataset.partitionKeys.find((id) => formed.placement.partitionOfKey[id] === index);
      found.push({
        partition: name,
        readable: await succeeds(session, 'SELECT * FROM messages WHERE room_id = $1', [partitionKey]),
        writable: await succeeds(session, 'UPDATE messages SET body = body WHERE room_id = $1', [partitionKey]),
      });
    }
    return found;
  }

  async function withDown(names: readonly string[], work: () => Promise<void>): Promise<void> {
    await Promise.all(names.map((name) => worker(name).kill()));
    try {
      await work();
    } finally {
      await Promise.all(names.map((name) => worker(name).start()));
      await Promise.all(names.map((name) => untilServes(worker(name), RECOVERY_MS)));
    }
  }

  test('the image offers it, and it tells its version', async () => {
    expect(await docker.offers('citus', () => undefined)).toBe(true);
    expect(formed.version).toMatch(/^Citus \d+\.\d+/);
  });

  test('every shard lies on as many workers as asked for, in a ring, and every placement holds its rows', async () => {
    expect(formed.placement.partitions.map(({ copies: placements }) => [...placements].sort().join())).toEqual([
      'worker1,worker2',
      'worker2,worker3',
      'worker3,worker4',
      'worker1,worker4',
    ]);
    for (const { name, rows } of smallDataset.tables) {
      let held = 0;
      for (const { node, relation } of formed.placementSources(name)) {
        await using session = await connect(worker(node));
        const [row] = await session.query(`SELECT count(*)::int FROM ${relation}`);
        held += Number(row?.[0]);
      }
      expect(held).toBe(rows.length * TOPOLOGY.replication);
    }
  });

  test('rooms are where the catalogue says', async () => {
    const [first] = smallDataset.tables;
    for (const { partition, node, relation } of formed.placementSources(first?.name as string)) {
      await using session = await connect(worker(node));
      const partitionKeys = (await session.query(`SELECT room_id FROM ${relation}`)).map(([partitionKey]) =>
        Number(partitionKey),
      );
      expect(new Set(partitionKeys.map((partitionKey) => formed.placement.partitionOfKey[partitionKey]))).toEqual(
        new Set([partition]),
      );
    }
  });

  test('forming again replaces the data set; a table that somebody else made is not touched', async () => {
    await using session = await connect(coordinatorOf(nodes));
    await session.execute('CREATE TABLE strange (room_id int)');
    const [table] = smallDataset.tables;
    const dataset = { ...smallDataset, tables: [{ ...(table as NonNullable<typeof table>), name: 'strange' }] };
    await expect(citus.form({ nodes, topology: TOPOLOGY, dataset, signal: NEVER })).rejects.toThrow(
      'the database already has tables with these names: strange',
    );
    await session.execute('DROP TABLE strange');
    formed = await citus.form({ nodes, topology: TOPOLOGY, dataset: smallDataset, signal: NEVER });
    expect((await served()).every(({ readable, writable }) => readable && writable)).toBe(true);
  });

  test.each([[['worker2']], [['worker1']], [['worker2', 'worker3', 'worker4']]])(
    'with %j killed it serves exactly what is predicted',
    async (down) => {
      await withDown(down, async () => {
        expect(await served()).toEqual(expected(citus, formed.placement, new Set(down)));
      });
    },
  );

  test('a transaction that is prepared and not finished is found, with its node', async () => {
    await using session = await connect(worker('worker3'));
    await session.execute("BEGIN; PREPARE TRANSACTION 'left'");
    expect(await preparedTransactions(nodes.all)).toMatchObject([{ node: 'worker3', gid: 'left', relations: [] }]);
    await session.execute("ROLLBACK PREPARED 'left'");
    expect(await preparedTransactions(nodes.all)).toEqual([]);
  });

  test('the repair commands make a cluster without a worker writable, and take the worker back', async () => {
    const commands = (formed.repairCommands?.(new Set(['worker1'])) ?? []).filter((line) => !line.startsWith('--'));
    const back = commands.findIndex((line) => line.includes('citus_activate_node'));
    await withDown(['worker1'], async () => {
      await runOnCoordinator(commands.slice(0, back));
      expect((await served()).every(({ readable, writable }) => readable && writable)).toBe(true);
    });
    await runOnCoordinator(commands.slice(back));
    expect((await served()).every(({ readable, writable }) => readable && writable)).toBe(true);
  });

  /** Each until it succeeds: nodes are "out of sync" for some seconds after one was disabled. */
  async function runOnCoordinator(commands: readonly string[]): Promise<void> {
    await using session = await connect(coordinatorOf(nodes));
    for (const command of commands) {
      await expect.poll(() => failure(session, command), { timeout: 90_000, interval: 1_000 }).toBe('');
    }
  }
});

async function failure(session: Session, statement: string, values: readonly unknown[] = []): Promise<string> {
  try {
    await session.query(statement, values, { timeoutMs: 60_000 });
    return '';
  } catch (error) {
    return String(error);
  }
}

async function succeeds(session: Session, statement: string, values: readonly unknown[]): Promise<boolean> {
  return (await failure(session, statement, values)) === '';
}
