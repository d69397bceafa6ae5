import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeySet } from '../../src/model/key-ranges.ts';
import { datasetOf, probesAreOn } from '../../src/run/probes.ts';
import { chat } from '../../src/workloads/chat.ts';
import { FakeSession } from '../support/fake-session.ts';
import { runs } from '../support/properties.ts';

const PARAMS = chat.params.parse({});

type Row = [partitionKey: number, writer: number, seq: number, member: number, body: string];

const initialRows = (params = PARAMS) =>
  (chat.dataset(params).tables.find((table) => table.name === 'messages')?.rows ?? []) as unknown as Row[];

/** A session that answers every statement with these rows. */
function answering(rows: Row[]) {
  const session = new FakeSession();
  session.answer = async () => rows;
  return session.asSession();
}

describe('data set', () => {
  test('is the chat of the mission: 100 rooms, 200 members, 500 messages', () => {
    const { tables, partitionKeys } = datasetOf(chat, PARAMS);
    expect(partitionKeys).toHaveLength(100);
    expect(Object.fromEntries(tables.map((table) => [table.name, table.rows.length]))).toEqual({
      rooms: 100,
      room_members: 200,
      messages: 500,
      'pgquake.probes': 100,
    });
    expect(chat.ledger.initialRows(PARAMS)).toBe(500);
  });

  test('has no table of the probes where nothing probes or presses', () => {
    expect(probesAreOn({})).toBe(false);
    expect(probesAreOn({ pressure: { connections: 1, depth: 1, writes: 0 } })).toBe(true);
    expect(datasetOf(chat, PARAMS, false).tables.map(({ name }) => name)).toEqual([
      'rooms',
      'room_members',
      'messages',
    ]);
  });

  test('every room has 5 messages by its own members', () => {
    const rows = initialRows();
    for (let partitionKey = 1; partitionKey <= 100; partitionKey++) {
      const ofKey = rows.filter((row) => row[0] === partitionKey);
      expect(ofKey).toHaveLength(5);
      expect(ofKey.every((row) => row[3] === 2 * partitionKey - 1 || row[3] === 2 * partitionKey)).toBe(true);
    }
  });
});

describe('a read verifies content, not a count', () => {
  const partitionKey = 7;
  const rowsOfKey = () => initialRows().filter((row) => row[0] === partitionKey);

  async function readKey7(rows: Row[]) {
    const run = chat.start(PARAMS, 1);
    for (;;) {
      const request = run.next('read');
      if (request.partitionKey === partitionKey) return request.run(answering(rows));
    }
  }

  test('the right rows are verified', async () => {
    expect(await readKey7(rowsOfKey())).toEqual({ rows: 5, verified: 5 });
  });

  test('a changed body is corrupted', async () => {
    const rows = rowsOfKey();
    (rows[2] as Row)[4] += ' ';
    expect(await readKey7(rows)).toEqual({ rows: 5, verified: 4, anomaly: { corrupted: ['0:33'] } });
  });

  test('a row that strayed from another room is corrupted', async () => {
    const stray = initialRows().find((row) => row[0] === 8) as Row;
    stray[0] = partitionKey;
    expect((await readKey7([...rowsOfKey(), stray])).anomaly).toEqual({ corrupted: ['0:36'] });
  });

  test('a row that comes twice is duplicated, and counted once', async () => {
    const rows = rowsOfKey();
    expect(await readKey7([...rows, rows[0] as Row])).toEqual({
      rows: 6,
      verified: 5,
      anomaly: { duplicated: ['0:31'] },
    });
  });
});

describe('acknowledged writes', () => {
  function write(run: ReturnType<typeof chat.start>) {
    const request = run.next('write');
    const seq = Number(request.key?.split(':')[1]);
    return { request, seq };
  }

  test('a read that was sent after the acknowledgement must find it', async () => {
    const run = chat.start(PARAMS, 1);
    const { request, seq } = write(run);
    request.settled('ok');
    const answer = await run.next('scan').run(answering(initialRows()));
    expect(answer.anomaly).toEqual({ missing: [`1:${seq}`], missingCount: 1 });
  });

  test('one that was not acknowledged may be missing', async () => {
    const run = chat.start(PARAMS, 1);
    write(run).request.settled('unknown');
    write(run).request.settled('fail');
    expect((await run.next('scan').run(answering(initialRows()))).anomaly).toBeUndefined();
  });

  test('one acknowledged while the read was under way may be missing', async () => {
    const run = chat.start(PARAMS, 1);
    const { request } = write(run);
    const session = new FakeSession();
    session.answer = async () => {
      request.settled('ok');
      return initialRows();
    };
    expect((await run.next('scan').run(session.asSession())).anomaly).toBeUndefined();
  });
});

describe('sessions', () => {
  /** Until a read of this partition key is made by this session. */
  function readBy(run: ReturnType<typeof chat.start>, partitionKey: number, session: number) {
    for (;;) {
      const request = run.next('read');
      if (request.partitionKey === partitionKey && request.session === session) return request;
    }
  }

  function written(run: ReturnType<typeof chat.start>) {
    const request = run.next('write');
    const { partitionKey = 0, session = 0, key = '' } = request;
    const { member = 0, body = '' } = rowOf(key);
    return { request, partitionKey, session, key, row: [partitionKey, 1, Number(key.slice(2)), member, body] as Row };
  }

  /** What a reader of the row would expect, told by the workload itself. */
  function rowOf(key: string, params = PARAMS): { member?: number; body?: string } {
    const run = chat.start(params, 1);
    for (;;) {
      const request = run.next('write');
      if (request.key !== key) continue;
      let values: readonly unknown[] = [];
      const session = new FakeSession();
      session.query = async (_text?: string, given: readonly unknown[] = []) => {
        values = given;
        return [];
      };
      void request.run(session.asSession());
      return { member: Number(values[3]), body: String(values[4]) };
    }
  }

  const rowsOf = (partitionKey: number) => initialRows().filter((row) => row[0] === partitionKey);
  const others = (session: number) => (session % 2 === 0 ? session - 1 : session + 1);

  test('a member writes, and members read their rooms by turns', () => {
    const run = chat.start(PARAMS, 1);
    const { partitionKey, session, row } = written(run);
    expect(session).toBe(row[3]);
    expect([2 * partitionKey - 1, 2 * partitionKey]).toContain(session);
    const sessions = new Set(Array.from({ length: 400 }, () => run.next('read')).map((read) => read.session));
    expect(sessions.size).toBe(200);
    expect(run.next('scan').session).toBe(0);
  });

  test('who writes reads back; for others it is a stale read and no more', async () => {
    const run = chat.start(PARAMS, 1);
    const { request, partitionKey, session, key } = written(run);
    request.settled('ok');
    const own = await readBy(run, partitionKey, session).run(answering(rowsOf(partitionKey)));
    expect(own.anomaly).toEqual({ missing: [key], missingCount: 1, ownMissing: [key], ownMissingCount: 1 });
    const other = await readBy(run, partitionKey, others(session)).run(answering(rowsOf(partitionKey)));
    expect(other.anomaly).toEqual({ missing: [key], missingCount: 1 });
  });

  test('what a session read before must not be gone, whatever the writer was told', async () => {
    const run = chat.start(PARAMS, 1);
    const { request, partitionKey, session, key, row } = written(run);
    request.settled('fail');
    await readBy(run, partitionKey, session).run(answering([...rowsOf(partitionKey), row]));
    const again = await readBy(run, partitionKey, session).run(answering(rowsOf(partitionKey)));
    expect(again.anomaly).toEqual({ forgotten: [key], forgottenCount: 1 });
    const other = await readBy(run, partitionKey, others(session)).run(answering(rowsOf(partitionKey)));
    expect(other.anomaly).toBeUndefined();
    // It stays owed.
    const third = await readBy(run, partitionKey, session).run(answering(rowsOf(partitionKey)));
    expect(third.anomaly?.forgotten).toEqual([key]);
  });

  test('what a session is owed is the union of all that its reads have returned, whatever was acknowledged', async () => {
    const params = chat.params.parse({ rooms: 1, 'members-per-room': 1, 'messages-per-room': 3 });
    const initial = initialRows(params);
    const step = fc.oneof(
      fc.record({ type: fc.constant('write' as const), outcome: fc.constantFrom('ok', 'unknown', undefined) }),
      fc.record({ type: fc.constant('acknowledge' as const) }),
      // Of every ten rows that it may return, about one is missing.
      fc.record({ type: fc.constant('read' as const), odd: fc.boolean(), seed: fc.integer({ min: 0, max: 1e6 }) }),
      fc.record({ type: fc.constant('overlap' as const), seed: fc.integer({ min: 0, max: 1e6 }) }),
    );
    const keyOf = ([, writer, seq]: Row) => `${writer}:${seq}`;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const run = chat.start(params, 1);
        const rows: Row[] = [...initial];
        const open: ReturnType<typeof run.next>[] = [];
        let seen = new Set<string>();
        const returned = (odd: boolean, seed: number) =>
          rows.filter((_, i) => !odd || (Math.imul(seed + i, 0x9e37_79b1) >>> 8) % 10 !== 0);
        const read = async (answers: readonly Row[][]) => {
          const before = seen;
          const pending = answers.map((answer) => {
            const session = new FakeSession();
            let reply: (rows: Row[]) => void = () => undefined;
            session.answer = () =>
              new Promise((resolve) => {
                reply = resolve;
              });
            return { observed: run.next('read').run(session.asSession()), reply: () => reply(answer), answer };
          });
          for (const { observed, reply, answer } of pending.reverse()) {
            reply();
            const { anomaly } = await observed;
            const got = new Set(answer.map(keyOf));
            expect(anomaly?.forgottenCount ?? 0).toBe([...before].filter((key) => !got.has(key)).length);
            seen = new Set([...seen, ...got]);
          }
        };
        for (const one of steps) {
          if (one.type === 'write') {
            const request = run.next('write');
            const { member = 0, body = '' } = rowOf(request.key ?? '', params);
            rows.push([request.partitionKey ?? 0, 1, Number(request.key?.slice(2)), member, body]);
            if (one.outcome === undefined) open.push(request);
            else request.settled(one.outcome as 'ok' | 'unknown');
          } else if (one.type === 'acknowledge') open.pop()?.settled('ok');
          else if (one.type === 'read') await read([returned(one.odd, one.seed)]);
          else await read([returned(false, 0), returned(true, one.seed)]);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test('reads that were under way together owe each other nothing', async () => {
    const run = chat.start(PARAMS, 1);
    const { request, partitionKey, session, row } = written(run);
    request.settled('unknown');
    const early = new FakeSession();
    const late = readBy(run, partitionKey, session);
    const first = readBy(run, partitionKey, session);
    early.answer = async () => {
      await first.run(answering([...rowsOf(partitionKey), row]));
      return rowsOf(partitionKey);
    };
    expect((await late.run(early.asSession())).anomaly).toBeUndefined();
  });

  test('the first read that shows an unknown write resolves it', async () => {
    const run = chat.start(PARAMS, 1);
    const { request, partitionKey, session, key, row } = written(run);
    request.settled('unknown');
    const rows = [...rowsOf(partitionKey), row];
    expect((await readBy(run, partitionKey, session).run(answering(rows))).anomaly).toEqual({ resolved: [key] });
    expect((await readBy(run, partitionKey, session).run(answering(rows))).anomaly).toBeUndefined();
  });
});

describe('schedule of rooms', () => {
  test('every room is read once a round', () => {
    const run = chat.start(PARAMS, 42);
    for (let round = 0; round < 3; round++) {
      const partitionKeys = Array.from({ length: 100 }, () => run.next('read').partitionKey);
      expect(new Set(partitionKeys).size).toBe(100);
    }
  });

  test('the same seed gives the same order, another seed another', () => {
    const order = (seed: number) => {
      const run = chat.start(PARAMS, seed);
      return Array.from({ length: 100 }, () => run.next('read').partitionKey);
    };
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });

  test('writes go to many rooms, all of them real', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (rooms) => {
        const run = chat.start({ ...PARAMS, rooms }, 1);
        const chosen = Array.from({ length: 1_000 }, () => run.next('write').partitionKey as number);
        expect(chosen.every((partitionKey) => partitionKey >= 1 && partitionKey <= rooms)).toBe(true);
        expect(new Set(chosen).size).toBeGreaterThan(rooms * 0.9 - 1);
      }),
      { numRuns: runs(30) },
    );
  });
});

describe('complete read', () => {
  test('keys as ranges, oddities as rows', async () => {
    const rows = initialRows();
    (rows[0] as Row)[3] = 99;
    rows.push(rows[9] as Row);
    const read = await chat.ledger.readAll(answering(rows), 'messages', PARAMS, 1_000);
    expect(read.rows).toBe(501);
    expect(read.present).toEqual({ 0: '1-500' });
    expect(read.duplicated).toEqual(['0:10']);
    expect(read.corrupted).toHaveLength(1);
    expect(read.corrupted[0]).toMatchObject({ key: '0:1', found: expect.stringContaining('member 99') });
    expect(KeySet.fromRanges(read.present).has(0, 500)).toBe(true);
  });

  test('keys of any writer and any number, also such as no run writes', async () => {
    const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: -2, max: 3 }), number), { maxLength: 12 }), async (keys) => {
        const rows = keys.map(([writer, seq]): Row => [1, writer, seq, 1, '']);
        const read = await chat.ledger.readAll(answering(rows), 'messages', PARAMS, 1_000);
        const present = new Set(
          [...KeySet.fromRanges(read.present).keys()].map(({ writer, seq }) => `${writer}:${seq}`),
        );
        expect(present).toEqual(new Set(keys.map(([writer, seq]) => `${writer}:${seq}`)));
        expect(read.duplicated).toHaveLength(keys.length - present.size);
      }),
      { numRuns: runs(300) },
    );
  });
});
