/**
 * `operations.arrow`: the operations of a run, on disk as they settle. An Arrow IPC stream, which DuckDB,
 * pandas and Polars read. A crash loses what was not flushed, and nothing before it. The only file that imports
 * `apache-arrow`.
 *
 * Framing: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 */

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import {
  AsyncByteQueue,
  type Data,
  type DataType,
  Dictionary,
  Field,
  Float64,
  Int8,
  Int32,
  Message,
  makeData,
  RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import type { Anomaly, OperationKind } from './model/history.ts';
import {
  ABSENT,
  type Columns,
  ErrorList,
  type IntegerColumn,
  OperationTable,
  OUTCOMES,
  type TableData,
} from './model/operations.ts';
import { COLUMNS } from './version-1.ts';

export const OPERATIONS_FILE = 'operations.arrow';
/** The same, of the probes. */
export const PROBES_FILE = 'probes.arrow';
/** The same, of the witness; there where roles move. */
export const WITNESS_FILE = 'witness.arrow';
/** Of the layout below; in the schema's metadata as `pgquake.format`. */
export const OPERATIONS_FORMAT = '2';
/** Its columns have other names; all else is the same. */
const FORMAT_1 = '1';

/** Names in the file of the columns of whole numbers. */
const INTEGERS: readonly (readonly [column: IntegerColumn, name: string, nullable: boolean])[] = [
  ['id', 'id', false],
  ['sentAfterUs', 'sent_us', false],
  ['settledAfterUs', 'settled_us', false],
  ['partitionKey', 'partition_key', true],
  ['partition', 'partition', true],
  ['writer', 'writer', true],
  ['seq', 'seq', true],
  ['session', 'session', true],
  ['rows', 'rows', true],
  ['verified', 'verified', true],
];

/** Of one operation in the file: three words by number, the intended start, whole numbers, where three texts end. */
const LEAST_BYTES = 3 + 8 + 4 * (INTEGERS.length + 3);

const WORDS = new Dictionary(new Utf8(), new Int8(), 0);
const OUTCOME_WORDS = new Dictionary(new Utf8(), new Int8(), 1);

const ROUTE_WORDS = new Dictionary(new Utf8(), new Int8(), 2);

const SCHEMA = new Schema(
  [
    new Field('kind', WORDS, false),
    new Field('route', ROUTE_WORDS, true),
    new Field('outcome', OUTCOME_WORDS, false),
    new Field('intended_ms', new Float64(), false),
    ...INTEGERS.map(([, name, nullable]) => new Field(name, new Int32(), nullable)),
    new Field('error_code', new Utf8(), true),
    new Field('error_text', new Utf8(), true),
    new Field('anomaly', new Utf8(), true),
  ],
  new Map([['pgquake.format', OPERATIONS_FORMAT]]),
);

/** Gathers the parts of a batch, dozens of them, and writes them at once: each write is a call of the system. */
class FileSink extends AsyncByteQueue {
  readonly #file: number;
  #parts: Uint8Array[] = [];

  constructor(file: number) {
    super();
    this.#file = file;
  }

  override write(value: unknown): void {
    this.#parts.push(value as Uint8Array);
  }

  /** In the file when it returns. */
  flush(): void {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(this.#file, bytes, at);
  }
}

/** Keeps no list of what it has written, which grew with the run: a footer would need it, and a stream has none. */
class StreamWriter extends RecordBatchStreamWriter {
  protected override _writeRecordBatch(batch: RecordBatch): this {
    super._writeRecordBatch(batch);
    this._recordBatchBlocks.length = 0;
    return this;
  }
}

/** Each batch costs its readers and its writer as much as some hundred operations do. */
const BATCH_OPERATIONS = 4_096;
/** As many it holds without growing. */
const LEAST_WAITING = 64;

export class OperationsWriter implements Disposable {
  readonly #file: number;
  readonly #sink: FileSink;
  readonly #writer: StreamWriter;
  readonly #kinds: readonly string[];
  readonly #kindWords: Vector<Utf8>;
  readonly #routeWords: Vector<Utf8>;
  /** Of each kind, its route by its number in the words; -1 where it has none. */
  readonly #routeOfKind: Int8Array;
  readonly #outcomeWords = vectorFromArray([...OUTCOMES], new Utf8());
  /** Not in the file yet. */
  #waiting = new OperationTable();

  /**
   * @param path where no file is yet.
   * @param kinds all that the operations will have, by their names, and by which routes they go.
   */
  constructor(path: string, kinds: readonly Pick<OperationKind, 'name' | 'route'>[]) {
    this.#file = openSync(path, 'wx');
    this.#kinds = kinds.map(({ name }) => name);
    this.#kindWords = vectorFromArray(this.#kinds, new Utf8());
    const routes = [...new Set(kinds.flatMap(({ route }) => route ?? []))];
    this.#routeWords = vectorFromArray(routes, new Utf8());
    this.#routeOfKind = Int8Array.from(kinds, ({ route }) => (route === undefined ? -1 : routes.indexOf(route)));
    this.#writer = new StreamWriter({ autoDestroy: false });
    this.#sink = new FileSink(this.#file);
    this.#writer.reset(this.#sink, SCHEMA);
    this.#sink.flush();
  }

  /** In the file once 4,096 operations wait, or flushed. */
  write(table: OperationTable): void {
    const { kinds, count } = table.data;
    if (count === 0) return;
    const unknown = kinds.find((kind) => !this.#kinds.includes(kind));
    if (unknown !== undefined) throw new Error(`no kind of operation "${unknown}" was announced`);
    const { kinds: waiting } = this.#waiting.data;
    if (waiting.length !== kinds.length || waiting.some((kind, i) => kind !== kinds[i])) this.flush();
    this.#waiting.addAll(table.data);
    if (this.#waiting.count >= BATCH_OPERATIONS) this.flush();
  }

  /** All that was written is in the file when it returns. */
  flush(): void {
    const { kinds, count, columns, errors, anomalies } = this.#waiting.data;
    this.#waiting = new OperationTable([], Math.max(LEAST_WAITING, count));
    if (count === 0) return;
    const numberInFile = kinds.map((kind) => this.#kinds.indexOf(kind));
    const kindNumbers = columns.kind.slice(0, count).map((kind) => numberInFile[kind] as number);
    const texts = (of: (row: number) => string | undefined, some: boolean) => textColumn(count, some ? of : undefined);
    const errorOf = (row: number) => errors[columns.error[row] as number];
    const children: Data<DataType>[] = [
      makeData({ type: WORDS, length: count, data: new Int8Array(kindNumbers.buffer), dictionary: this.#kindWords }),
      this.#routeColumn(kindNumbers),
      makeData({
        type: OUTCOME_WORDS,
        length: count,
        data: new Int8Array(columns.outcome.slice(0, count).buffer),
        dictionary: this.#outcomeWords,
      }),
      makeData({ type: new Float64(), length: count, data: columns.intendedAt.subarray(0, count) }),
      ...INTEGERS.map(([column, , nullable]) => integerColumn(columns[column].subarray(0, count), nullable)),
      texts((row) => errorOf(row)?.code, errors.length > 0),
      texts((row) => errorOf(row)?.text, errors.length > 0),
      texts((row) => {
        const anomaly = anomalies.get(row);
        return anomaly && JSON.stringify(anomaly);
      }, anomalies.size > 0),
    ];
    const data = makeData({ type: new Struct(SCHEMA.fields), length: count, nullCount: 0, children });
    this.#writer.write(new RecordBatch(SCHEMA, data));
    this.#sink.flush();
  }

  #routeColumn(kindNumbers: Uint8Array): Data<DataType> {
    const data = Int8Array.from(kindNumbers, (kind) => this.#routeOfKind[kind] as number);
    const length = data.length;
    const nullBitmap = new Uint8Array((length + 7) >> 3);
    let nullCount = 0;
    for (let row = 0; row < length; row++) {
      if ((data[row] as number) < 0) {
        nullCount++;
        data[row] = 0;
      } else nullBitmap[row >> 3] = (nullBitmap[row >> 3] as number) | (1 << (row & 7));
    }
    return makeData({ type: ROUTE_WORDS, length, data, nullCount, nullBitmap, dictionary: this.#routeWords });
  }

  /** Ends the stream, so that a reader knows that nothing is missing. */
  [Symbol.dispose](): void {
    try {
      this.flush();
      this.#writer.finish();
      this.#sink.flush();
    } finally {
      closeSync(this.#file);
    }
  }
}

function integerColumn(values: Int32Array, nullable: boolean): Data<Int32> {
  const type = new Int32();
  if (!nullable) return makeData({ type, length: values.length, data: values });
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  let nullCount = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === ABSENT) nullCount++;
    else nullBitmap[i >> 3] = (nullBitmap[i >> 3] as number) | (1 << (i & 7));
  }
  return makeData({ type, length: values.length, data: values, nullCount, nullBitmap });
}

/** @param of `undefined` where no row has a text. */
function textColumn(count: number, of: ((row: number) => string | undefined) | undefined): Data<Utf8> {
  const texts = Array.from({ length: of ? count : 0 }, (_, row) => of?.(row) ?? null);
  if (of) return vectorFromArray(texts, new Utf8()).data[0] as Data<Utf8>;
  return makeData({
    type: new Utf8(),
    length: count,
    nullCount: count,
    nullBitmap: new Uint8Array((count + 7) >> 3),
    valueOffsets: new Int32Array(count + 1),
    data: new Uint8Array(0),
  });
}

/**
 * Reads the operations of a run back, in the order of their intended starts. Of a file that a crash cut off,
 * all that is whole.
 * @throws Error that says where the file is damaged.
 */
export function readOperations(path: string): OperationTable {
  const file = openSync(path, 'r');
  try {
    const reader = RecordBatchReader.from(messagesOf(file));
    // No more operations than that are in it; memory that is not written to costs nothing, growing copies all of it.
    const table = new OperationTable([], Math.ceil(fstatSync(file).size / LEAST_BYTES));
    reader.open();
    if (!reader.schema) throw new Error('it was cut off before its first operation');
    const format = reader.schema.metadata.get('pgquake.format');
    if (format !== OPERATIONS_FORMAT && format !== FORMAT_1) {
      throw new Error(`expected operations in format ${OPERATIONS_FORMAT}, found ${format ?? 'an unknown one'}`);
    }
    const placeOf = placesIn(reader.schema, format === FORMAT_1 ? COLUMNS : {});
    for (const batch of reader) table.addAll(tableData(batch, placeOf));
    table.sort();
    return table;
  } finally {
    closeSync(file);
  }
}

/**
 * Where the file has each column; asked once, because a file has thousands of batches.
 * @param names under which it has columns, where they are others than now.
 */
function placesIn({ fields }: Schema, names: Readonly<Record<string, string>>): (name: string) => number {
  const places = new Map(fields.map(({ name }, place) => [name, place]));
  return (name) => {
    const place = places.get(names[name] ?? name);
    if (place === undefined) throw new Error(`it has no column "${name}"`);
    return place;
  };
}

function tableData(batch: RecordBatch, placeOf: (name: string) => number): TableData {
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
    if (!known || (id[row] as number) < 1) throw new Error(`its row with the id ${id[row]} is damaged`);
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

const CONTINUATION = 0xffff_ffff;
const PREFIX_BYTES = 8;

/**
 * Every whole message of the stream, with its prefix; stops where the file ends, be it inside a message. A batch of
 * operations is valid until the next message but one is asked for: Arrow asks for one ahead.
 */
function* messagesOf(file: number): Generator<Uint8Array> {
  const size = fstatSync(file).size;
  if (size === 0) throw new Error('it is empty');
  const blocks = new Blocks(file);
  for (let at = 0; at + PREFIX_BYTES <= size; ) {
    const prefix = blocks.read(at, PREFIX_BYTES);
    if (!prefix) return;
    if (prefix.readUInt32LE(0) !== CONTINUATION) throw new Error(`it is damaged at byte ${at}`);
    const headLength = prefix.readInt32LE(4);
    if (headLength === 0) return;
    if (headLength < 0 || headLength > 1 << 24) throw new Error(`it is damaged at byte ${at + 4}`);
    const head = at + PREFIX_BYTES + headLength > size ? undefined : blocks.read(at + PREFIX_BYTES, headLength);
    if (!head) return;
    const { bodyLength, isBatch } = headOf(head, at);
    const end = at + PREFIX_BYTES + headLength + bodyLength;
    const whole = end > size ? undefined : blocks.read(at, end - at);
    if (!whole) return;
    // The words of the kinds are kept by the reader.
    yield isBatch ? whole : Uint8Array.from(whole);
    at = end;
  }
}

const BLOCK_BYTES = 1 << 20;
/** Of buffers in a message: their readers take 64-bit numbers where they lie. */
const ALIGNMENT = 8;

/** A file in large pieces: each call of the system costs more than the few kilobytes of a message. */
class Blocks {
  readonly #file: number;
  /**
   * In turn, as memory that was never used costs more than reading does. Three: a message that is longer than one
   * takes two, and the message before it must stay.
   */
  readonly #pieces = Array.from({ length: 3 }, () => Buffer.allocUnsafeSlow(BLOCK_BYTES));
  #turn = 0;
  /** What has been read of the piece whose turn it is. */
  #block = Buffer.alloc(0);
  #from = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** @returns `undefined` where the file ends before. Valid until the message after the next is read. */
  read(at: number, length: number): Buffer | undefined {
    if (at < this.#from || at + length > this.#from + this.#block.length) this.#load(at, length);
    const from = at - this.#from;
    return from + length > this.#block.length ? undefined : this.#block.subarray(from, from + length);
  }

  #load(at: number, length: number): void {
    const from = at - (at % ALIGNMENT);
    const needed = at - from + length;
    this.#turn = (this.#turn + 1) % this.#pieces.length;
    let bytes = this.#pieces[this.#turn] as Buffer<ArrayBuffer>;
    if (needed > bytes.length) {
      bytes = Buffer.allocUnsafeSlow(needed);
      this.#pieces[this.#turn] = bytes;
    }
    let filled = 0;
    while (filled < bytes.length) {
      const got = readSync(this.#file, bytes, filled, bytes.length - filled, from + filled);
      if (got === 0) break;
      filled += got;
    }
    this.#block = bytes.subarray(0, filled);
    this.#from = from;
  }
}

function headOf(head: Uint8Array, at: number): { readonly bodyLength: number; readonly isBatch: boolean } {
  let message: Message;
  try {
    message = Message.decode(head);
  } catch (error) {
    throw new Error(`it is damaged at byte ${at}`, { cause: error });
  }
  const { bodyLength } = message;
  if (!Number.isSafeInteger(bodyLength) || bodyLength < 0) throw new Error(`it is damaged at byte ${at}`);
  return { bodyLength, isBatch: message.isRecordBatch() };
}
