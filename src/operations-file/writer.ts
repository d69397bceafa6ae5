/** Writes operations as they settle, in batches: an Arrow stream, readable up to its end even after a crash. */

import { crc32 } from 'node:zlib';
import {
  AsyncByteQueue,
  type Data,
  type DataType,
  Float64,
  Int32,
  Message,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Struct,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import type { Files } from '../disk/files.ts';
import { filesIn } from '../disk/files-in.ts';
import type { OperationKind } from '../model/history.ts';
import { ABSENT, OperationTable, OUTCOMES } from '../model/operations.ts';
import { INTEGERS, OUTCOME_WORDS, ROUTE_WORDS, SCHEMA, WORDS } from './layout.ts';
import { ALIGNMENT, CONTINUATION, PREFIX_BYTES } from './messages.ts';
import { SEAL_BYTES, seal } from './seal.ts';

/** Gathers the dozens of parts of a batch into one system call. */
class FileSink extends AsyncByteQueue {
  readonly #write: (bytes: Uint8Array) => void;
  #parts: Uint8Array[] = [];

  constructor(write: (bytes: Uint8Array) => void) {
    super();
    this.#write = write;
  }

  override write(value: unknown): void {
    this.#parts.push(value as Uint8Array);
  }

  flush(): void {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#write(bytes);
  }
}

/** Seals every message. Keeps no list of them, as Arrow would for the footer of a file: it grows with the run. */
class StreamWriter extends RecordBatchStreamWriter {
  /** Of the last message, still in the sink. */
  #head = Buffer.alloc(0);
  #bodyChecksum: number | undefined;

  protected override _writeMessage(message: Message): this {
    const flatbuffer = Message.encode(message);
    const length = (flatbuffer.byteLength + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    this.#head = Buffer.alloc(PREFIX_BYTES + length + SEAL_BYTES);
    this.#head.writeUInt32LE(CONTINUATION, 0);
    this.#head.writeInt32LE(length + SEAL_BYTES, 4);
    this.#head.set(flatbuffer, PREFIX_BYTES);
    seal(this.#head);
    return this._write(this.#head);
  }

  protected override _writeBodyBuffers(buffers: ArrayBufferView[]): this {
    this.#bodyChecksum = 0;
    super._writeBodyBuffers(buffers);
    seal(this.#head, this.#bodyChecksum);
    this.#bodyChecksum = undefined;
    return this;
  }

  protected override _write(chunk: Uint8Array): this {
    // Of a body that is being written.
    if (this.#bodyChecksum !== undefined) this.#bodyChecksum = crc32(chunk, this.#bodyChecksum);
    return super._write(chunk);
  }
}

/** A batch costs as much, to write and to read, as some hundred operations. */
const BATCH_OPERATIONS = 4_096;
/** The initial capacity for waiting operations. */
const LEAST_WAITING = 64;

export class OperationsWriter implements Disposable {
  readonly #files: Files;
  readonly #file: number;
  readonly #sink: FileSink;
  readonly #writer: StreamWriter;
  readonly #kinds: readonly string[];
  readonly #kindWords: Vector<Utf8>;
  readonly #routeWords: Vector<Utf8>;
  /** For each kind, the index of its route in the words; -1 without one. */
  readonly #routeOfKind: Int8Array;
  readonly #outcomeWords = vectorFromArray([...OUTCOMES], new Utf8());
  /** Operations that are not in the file yet. */
  #waiting = new OperationTable();

  /**
   * @param path of a file that must not exist yet.
   * @param kinds all kinds of the operations, with their routes.
   */
  constructor(path: string, kinds: readonly Pick<OperationKind, 'name' | 'route'>[]) {
    this.#files = filesIn(path);
    this.#file = this.#files.open(path, 'wx');
    this.#kinds = kinds.map(({ name }) => name);
    this.#kindWords = vectorFromArray(this.#kinds, new Utf8());
    const routes = [...new Set(kinds.flatMap(({ route }) => route ?? []))];
    this.#routeWords = vectorFromArray(routes, new Utf8());
    this.#routeOfKind = Int8Array.from(kinds, ({ route }) => (route === undefined ? -1 : routes.indexOf(route)));
    this.#writer = new StreamWriter({ autoDestroy: false });
    this.#sink = new FileSink((bytes) => this.#files.write(this.#file, bytes));
    this.#writer.reset(this.#sink, SCHEMA);
    this.#sink.flush();
  }

  /**
   * Writes to the file once 4,096 operations wait, or on `flush`.
   * @throws Error for a kind that the constructor was not given.
   */
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

  /** Writes all waiting operations to the file. */
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

  /** Ends the stream, so that a reader knows that it is complete. */
  [Symbol.dispose](): void {
    try {
      this.flush();
      this.#writer.finish();
      this.#sink.flush();
    } finally {
      this.#files.close(this.#file);
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

/** @param of `undefined` if no row has a text. */
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
