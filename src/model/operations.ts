/**
 * The operations of a run as columns. As objects, millions of operations would take ten times the memory, and passing
 * them between threads would copy each.
 *
 * A missing number is -1 in its column. Times are the intended start in milliseconds and, counted from it, the
 * microseconds until sent and until settled.
 */

import type { Anomaly, Operation, OperationLog, Outcome } from './history.ts';
import { formatKey, parseKey } from './key-ranges.ts';

/** The outcomes, in the order of their numbers in the column. */
export const OUTCOMES: readonly Outcome[] = ['ok', 'fail', 'unknown', 'unsent'];

export const OK = OUTCOMES.indexOf('ok');
export const UNSENT = OUTCOMES.indexOf('unsent');

export const ABSENT = -1;

const INTEGER_COLUMNS = [
  'id',
  'sentAfterUs',
  'settledAfterUs',
  'partitionKey',
  'partition',
  'writer',
  'seq',
  'session',
  'rows',
  'verified',
] as const;

export type IntegerColumn = (typeof INTEGER_COLUMNS)[number];

/** Columns of one length, in the order in which the operations were added. */
export type Columns = { -readonly [C in IntegerColumn]: Int32Array } & {
  intendedAt: Float64Array;
  /** Index into the table's kinds. */
  kind: Uint8Array;
  /** Index into `OUTCOMES`. */
  outcome: Uint8Array;
  /** Index into the table's errors. */
  error: Int32Array;
};

export interface OperationError {
  readonly code: string;
  readonly text?: string;
}

/** Numbered errors, each once. */
export class ErrorList {
  readonly list: OperationError[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(errors: Iterable<OperationError> = []) {
    for (const error of errors) this.numberOf(error);
  }

  /** Adds the error if it is new. */
  numberOf(error: OperationError): number {
    const { code, text } = error;
    const key = text === undefined ? code : `${code}\0${text}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.list.push(error) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}

/** A table as plain data, to pass to another thread. */
export interface TableData {
  readonly kinds: readonly string[];
  readonly count: number;
  readonly columns: Columns;
  /** Each once: millions of operations may fail alike. */
  readonly errors: readonly OperationError[];
  /** By row; few operations have one. */
  readonly anomalies: Map<number, Anomaly>;
}

/** A view of one operation in its table. `scan` moves one row object on: copy what you keep. */
export class OperationRow implements Operation {
  readonly #table: TableData;
  readonly #columns: Columns;
  /** The row; `scan` sets it. */
  index = 0;

  constructor(table: TableData) {
    this.#table = table;
    this.#columns = table.columns;
  }

  get id(): number {
    return this.#columns.id[this.index] as number;
  }

  get kind(): string {
    return this.#table.kinds[this.#columns.kind[this.index] as number] as string;
  }

  get outcome(): Outcome {
    return OUTCOMES[this.#columns.outcome[this.index] as number] as Outcome;
  }

  get intendedAt(): number {
    return this.#columns.intendedAt[this.index] as number;
  }

  get sentAt(): number {
    return this.intendedAt + (this.#columns.sentAfterUs[this.index] as number) / 1_000;
  }

  get settledAt(): number {
    return this.intendedAt + (this.#columns.settledAfterUs[this.index] as number) / 1_000;
  }

  /** From the intended start until settled. */
  get latencyMs(): number {
    return (this.#columns.settledAfterUs[this.index] as number) / 1_000;
  }

  get partitionKey(): number | undefined {
    return present(this.#columns.partitionKey[this.index]);
  }

  get partition(): number | undefined {
    return present(this.#columns.partition[this.index]);
  }

  /** Of the key. */
  get writer(): number | undefined {
    return present(this.#columns.writer[this.index]);
  }

  /** Of the key. */
  get seq(): number | undefined {
    return present(this.#columns.seq[this.index]);
  }

  get key(): string | undefined {
    const { writer, seq } = this;
    return writer === undefined || seq === undefined ? undefined : formatKey(writer, seq);
  }

  get session(): number | undefined {
    return present(this.#columns.session[this.index]);
  }

  get rows(): number | undefined {
    return present(this.#columns.rows[this.index]);
  }

  get verified(): number | undefined {
    return present(this.#columns.verified[this.index]);
  }

  get errorCode(): string | undefined {
    return this.#error?.code;
  }

  get errorText(): string | undefined {
    return this.#error?.text;
  }

  get #error(): OperationError | undefined {
    return this.#table.errors[this.#columns.error[this.index] as number];
  }

  get anomaly(): Anomaly | undefined {
    return this.#table.anomalies.size === 0 ? undefined : this.#table.anomalies.get(this.index);
  }

  /** A copy as a plain value, without absent fields. */
  copy(): Operation {
    const { id, kind, partitionKey, partition, intendedAt, sentAt, settledAt, outcome } = this;
    const { errorCode, errorText, key, session, rows, verified, anomaly } = this;
    return {
      id,
      kind,
      ...(partitionKey === undefined ? {} : { partitionKey }),
      ...(partition === undefined ? {} : { partition }),
      intendedAt,
      sentAt,
      settledAt,
      outcome,
      ...(errorCode === undefined ? {} : { errorCode }),
      ...(errorText === undefined ? {} : { errorText }),
      ...(key === undefined ? {} : { key }),
      ...(session === undefined ? {} : { session }),
      ...(rows === undefined ? {} : { rows }),
      ...(verified === undefined ? {} : { verified }),
      ...(anomaly === undefined ? {} : { anomaly }),
    };
  }
}

function present(value: number | undefined): number | undefined {
  return value === ABSENT ? undefined : value;
}

/** Operations in the order in which they were added; the load adds them as they settle. */
export class OperationTable implements OperationLog {
  readonly #data: { -readonly [K in keyof TableData]: TableData[K] };
  #errors = new ErrorList();
  #capacity: number;

  /** @param kinds names of the kinds; others are added as they appear, up to 256. */
  constructor(kinds: readonly string[] = [], capacity = 1_024) {
    this.#capacity = capacity;
    this.#data = {
      kinds: [...kinds],
      count: 0,
      columns: emptyColumns(capacity),
      errors: this.#errors.list,
      anomalies: new Map(),
    };
  }

  /** A table around data from another thread. */
  static from(data: TableData): OperationTable {
    const table = new OperationTable([], 0);
    table.#errors = new ErrorList(data.errors);
    Object.assign(table.#data, data, { errors: table.#errors.list });
    table.#capacity = data.columns.id.length;
    return table;
  }

  /** A table sorted by intended start. */
  static inOrder(operations: Iterable<Operation>): OperationTable {
    const table = new OperationTable();
    for (const operation of operations) table.add(operation);
    table.sort();
    return table;
  }

  get count(): number {
    return this.#data.count;
  }

  get data(): TableData {
    return this.#data;
  }

  add(operation: Operation): void {
    const row = this.#grow(1);
    const { columns, anomalies } = this.#data;
    const { intendedAt, sentAt, settledAt, key, errorCode: code, errorText: text } = operation;
    columns.id[row] = operation.id;
    columns.kind[row] = this.#kindIndex(operation.kind);
    columns.outcome[row] = OUTCOMES.indexOf(operation.outcome);
    columns.intendedAt[row] = intendedAt;
    columns.sentAfterUs[row] = Math.round((sentAt - intendedAt) * 1_000);
    columns.settledAfterUs[row] = Math.round((settledAt - intendedAt) * 1_000);
    columns.partitionKey[row] = operation.partitionKey ?? ABSENT;
    columns.partition[row] = operation.partition ?? ABSENT;
    const parsed = key === undefined ? undefined : parseKey(key);
    columns.writer[row] = parsed?.writer ?? ABSENT;
    columns.seq[row] = parsed?.seq ?? ABSENT;
    columns.session[row] = operation.session ?? ABSENT;
    columns.rows[row] = operation.rows ?? ABSENT;
    columns.verified[row] = operation.verified ?? ABSENT;
    columns.error[row] =
      code === undefined ? ABSENT : this.#errors.numberOf({ code, ...(text === undefined ? {} : { text }) });
    if (operation.anomaly) anomalies.set(row, operation.anomaly);
  }

  /** Adds all operations of a table that has the same kinds. */
  addAll({ kinds, count, columns, errors, anomalies }: TableData): void {
    if (this.#data.count === 0) this.#data.kinds = kinds;
    else if (kinds.some((kind, i) => kind !== this.#data.kinds[i])) throw new Error('the tables have different kinds');
    const at = this.#grow(count);
    const own = this.#data;
    for (const name of COLUMNS) own.columns[name].set(columns[name].subarray(0, count), at);
    const numbers = errors.map((error) => this.#errors.numberOf(error));
    if (numbers.length > 0) {
      for (let row = at; row < at + count; row++) {
        own.columns.error[row] = numbers[own.columns.error[row] as number] ?? ABSENT;
      }
    }
    for (const [row, anomaly] of anomalies) own.anomalies.set(at + row, anomaly);
  }

  /** Sorts by intended start, then by id. */
  sort(): void {
    if (this.#isSorted()) return;
    this.#reorder(this.#orderById());
    // The load numbers operations by intended start; others may not.
    if (!this.#isSorted()) this.#reorder(this.#orderByStart());
  }

  /** Iterates with one row object that moves on: copy what you keep. */
  scan(): Iterable<OperationRow> {
    const data = this.#data;
    return {
      [Symbol.iterator]() {
        const row = new OperationRow(data);
        row.index = -1;
        const result: IteratorYieldResult<OperationRow> = { done: false, value: row };
        return { next: () => (++row.index < data.count ? result : END) };
      },
    };
  }

  /** Yields a new object for each operation. */
  *[Symbol.iterator](): Generator<Operation> {
    for (const row of this.scan()) yield row.copy();
  }

  #isSorted(): boolean {
    const { count, columns } = this.#data;
    const { intendedAt, id } = columns;
    for (let i = 1; i < count; i++) {
      const step = (intendedAt[i] as number) - (intendedAt[i - 1] as number);
      if (step < 0 || (step === 0 && (id[i] as number) < (id[i - 1] as number))) return false;
    }
    return true;
  }

  #orderById(): Uint32Array {
    const { count } = this.#data;
    const id = this.#data.columns.id.subarray(0, count);
    let most = 0;
    for (const one of id) if (one > most) most = one;
    if (most > 2 * count + 1_024) return this.#orderByStart();
    const rowOfId = new Uint32Array(most + 1).fill(0xffff_ffff);
    id.forEach((one, row) => {
      rowOfId[one] = row;
    });
    const order = new Uint32Array(count);
    let next = 0;
    for (const row of rowOfId) if (row !== 0xffff_ffff) order[next++] = row;
    return next === count ? order : this.#orderByStart();
  }

  #orderByStart(): Uint32Array {
    const { count, columns } = this.#data;
    const { intendedAt, id } = columns;
    return Uint32Array.from({ length: count }, (_, row) => row).sort(
      (a, b) => (intendedAt[a] as number) - (intendedAt[b] as number) || (id[a] as number) - (id[b] as number) || a - b,
    );
  }

  /** @param order for each place, the row that belongs there. */
  #reorder(order: Uint32Array): void {
    const data = this.#data;
    for (const name of COLUMNS) {
      const from = data.columns[name];
      const to = new (from.constructor as typeof Int32Array)(from.length);
      for (let i = 0; i < order.length; i++) to[i] = from[order[i] as number] as number;
      Object.assign(data.columns, { [name]: to });
    }
    if (data.anomalies.size === 0) return;
    const placeOf = new Uint32Array(order.length);
    order.forEach((row, place) => {
      placeOf[row] = place;
    });
    const anomalies = [...data.anomalies];
    data.anomalies.clear();
    for (const [row, anomaly] of anomalies) data.anomalies.set(placeOf[row] as number, anomaly);
  }

  /** @returns the first of `count` new rows. */
  #grow(count: number): number {
    const data = this.#data;
    const at = data.count;
    const needed = at + count;
    if (needed > this.#capacity) {
      this.#capacity = Math.max(needed, 2 * this.#capacity);
      for (const name of COLUMNS) {
        const from = data.columns[name];
        const to = new (from.constructor as typeof Int32Array)(this.#capacity);
        to.set(from as Int32Array);
        Object.assign(data.columns, { [name]: to });
      }
    }
    data.count = needed;
    return at;
  }

  #kindIndex(kind: string): number {
    const { kinds } = this.#data;
    const index = kinds.indexOf(kind);
    if (index >= 0) return index;
    this.#data.kinds = [...kinds, kind];
    return kinds.length;
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

export const COLUMNS = [...INTEGER_COLUMNS, 'intendedAt', 'kind', 'outcome', 'error'] as const;

function emptyColumns(capacity: number): Columns {
  const integers = Object.fromEntries(INTEGER_COLUMNS.map((name) => [name, new Int32Array(capacity)]));
  return {
    ...(integers as Record<IntegerColumn, Int32Array>),
    intendedAt: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    outcome: new Uint8Array(capacity),
    error: new Int32Array(capacity),
  };
}
