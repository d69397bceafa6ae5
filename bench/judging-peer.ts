/** The peer of judging: DuckDB answers the same questions in SQL, on a table made from the same operations. */

import { join } from 'node:path';
import { DOUBLE, DuckDBDataChunk, DuckDBInstance, INTEGER, UTINYINT } from '@duckdb/node-api';
import { ABSENT, OUTCOMES } from '../src/model/operations.ts';
import { OPERATIONS_FILE, readOperations } from '../src/operations-file.ts';
import { peakMb } from './machine.ts';

/** Of DuckDB: rows of a chunk. */
const CHUNK = 2_048;
const DATABASE = 'operations.duckdb';

const TYPES = [UTINYINT, UTINYINT, DOUBLE, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER];
const COLUMNS = [
  'kind',
  'outcome',
  'intendedAt',
  'settledAfterUs',
  'partitionKey',
  'partition',
  'writer',
  'seq',
  'rows',
  'verified',
] as const;

/**
 * DuckDB reads Arrow streams by an extension from the network alone. A table of its own is the better start for it, and
 * making it is not timed.
 */
export async function prepareDuck(folder: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(folder, DATABASE));
  const connection = await instance.connect();
  try {
    await connection.run(`
      CREATE TABLE operations (
        kind utinyint, outcome utinyint, intended_ms double, settled_us int, partition_key int, partition int,
        writer int, seq int, rows_read int, verified int)`);
    const { count, columns } = readOperations(join(folder, OPERATIONS_FILE)).data;
    const appender = await connection.createAppender('operations');
    for (let from = 0; from < count; from += CHUNK) {
      const to = Math.min(count, from + CHUNK);
      const chunk = DuckDBDataChunk.create(TYPES, to - from);
      for (const [i, name] of COLUMNS.entries()) {
        chunk.setColumnValues(
          i,
          Array.from(columns[name].subarray(from, to), (n) => (n === ABSENT ? null : n)),
        );
      }
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const FAILED = `outcome <> ${OUTCOMES.indexOf('ok')}`;
const ACKNOWLEDGED = `kind = 1 AND NOT (${FAILED})`;

/** What the final read found: each writer's first and last number. */
const questions = (writes: number): Readonly<Record<string, string>> => ({
  lost: `SELECT count(*) FROM operations WHERE ${ACKNOWLEDGED} AND NOT (writer = 1 AND seq BETWEEN 1 AND ${writes})`,
  duplicate: `SELECT count(*) FROM (SELECT 1 FROM operations WHERE ${ACKNOWLEDGED} GROUP BY writer, seq HAVING count(*) > 1)`,
  stale: `SELECT count(*) FROM operations WHERE kind = 0 AND NOT (${FAILED}) AND verified < rows_read`,
  windows: `
    WITH runs AS (
      SELECT kind, partition, intended_ms, settled_us, ${FAILED} AS failed,
        row_number() OVER (PARTITION BY kind, partition ORDER BY intended_ms)
        - row_number() OVER (PARTITION BY kind, partition, ${FAILED} ORDER BY intended_ms) AS run
      FROM operations)
    SELECT count(*) FROM (
      SELECT min(intended_ms), max(intended_ms + settled_us / 1000) FROM runs WHERE failed GROUP BY kind, partition, run)`,
  percentiles: `
    SELECT kind, approx_quantile(settled_us, [0.5, 0.95, 0.99, 0.999]), max(settled_us)
    FROM operations WHERE NOT (${FAILED}) GROUP BY kind`,
  availability: `
    SELECT kind, floor(intended_ms / 1000) AS second, count(*), count(*) FILTER (WHERE ${FAILED})
    FROM operations GROUP BY kind, second`,
  readable: `
    SELECT min(keys) FROM (
      SELECT floor(intended_ms / 1000) AS second, count(DISTINCT partition_key) AS keys
      FROM operations WHERE kind = 0 AND NOT (${FAILED}) GROUP BY second)`,
});

export interface Answered {
  readonly seconds: number;
  readonly residentMb: number;
}

/** In a process of its own. @throws where an answer is another than that of a run without findings. */
export async function answerByDuck(folder: string, operations: number): Promise<Answered> {
  const began = performance.now();
  const instance = await DuckDBInstance.create(join(folder, DATABASE));
  const connection = await instance.connect();
  for (const [name, sql] of Object.entries(questions(operations / 2))) {
    const rows = (await connection.runAndReadAll(sql)).getRows();
    if (rows.length === 0) throw new Error(`${name}: no answer`);
    if (['lost', 'duplicate', 'stale', 'windows'].includes(name) && Number(rows[0]?.[0]) !== 0) {
      throw new Error(`${name}: ${rows[0]?.[0]}`);
    }
  }
  return { seconds: (performance.now() - began) / 1_000, residentMb: peakMb() };
}
