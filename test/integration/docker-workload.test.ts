/** The workloads' own statements on one real server in a container, without a cluster around it. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/cluster/engine.ts';
import { columnArrays, createSchemas, createTable, insertRows } from '../../src/engines/data-set-sql.ts';
import { datasetOf, nextProbeRun, Probes } from '../../src/run/probes.ts';
import { Session } from '../../src/sql/session.ts';
import { bigScan } from '../../src/workloads/big-scan.ts';
import { chat } from '../../src/workloads/chat.ts';
import type { OperationRequest, WorkloadRun } from '../../src/workloads/workload.ts';
import { dockerMissing, oneServer } from '../support/docker.ts';

const missing = await dockerMissing('test/integration/docker-workload.test.ts');
const LIMIT_MS = 10_000;
const CHAT = chat.params.parse({});
const BIG = bigScan.params.parse({ rooms: 20, 'messages-per-room': 10 });

describe.skipIf(missing !== undefined)('workloads on a server in a container', () => {
  let server: Awaited<ReturnType<typeof oneServer>>;
  let session: Session;

  beforeAll(async () => {
    server = await oneServer();
    session = await Session.connect(server.address, { applicationName: 'workload-test', connectTimeoutMs: LIMIT_MS });
  });

  afterAll(async () => {
    await session?.close();
    await server?.[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    await session.execute(
      'DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS pgquake CASCADE',
      LIMIT_MS,
    );
  });

  async function load({ tables }: Dataset): Promise<void> {
    for (const statement of createSchemas(tables.map(({ name }) => name))) await session.execute(statement, LIMIT_MS);
    for (const table of tables) {
      await session.execute(createTable(table), LIMIT_MS);
      await session.query(insertRows(table), columnArrays(table, table.rows), { timeoutMs: LIMIT_MS });
    }
  }

  async function send(request: OperationRequest) {
    const observed = await request.run(session);
    request.settled('ok');
    return observed;
  }

  /** Reads partition keys in turn until this one's is read. */
  async function readKey(run: WorkloadRun, partitionKey: number) {
    for (;;) {
      const request = run.next('read');
      if (request.partitionKey === partitionKey) return await send(request);
    }
  }

  test('chat: what is written is read, room by room and by a scan', async () => {
    await load(chat.dataset(CHAT));
    const run = chat.start(CHAT, 1);
    const written = [];
    for (let i = 0; i < 50; i++) {
      const request = run.next('write');
      written.push(request);
      expect(await send(request)).toEqual({});
    }
    expect(await send(run.next('scan'))).toEqual({ rows: 550, verified: 500 });
    const { partitionKey } = written[0] as OperationRequest;
    const inKey = written.filter((request) => request.partitionKey === partitionKey).length;
    expect(await readKey(run, partitionKey as number)).toEqual({ rows: 5 + inKey, verified: 5 });
    expect(await chat.ledger.nextWriter(session, LIMIT_MS)).toBe(2);
    expect(await chat.ledger.readAll(session, chat.ledger.table, CHAT, LIMIT_MS)).toEqual({
      rows: 550,
      present: { 0: '1-500', 1: '1-50' },
      duplicated: [],
      corrupted: [],
    });
  });

  test('chat: a row that is gone, one that is changed and one that is there twice are told apart', async () => {
    await load(chat.dataset(CHAT));
    const run = chat.start(CHAT, 1);
    await send(run.next('write'));
    await session.execute(
      `ALTER TABLE messages DROP CONSTRAINT messages_pkey;
       DELETE FROM messages WHERE writer = 1;
       UPDATE messages SET body = reverse(body) WHERE seq = 7;
       INSERT INTO messages SELECT * FROM messages WHERE seq = 8`,
      LIMIT_MS,
    );
    expect(await send(run.next('scan'))).toEqual({
      rows: 501,
      verified: 499,
      anomaly: { missing: ['1:1'], missingCount: 1, corrupted: ['0:7'], duplicated: ['0:8'] },
    });
    const { rows, present, duplicated, corrupted } = await chat.ledger.readAll(
      session,
      chat.ledger.table,
      CHAT,
      LIMIT_MS,
    );
    expect({ rows, present, duplicated }).toEqual({ rows: 501, present: { 0: '1-500' }, duplicated: ['0:8'] });
    expect(corrupted.map(({ key }) => key)).toEqual(['0:7']);
  });

  test('chat: the fingerprint tells content, whatever the order of the rows', async () => {
    await load(chat.dataset(CHAT));
    const fingerprint = (relation: string) =>
      session.query(chat.ledger.fingerprintSql(relation), [], { timeoutMs: LIMIT_MS });
    await session.execute('CREATE TABLE copy AS SELECT * FROM messages ORDER BY random()', LIMIT_MS);
    expect(await fingerprint('copy')).toEqual(await fingerprint('messages'));
    await session.execute("UPDATE copy SET body = body || ' ' WHERE seq = 7", LIMIT_MS);
    expect(await fingerprint('copy')).not.toEqual(await fingerprint('messages'));
  });

  test('big-scan: counts rows as they come', async () => {
    await load(bigScan.dataset(BIG));
    const run = bigScan.start(BIG, 1);
    expect(await send(run.next('scan'))).toEqual({ rows: 200, verified: 200 });
    expect(await send(run.next('read'))).toEqual({ rows: 10, verified: 10 });
    await session.execute(
      `ALTER TABLE big_messages DROP CONSTRAINT big_messages_pkey;
       INSERT INTO big_messages SELECT * FROM big_messages WHERE seq > 190`,
      LIMIT_MS,
    );
    const { rows, verified, anomaly } = await send(run.next('scan'));
    expect({ rows, verified, again: anomaly?.duplicatedCount }).toEqual({ rows: 210, verified: 200, again: 10 });
  });

  test('probes: read the initial row, and add rows of their own run', async () => {
    await load(datasetOf(chat, CHAT));
    const probes = new Probes(await nextProbeRun(session, LIMIT_MS));
    expect(await send(probes.next('read', 7))).toEqual({ rows: 1 });
    await send(probes.next('write', 7));
    await send(probes.next('write', 7));
    expect(
      await session.query('SELECT partition_key, run, seq FROM pgquake.probes WHERE run > 0 ORDER BY seq'),
    ).toEqual([
      [7, 1, 1],
      [7, 1, 2],
    ]);
    expect(await nextProbeRun(session, LIMIT_MS)).toBe(2);
    await session.execute('DELETE FROM pgquake.probes WHERE partition_key = 7', LIMIT_MS);
    await expect(probes.next('read', 7).run(session)).rejects.toMatchObject({ code: 'row-missing' });
  });
});
