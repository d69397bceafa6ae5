/**
 * Harm done to a real cluster behind pgquake's back, and what the report calls it: lost, divergent, corrupted,
 * unexpected, stale. Each with the row as its witness.
 */

import { beforeEach, describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { Witnesses } from '../../src/measure/witnesses.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { LedgerFigures, Report } from '../../src/model/report.ts';
import type { PlacementMap } from '../../src/model/topology.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import type { Session } from '../../src/sql/session.ts';
import { chat } from '../../src/workloads/chat.ts';
import { runWith } from '../support/harmed-run.ts';
import { connect } from '../support/local-cluster.ts';
import { behindPort, LossyProxy } from '../support/lossy-proxy.ts';
import { coordinatorOf, workersOf } from '../support/sharded.ts';

const CHAT = { rooms: 20, 'messages-per-room': 5 };

function scenario(faults = '') {
  return parseScenario(
    `
name: planted
summary: Something is wrong, and it has a name.
cluster: { workers: 3, replication: 2, shards: 3, platform: local, engine: native }
workload: { use: chat, rooms: ${CHAT.rooms}, messages-per-room: ${CHAT['messages-per-room']}, read: { rate: 60/s }, scan: { rate: 2/s }, write: { rate: 20/s } }
probes: { rate: 10/s }
steady-state: { for: 2s }
faults: [${faults}]
settle: { within: 300ms }
hypothesis:
  - { check: no-lost-writes }
  - { check: no-stale-reads }
  - { check: session-guarantees }
  - { check: replicas-agree }
`,
    'planted.yaml',
    vocabulary,
  );
}

const judgementOf = (report: Report, name: string) => report.results.find(({ check }) => check === name)?.judgement;
const evidenceOf = (report: Report, name: string) =>
  report.results.find(({ check }) => check === name)?.evidence.join('\n');

/** A session whose changes no replica gets: they carry an origin, and flows take only what has none. */
async function sessionOfNoReplica(node: NodeControl): Promise<Session> {
  const session = await connect(node);
  await session.execute(
    `SELECT pg_replication_origin_create('planted') WHERE NOT EXISTS
       (SELECT FROM pg_replication_origin WHERE roname = 'planted');
     SELECT pg_replication_origin_session_setup('planted')`,
  );
  return session;
}

/** A row with the content that its key demands, of a writer that there is not. */
async function strangerRow(): Promise<unknown[]> {
  let row: unknown[] = [];
  const session = {
    query: async (_: string, values: unknown[]) => {
      row = values;
      return [];
    },
  };
  await chat
    .start(chat.params.parse(CHAT), 1, 99)
    .next('write')
    .run(session as unknown as Session);
  return row;
}

describe('rows changed behind its back', () => {
  const isFaultPhase = (event: TimedEvent) => event.type === 'phase-started' && event.phase === 'fault';
  let report: Report;
  /** The first message that the load wrote: acknowledged long before it is deleted. */
  let written = '';

  beforeEach(async () => {
    if (report) return;
    const stranger = await strangerRow();
    report = await runWith(scenario(), {
      at: (event, cluster) => (isFaultPhase(event) ? plant(cluster, stranger) : undefined),
      before: async (nodes) => {
        const corrupted = new Witnesses();
        corrupted.add('0:13');
        const rows = { table: 'messages', ...chat.ledger.lookup };
        const { sql = [] } = corrupted.figures({ run: { rows } as Report['run'], events: [] });
        await using session = await connect(coordinatorOf(nodes));
        const found = await session.query(String(sql[0]));
        expect(found).toEqual([[3, 0, 13, expect.any(Number), 'changed']]);
      },
    });
  });

  async function plant({ nodes, placement }: { nodes: Nodes; placement: PlacementMap }, stranger: unknown[]) {
    const sessions = new Map<string, Session>();
    for (const node of workersOf(nodes)) sessions.set(node.name, await sessionOfNoReplica(node));
    const on = async (partitionKey: number, holders: 'all' | 'second', statement: string, values: unknown[]) => {
      const partition = placement.partitions[placement.partitionOfKey[partitionKey] as number];
      const names = holders === 'all' ? (partition?.copies ?? []) : [partition?.copies[1] as string];
      for (const name of names) {
        const session = sessions.get(name) as Session;
        await session.query(statement.replace('messages', `messages_shard_${partition?.index}`), values);
      }
    };
    await using coordinator = await connect(coordinatorOf(nodes));
    const [row] = await coordinator.query('SELECT room_id, seq FROM messages WHERE writer = 1 ORDER BY seq LIMIT 1');
    const [partitionKey, seq] = row as [number, number];
    written = `1:${seq}`;
    const key = 'WHERE writer = $1 AND seq = $2';
    await on(partitionKey, 'all', `DELETE FROM messages ${key}`, [1, seq]);
    await on(2, 'all', `DELETE FROM messages ${key}`, [0, 7]);
    await on(1, 'second', `DELETE FROM messages ${key}`, [0, 1]);
    await on(3, 'all', `UPDATE messages SET body = 'changed' ${key}`, [0, 13]);
    await on(Number(stranger[0]), 'all', 'INSERT INTO messages VALUES ($1, $2, $3, $4, $5)', stranger);
    for (const session of sessions.values()) await session.close();
  }

  test('deleted on all placements: lost', () => {
    expect(report.ledger?.lost).toMatchObject({ count: 2, witnesses: [written, '0:7'] });
    expect(report.ledger?.lost.sql?.[0]).toMatch(
      /^SELECT .* FROM messages WHERE \(writer, seq\) IN .* -- on coordinator$/,
    );
    expect(judgementOf(report, 'no-lost-writes')).toBe('fail');
    expect(evidenceOf(report, 'no-lost-writes')).toContain('0:7 lost: a message of the initial data set');
    expect(report.finding).toContain('2 messages were lost');
  });

  test('and whoever had read them misses them', () => {
    expect(report.ledger?.staleReads.count).toBeGreaterThan(0);
    expect(report.ledger?.monotonicReads?.witnesses).toEqual(expect.arrayContaining(['0:7']));
    expect(judgementOf(report, 'session-guarantees')).toBe('fail');
  });

  test('deleted on one placement: divergent', () => {
    expect(report.ledger?.divergent).toMatchObject({ count: 1, witnesses: ['0:1'] });
    expect(report.ledger?.divergent?.sql).toHaveLength(2);
    expect(judgementOf(report, 'replicas-agree')).toBe('fail');
    expect(evidenceOf(report, 'replicas-agree')).toMatch(/^0:1 of shard [ABC]: on worker\d, not on worker\d$/m);
  });

  test('changed: corrupted', () => {
    expect(report.ledger?.corrupted.count).toBeGreaterThan(0);
    expect(report.ledger?.corrupted.witnesses).toEqual(['0:13']);
    expect(judgementOf(report, 'content-intact')).toBe('fail');
    expect(evidenceOf(report, 'content-intact')).toContain('0:13');
  });

  test('inserted: unexpected', () => {
    expect(report.ledger?.unexpected).toMatchObject({ count: 1, witnesses: ['99:1'] });
    expect(judgementOf(report, 'no-unexpected-rows')).toBe('fail');
    expect(evidenceOf(report, 'no-unexpected-rows')).toContain('99:1 unexpected: it was never sent');
  });

  test('and nothing else is found', () => {
    const { resurrected, receded, hidden, duplicated } = report.ledger as LedgerFigures;
    expect([resurrected, receded, hidden, duplicated].map((one) => one?.count)).toEqual([0, 0, 0, 0]);
  });
});

describe('servers that do not do what they say', () => {
  test('a proxy that answers OK and drops the write: lost', async () => {
    const dropped: string[] = [];
    await using proxies = new AsyncDisposableStack();
    const report = await runWith(scenario(), {
      nodes: async (nodes) => {
        const proxy = proxies.use(
          await LossyProxy.start(coordinatorOf(nodes).address(), {
            drops: (bound) => {
              const seq = Number(/message (\d+) of writer 1 /.exec(bound)?.[1] ?? 0);
              if (seq < 10 || dropped.length === 3) return false;
              dropped.push(`1:${seq}`);
              return true;
            },
          }),
        );
        return behindPort(nodes, proxy.port);
      },
    });
    expect(dropped).toHaveLength(3);
    expect(report.ledger?.lost).toMatchObject({ count: 3, witnesses: dropped });
    expect(judgementOf(report, 'no-lost-writes')).toBe('fail');
    expect(evidenceOf(report, 'no-lost-writes')).toContain(`${dropped[0]} lost: room `);
    expect(report.ledger?.readYourWrites?.count).toBeGreaterThan(0);
    expect(report.ledger?.divergent?.count).toBe(0);
  });

  test('a replica held back: stale', async () => {
    const report = await runWith(scenario('{ fault: node-stop, target: worker1, at: 0s, for: 2s }'), {
      at: (event, { nodes }) => {
        const replica = workersOf(nodes).find(({ name }) => name === 'worker2') as NodeControl;
        const alter = async (what: string) => {
          await using session = await connect(replica);
          await session.execute(`ALTER SUBSCRIPTION worker1_to_worker2 ${what}`);
        };
        if (event.type === 'phase-started' && event.phase === 'steady-state') return alter('DISABLE');
        return event.type === 'healed' ? alter('ENABLE') : undefined;
      },
    });
    expect(report.ledger?.staleReads.count).toBeGreaterThan(0);
    expect(report.ledger?.staleReads.witnesses[0]).toMatch(/^1:\d+$/);
    expect(report.ledger?.staleForMs).toBeGreaterThan(0);
    expect(judgementOf(report, 'no-stale-reads')).toBe('fail');
    expect(evidenceOf(report, 'no-stale-reads')).toMatch(/: without 1:\d+/);
    // What was late came in the end.
    expect(report.ledger?.lost.count).toBe(0);
    expect(judgementOf(report, 'no-lost-writes')).toBe('pass');
    expect(judgementOf(report, 'replicas-agree')).toBe('pass');
  });
});
