/**
 * Faults that SQL does, on a real Citus: what a client of the coordinator meets while one is in effect, and that it met
 * nothing of the kind just before. Needs an image with Citus, named by PGQUAKE_CITUS_IMAGE; skipped without.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FormedCluster } from '../../src/cluster/engine.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { citus } from '../../src/engines/citus.ts';
import { backendKill } from '../../src/faults/backend-kill.ts';
import { backendTerminate } from '../../src/faults/backend-terminate.ts';
import { checkpointStorm } from '../../src/faults/checkpoint-storm.ts';
import { connectionsExhaust } from '../../src/faults/connections-exhaust.ts';
import type { Fault, Undo } from '../../src/faults/fault.ts';
import { lockTable } from '../../src/faults/lock-table.ts';
import { networkReject } from '../../src/faults/network-reject.ts';
import { readOnly } from '../../src/faults/read-only.ts';
import { docker } from '../../src/platforms/docker.ts';
import { undoAll } from '../../src/run/healing.ts';
import { newMark } from '../../src/run/injector.ts';
import { CLIENT_NAMES } from '../../src/sql/application-names.ts';
import { Session } from '../../src/sql/session.ts';
import { NEVER, smallDataset, temporaryFolder } from '../support/local-cluster.ts';
import { coordinatorOf, sharded } from '../support/sharded.ts';

const image = process.env.PGQUAKE_CITUS_IMAGE;
const TOPOLOGY = sharded({ workers: 2, replication: 1, partitions: 4 });
const LIMIT_MS = 1_500;
const READ = 'SELECT count(*) FROM messages WHERE room_id = $1';
const WRITE = 'UPDATE messages SET body = body WHERE room_id = $1';
/** A checkpoint of an idle server takes some milliseconds. */
const STORM_MS = 1_000;

describe.skipIf(!image)('faults on Citus', () => {
  let nodes: Nodes;
  let formed: FormedCluster;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    vi.stubEnv('PGQUAKE_IMAGE', image);
    folder = await temporaryFolder();
    nodes = await docker.provision({
      nodes: TOPOLOGY.nodes,
      // As Citus has it by itself: pgquake's own clusters go without.
      settings: { ...citus.settings, 'citus.node_conninfo': 'sslmode=require' },
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

  const nodeOf = (name: string) => nodes.all.find((node) => node.name === name) as NodeControl;

  /** A partition key whose only copy is on a worker. */
  function keyOf(worker: string): number {
    const { partitions, partitionOfKey } = formed.placement;
    const held = new Set(
      partitions.filter(({ copies: placements }) => placements.includes(worker)).map(({ index }) => index),
    );
    return smallDataset.partitionKeys.find((partitionKey) =>
      held.has(partitionOfKey[partitionKey] as number),
    ) as number;
  }

  /** As the load connects. */
  function client(node: NodeControl = coordinatorOf(nodes)): Promise<Session> {
    return Session.connect(node.address(), { applicationName: CLIENT_NAMES.workload, connectTimeoutMs: LIMIT_MS });
  }

  /** @returns `answered`, or the code of the error that a new session met. */
  async function meets(statement: string, worker: string): Promise<string> {
    let session: Session | undefined;
    try {
      session = await client();
      await session.query(statement, [keyOf(worker)], { timeoutMs: LIMIT_MS });
      return 'answered';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      session?.discard();
    }
  }

  /** What a client meets that asks for rows of either worker. */
  const met = async (statement: string) => [await meets(statement, 'worker1'), await meets(statement, 'worker2')];

  /** Strikes one node, proves it, looks, and heals. */
  async function during(fault: Fault, target: string, look: () => Promise<void>): Promise<void> {
    const node = nodeOf(target);
    const worker = target === 'coordinator' ? 'worker1' : target;
    const undos: Undo[] = [];
    const held: AsyncDisposable[] = [];
    const mark = `${newMark()}-0`;
    const params = fault.params.parse({}) as object;
    try {
      const evidence: unknown = await fault.inject([node], params, {
        mark,
        nodes: nodes.all,
        cluster: formed,
        signal: NEVER,
        defer: async (undo) => void undos.push(undo),
        hold: (resource) => {
          held.push(resource);
          return resource;
        },
      });
      expect(await fault.prove([node], params, evidence)).toContain(target);
      await look();
      const waiting = async () => (await fault.met?.([node], params, evidence))?.counts[target];
      if (fault.met) await expect.poll(waiting).toBe(0);
      const asking = fault.met && meets(READ, worker);
      if (fault.met) await expect.poll(waiting, { timeout: LIMIT_MS, interval: 20 }).toBeGreaterThan(0);
      await asking;
    } finally {
      for (const resource of held) await resource[Symbol.asyncDispose]();
      const pending = undos.map((undo, id) => ({ id, act: 0, fault: fault.name, mark, undo })).reverse();
      const faults = new Map([[fault.name, fault]]);
      const { failures } = await undoAll(pending, { nodes: nodes.all, faults, kept: () => undefined });
      expect(failures).toEqual([]);
    }
    await expect.poll(() => met(WRITE), { timeout: 20_000 }).toEqual(['answered', 'answered']);
  }

  test('lock-table on a worker: reads of its shards wait, those of the other worker do not', async () => {
    expect(await met(READ)).toEqual(['answered', 'answered']);
    await during(lockTable, 'worker1', async () => expect(await met(READ)).toEqual(['deadline', 'answered']));
  });

  test('lock-table on the coordinator: every read waits', async () => {
    expect(await met(READ)).toEqual(['answered', 'answered']);
    await during(lockTable, 'coordinator', async () => expect(await met(READ)).toEqual(['deadline', 'deadline']));
  });

  test('read-only on a worker: writes of its shards are refused, those of the other worker are not', async () => {
    expect(await met(WRITE)).toEqual(['answered', 'answered']);
    await during(readOnly, 'worker1', async () => {
      expect(await met(WRITE)).toEqual(['25006', 'answered']);
      expect(await met(READ)).toEqual(['answered', 'answered']);
    });
  });

  test('read-only on a worker: a transaction of several statements is refused too', async () => {
    await during(readOnly, 'worker1', async () => {
      await using session = await client();
      await session.execute('BEGIN');
      const writing = session.query(WRITE, [keyOf('worker1')], { timeoutMs: LIMIT_MS });
      await expect(writing).rejects.toMatchObject({ code: '25006' });
    });
  });

  test('read-only on the coordinator: every write is refused', async () => {
    expect(await met(WRITE)).toEqual(['answered', 'answered']);
    await during(readOnly, 'coordinator', async () => expect(await met(WRITE)).toEqual(['25006', '25006']));
  });

  test('connections-exhaust on a worker: a new client does not reach its shards', async () => {
    expect(await met(READ)).toEqual(['answered', 'answered']);
    await during(connectionsExhaust, 'worker1', async () => {
      const [struck, spared] = await met(READ);
      expect(struck).toMatch(/^(08...|53300)$/);
      expect(spared).toBe('answered');
    });
  });

  test('connections-exhaust on the coordinator: a new client is refused', async () => {
    expect(await met(READ)).toEqual(['answered', 'answered']);
    await during(connectionsExhaust, 'coordinator', async () => expect(await met(READ)).toEqual(['53300', '53300']));
  });

  describe.each<Fault>([backendTerminate, backendKill])('$name', (fault) => {
    test('on a worker: a transaction that is open there breaks, one on the other worker does not', async () => {
      await using struck = await client();
      await using spared = await client();
      const ask = (session: Session, worker: string) => session.query(READ, [keyOf(worker)], { timeoutMs: LIMIT_MS });
      for (const [session, worker] of [
        [struck, 'worker1'],
        [spared, 'worker2'],
      ] as const) {
        await session.execute('BEGIN');
        await ask(session, worker);
        await ask(session, worker);
      }
      await during(fault, 'worker1', async () => {
        await expect(ask(struck, 'worker1')).rejects.toThrow();
        await expect(ask(spared, 'worker2')).resolves.toHaveLength(1);
      });
    });

    test('on the coordinator: the session of a client ends', async () => {
      await using session = await client();
      await session.query('SELECT 1', [], { timeoutMs: LIMIT_MS });
      await during(fault, 'coordinator', async () => expect(await session.ended(LIMIT_MS)).toBeDefined());
    });
  });

  test.each(['worker1', 'coordinator'])(
    'checkpoint-storm on %s: its control file names ever new checkpoints',
    async (name) => {
      await using session = await client(nodeOf(name));
      const named = async () => {
        const seen = new Set<string>();
        for (const until = performance.now() + STORM_MS; performance.now() < until; await sleep(20)) {
          const [row] = await session.query('SELECT checkpoint_lsn::text FROM pg_control_checkpoint()');
          seen.add(String(row?.[0]));
        }
        return seen.size;
      };
      expect(await named()).toBeLessThanOrEqual(2);
      await during(checkpointStorm, name, async () => expect(await named()).toBeGreaterThan(2));
    },
  );

  test('a rule that waits for a text is refused, because the nodes encrypt their traffic', async () => {
    await using session = await client();
    // As the workers see the coordinator come in.
    const ask = `SELECT result FROM run_command_on_workers('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')`;
    expect(await session.query(ask)).toEqual([['t'], ['t']]);
    // What the coordinator's own server offers says nothing of what it asks of the workers.
    await session.execute('ALTER SYSTEM SET ssl = off');
    try {
      await session.execute('SELECT pg_reload_conf()');
      await expect.poll(() => session.query('SHOW ssl'), { timeout: 5_000 }).toEqual([['off']]);
      const seen = await citus.inspect({ nodes, dataset: smallDataset, signal: NEVER });
      const params = networkReject.params.parse({ on: 'COMMIT PREPARED' });
      expect(await networkReject.lacking?.(nodeOf('worker1'), params, seen as FormedCluster)).toBe(
        'traffic between the nodes is encrypted (sslmode=require), so no rule finds "COMMIT PREPARED" in it',
      );
    } finally {
      await session.execute('ALTER SYSTEM SET ssl = on');
      await session.execute('SELECT pg_reload_conf()');
    }
  });
});
