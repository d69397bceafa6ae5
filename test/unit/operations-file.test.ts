import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from '@uwdata/flechette';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { OperationsWriter, readOperations } from '../../src/operations-file.ts';
import { operations } from '../support/operations.ts';
import { runs } from '../support/properties.ts';

const KINDS = ['read', 'scan', 'write', 'probe'];
const ROUTES: Readonly<Record<string, string>> = { read: 'standby', write: 'direct', probe: 'standby' };
/** Scans name none. */
const ROUTED = KINDS.map((name) => ({ name, ...(name in ROUTES ? { route: ROUTES[name] } : {}) }));
let folder: string;
let files = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-operations-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(batches: readonly (readonly Operation[])[]): string {
  const path = join(folder, `${files++}.arrow`);
  using writer = new OperationsWriter(path, ROUTED);
  for (const batch of batches) {
    writer.write(tableOf(batch));
    writer.flush();
  }
  return path;
}

/** Its kinds have other numbers than in the file. */
function tableOf(list: readonly Operation[]): OperationTable {
  const table = new OperationTable(KINDS.toReversed());
  for (const operation of list) table.add(operation);
  return table;
}

/** As padding, which a seal is for other readers. */
function withoutSeals(bytes: Buffer): Buffer {
  for (let at = bytes.indexOf('pgqk'); at >= 0; at = bytes.indexOf('pgqk')) bytes.fill(0, at, at + 16);
  return bytes;
}

const operation = (id: number, more: Partial<Operation> = {}): Operation => ({
  id,
  kind: 'read',
  intendedAt: id * 10,
  sentAt: id * 10 + 0.5,
  settledAt: id * 10 + 2,
  outcome: 'ok',
  ...more,
});

/** What another reader of Arrow makes of the file. */
function readByFlechette(path: string) {
  return tableFromIPC(readFileSync(path)).toArray() as Record<string, unknown>[];
}

describe('the operations of a run on disk', () => {
  test('are read as written, in any batches', () => {
    fc.assert(
      fc.property(operations, fc.nat({ max: 40 }), (list, at) => {
        const path = write([list.slice(0, at), list.slice(at)]);
        const sorted = list.toSorted((a, b) => a.intendedAt - b.intendedAt || a.id - b.id);
        expect([...readOperations(path)]).toEqual(sorted);
      }),
      { numRuns: runs(200) },
    );
  });

  test('are read from a file in several pieces, wherever it was cut off', () => {
    const all = Array.from({ length: 40_000 }, (_, i) => operation(i + 1, { rows: i % 7 }));
    const batches = Array.from({ length: 100 }, (_, i) => all.slice(400 * i, 400 * (i + 1)));
    const path = write(batches);
    const size = statSync(path).size;
    expect(size).toBeGreaterThan(2 << 20);
    expect([...readOperations(path)]).toEqual(all);
    for (const left of [size - 1, (2 << 20) + 8, (1 << 20) - 8]) {
      truncateSync(path, left);
      const { count } = readOperations(path);
      expect([count % 400, [...readOperations(path)].at(-1)?.id]).toEqual([0, count]);
      expect(count).toBeGreaterThan((all.length * left) / size - 2 * 400);
    }
  });

  test('are read by another reader of Arrow', () => {
    fc.assert(
      fc.property(operations, fc.nat({ max: 40 }), (list, at) => {
        const rows = readByFlechette(write([list.slice(0, at), list.slice(at)]));
        expect(rows).toHaveLength(list.length);
        for (const [i, row] of rows.entries()) {
          const { id, kind, outcome, intendedAt, sentAt, settledAt, ...rest } = list[i] as Operation;
          const {
            partitionKey = null,
            partition = null,
            session = null,
            key,
            errorCode = null,
            errorText = null,
            anomaly,
          } = rest;
          expect(row).toMatchObject({
            id,
            kind,
            outcome,
            intended_ms: intendedAt,
            partition_key: partitionKey,
            partition,
            session,
          });
          expect(row.route).toBe(ROUTES[kind] ?? null);
          expect(row).toMatchObject({ rows: rest.rows ?? null, verified: rest.verified ?? null });
          expect(row).toMatchObject({ error_code: errorCode, error_text: errorCode === null ? null : errorText });
          expect(Number(row.sent_us) / 1_000 + intendedAt).toBe(sentAt);
          expect(Number(row.settled_us) / 1_000 + intendedAt).toBe(settledAt);
          expect(row.writer === null ? undefined : `${row.writer}:${row.seq}`).toBe(key);
          expect(row.anomaly === null ? undefined : JSON.parse(row.anomaly as string)).toEqual(anomaly);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  test('a crash loses the batch that was being written and nothing before it', () => {
    const path = write([[operation(2), operation(1)], [operation(3)]]);
    const size = statSync(path).size;
    const counts = new Set<number>();
    for (let left = size; left >= 0; left -= 8) {
      truncateSync(path, left);
      let count = 0;
      try {
        count = readOperations(path).count;
      } catch (error) {
        expect(String(error)).toMatch(/it is empty|it was cut off before its first operation/);
      }
      counts.add(count);
    }
    expect([...counts]).toEqual([3, 2, 0]);
  });

  test('operations are in the file once flushed, or once there are thousands', () => {
    const path = join(folder, 'live.arrow');
    using writer = new OperationsWriter(path, ROUTED);
    writer.write(tableOf([operation(1)]));
    expect(readOperations(path).count).toBe(0);
    writer.flush();
    expect(readOperations(path).count).toBe(1);
    const all = Array.from({ length: 10_000 }, (_, i) => operation(i + 2));
    for (let at = 0; at < all.length; at += 100) writer.write(tableOf(all.slice(at, at + 100)));
    const { count } = readOperations(path);
    expect(count).toBeGreaterThan(all.length - 5_000);
    writer.flush();
    expect([...readOperations(path)]).toEqual([operation(1), ...all]);
  });

  test('batches keep their own kinds', () => {
    const path = join(folder, 'kinds.arrow');
    const one = (kind: string, id: number) => {
      const table = new OperationTable([kind]);
      table.add(operation(id, { kind }));
      return table;
    };
    const [first = '', second = ''] = KINDS;
    {
      using writer = new OperationsWriter(path, ROUTED);
      writer.write(one(first, 1));
      writer.write(one(second, 2));
      writer.write(one(first, 3));
      expect(() => writer.write(one('unheard', 4))).toThrow('no kind of operation "unheard" was announced');
    }
    expect([...readOperations(path)].map(({ id, kind }) => [id, kind])).toEqual([
      [1, first],
      [2, second],
      [3, first],
    ]);
  });

  test('damage in the middle is reported with its place', () => {
    const path = write([[operation(1)], [operation(2)]]);
    const bytes = readFileSync(path);
    const end = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    expect(bytes.subarray(-end.length)).toEqual(end);
    const second = statSync(write([[operation(1)]])).size - end.length;
    bytes[second] = 0;
    writeFileSync(path, bytes);
    expect(() => readOperations(path)).toThrow(`it is damaged at byte ${second}`);
  });

  test('a bit that changed anywhere is noticed, or changes nothing that is read', () => {
    const all = Array.from({ length: 40 }, (_, i) =>
      operation(i + 1, i % 9 === 0 ? { outcome: 'fail', errorCode: '57P01', errorText: 'gone' } : { key: `1:${i}` }),
    );
    const path = write([all.slice(0, 20), all.slice(20)]);
    const whole = readFileSync(path);
    const unnoticed: number[] = [];
    for (let at = 0; at < whole.length; at += 9) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, bytes);
      let read: Operation[];
      try {
        read = [...readOperations(path)];
      } catch (error) {
        expect(String(error)).toMatch(/it is damaged (at|between) byte/);
        continue;
      }
      // Behind a length that leads past the end, the file looks cut off.
      expect(read).toEqual(all.slice(0, read.length));
      unnoticed.push(at);
    }
    expect(unnoticed.length).toBeLessThan(3);
  });

  test('a file of an earlier version, without checksums, is read', () => {
    const path = write([[operation(1)], [operation(2)]]);
    writeFileSync(path, withoutSeals(readFileSync(path)));
    expect([...readOperations(path)]).toEqual([operation(1), operation(2)]);
  });

  test.each([Number.NaN, -1, 1e15])('an operation due at %d is damage', (intendedAt) => {
    const path = write([[operation(1), operation(2, { intendedAt, sentAt: intendedAt, settledAt: intendedAt })]]);
    expect(() => readOperations(path, 1e9)).toThrow('its row with the id 2 is damaged');
  });

  test('an empty file is read as no operations', () => {
    expect([...readOperations(write([]))]).toEqual([]);
  });

  test('another kind of file is refused', () => {
    const path = join(folder, 'other.arrow');
    writeFileSync(path, 'id,kind\n1,read\n');
    expect(() => readOperations(path)).toThrow('it is damaged at byte 0');
  });

  test('no two runs write to one file', () => {
    const path = write([]);
    expect(() => new OperationsWriter(path, ROUTED)).toThrow(/EEXIST/);
  });
});
