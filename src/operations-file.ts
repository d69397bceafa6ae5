/**
 * `operations.arrow`: the operations of a run, written as they settle, as an Arrow IPC stream that DuckDB, pandas and
 * Polars read. A crash loses only what was not flushed. Only this file and its folder import `apache-arrow`.
 */

import { closeSync, fstatSync, openSync } from 'node:fs';
import { type Data, type RecordBatch, RecordBatchReader, type Schema, type Utf8, Vector } from 'apache-arrow';
import type { Anomaly } from './model/history.ts';
import {
  ABSENT,
  type Columns,
  ErrorList,
  type IntegerColumn,
  OperationTable,
  OUTCOMES,
  type TableData,
} from './model/operations.ts';
import { INTEGERS, OPERATIONS_FORMAT } from './operations-file/layout.ts';
import { messagesOf } from './operations-file/messages.ts';
import { refuseUnlessRegular } from './regular-file.ts';
import { COLUMNS } from './version-1.ts';

export { OperationsWriter } from './operations-file/writer.ts';

export const OPERATIONS_FILE = 'operations.arrow';
/** The same for the probes. */
export const PROBES_FILE = 'probes.arrow';
/** The same for the witness; it exists only where roles move. */
export const WITNESS_FILE = 'witness.arrow';
/** The previous format: only the names of its columns differ. */
const FORMAT_1 = '1';

/** The least size of an operation: three words by number, the intended start, integers, the ends of three texts. */
const LEAST_BYTES = 3 + 8 + 4 * (INTEGERS.length + 3);

/**
 * Reads the operations of a run, in the order of their intended starts. From a file that a crash cut off it reads all
 * that is whole.
 * @param untilMs when the last one may have been due.
 * @throws Error that says where the file is damaged.
 */
export function readOperations(path: string, untilMs = Number.POSITIVE_INFINITY): OperationTable {
  refuseUnlessRegular(path);
  const file = openSync(path, 'r');
  try {
    const reader = RecordBatchReader.from(messagesOf(file));
    // An upper bound: unused memory costs nothing, while growing the table would copy all of it.
    const table = new OperationTable([], Math.ceil(fstatSync(file).size / LEAST_BYTES));
    reader.open();
    if (!reader.schema) throw new Error('it was cut off before its first operation');
    const format = reader.schema.metadata.get('pgquake.format');
    if (format !== OPERATIONS_FORMAT && format !== FORMAT_1) {
      throw new Error(`expected operations in format ${OPERATIONS_FORMAT}, found ${format ?? 'an unknown one'}`);
    }
    const placeOf = placesIn(reader.schema, format === FORMAT_1 ? COLUMNS : {});
    for (const batch of reader) table.addAll(tableData(batch, placeOf, untilMs));
    table.sort();
    return table;
  } finally {
    closeSync(file);
  }
}

/**
 * Finds each column's place once, because a file has thousands of batches.
 * @param names of columns that are called otherwise in this file.
 */
function placesIn({ fields }: Schema, names: Readonly<Record<string, string>>): (name: string) => number {
  const places = new Map(fields.map(({ name }, place) => [name, place]));
  return (name) => {
    const place = places.get(names[name] ?? name);
    if (place === undefined) throw new Error(`it has no column "${name}"`);
    return place;
  };
}

function tableData(batch: RecordBatch, placeOf: (name: string) => number, untilMs: number): TableData {
  const count = batch.numRows;
  const column = (name: string) => batch.data.children[placeOf(name)] as Data;
  const values = (name: string) => column(name).values;
  const integers = Object.fromEntries(
    INTEGERS.map(([name, inFile]) => [name, values(inFile) as Int32Array] as const),
  ) as Record<IntegerColumn, Int32Array>;
  const kindColumn = column('kind');
  const kinds = [...((kindColumn.dictionary as Vector<Utf8>) ?? [])] as string[];
  const numbers = (name: string) => {
    const { buffer, byteOffset } = values(name) as Int8Array;
    return new Uint8Array(buffer, byteOffset, count);
  };
  const [kind, outcome] = [numbers('kind'), numbers('outcome')];
  const intendedAt = values('intended_ms') as Float64Array;
  const columns: Columns = { ...integers, intendedAt, kind, outcome, error: new Int32Array(count).fill(ABSENT) };
  const { id } = integers;
  for (let row = 0; row < count; row++) {
    const known = (kind[row] as number) < kinds.length && (outcome[row] as number) < OUTCOMES.length;
    const dueMs = intendedAt[row] as number;
    // Of what is not a number, too.
    const timely = dueMs >= 0 && dueMs <= untilMs;
    if (!known || !timely || (id[row] as number) < 1) throw new Error(`its row with the id ${id[row]} is damaged`);
  }
  const errors = new ErrorList();
  if (column('error_code').nullCount < count) {
    const codes = new Vector([column('error_code')]);
    const texts = new Vector([column('error_text')]);
    for (let row = 0; row < count; row++) {
      const code = codes.get(row) as string | null;
      const text = texts.get(row) as string | null;
      if (code !== null) columns.error[row] = errors.numberOf({ code, ...(text === null ? {} : { text }) });
    }
  }
  const anomalies = new Map<number, Anomaly>();
  if (column('anomaly').nullCount < count) {
    const stored = new Vector([column('anomaly')]);
    for (let row = 0; row < count; row++) {
      const text = stored.get(row) as string | null;
      if (text !== null) anomalies.set(row, JSON.parse(text) as Anomaly);
    }
  }
  return { kinds, count, columns, errors: errors.list, anomalies };
}
