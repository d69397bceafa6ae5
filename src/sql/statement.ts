/**
 * A statement under way. In place of `pg`'s own one, because that asks for a description of the rows every time:
 * of a named statement it is the same each time, and for a small answer it is a third of the work on both sides.
 */

import pg from 'pg';

export type Row = readonly unknown[];

type Parser = (text: string) => unknown;

/** What a query of `pg` is beyond its types. */
interface QueryOfPg extends pg.Submittable {
  text: string;
  name: string | undefined;
  values: readonly unknown[];
  /** Sends a statement that has a name or values. */
  prepare(connection: ConnectionOfPg): void;
}

interface ConnectionOfPg {
  describe(message: unknown): void;
}

const QueryOfPg = pg.Query as unknown as new (text: string) => QueryOfPg;

/** What is known of the named statements of one connection. */
export class Descriptions {
  /** For each name, how the values of its columns are read. */
  readonly #parsers = new Map<string, readonly Parser[]>();
  #undescribed: ConnectionOfPg | undefined;

  parsersOf(name: string | undefined): readonly Parser[] | undefined {
    return name === undefined ? undefined : this.#parsers.get(name);
  }

  keep(name: string | undefined, parsers: readonly Parser[]): void {
    if (name !== undefined) this.#parsers.set(name, parsers);
  }

  /** The same connection, on which no description is asked for. */
  without(connection: ConnectionOfPg): ConnectionOfPg {
    this.#undescribed ??= Object.assign(Object.create(connection) as ConnectionOfPg, { describe: () => undefined });
    return this.#undescribed;
  }
}

export interface StatementOptions {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Prepared once for each connection under this name. */
  readonly name?: string | undefined;
  /** Hears every row as it comes over the wire. */
  readonly onRow: (row: Row) => void;
  /** Called once. @param error the server's, the connection's, or what `onRow` threw. */
  readonly onEnd: (error?: unknown) => void;
}

/** To be handed to `query` of a client of `pg`. */
export class Statement extends QueryOfPg {
  readonly #descriptions: Descriptions;
  readonly #onRow: StatementOptions['onRow'];
  readonly #onEnd: StatementOptions['onEnd'];
  #parsers: readonly Parser[];
  #failure: { readonly error: unknown } | undefined;

  /** @param descriptions of the connection that it is sent on. */
  constructor({ text, values, name, onRow, onEnd }: StatementOptions, descriptions: Descriptions) {
    super(text);
    this.values = values;
    this.name = name;
    this.#descriptions = descriptions;
    this.#onRow = onRow;
    this.#onEnd = onEnd;
    this.#parsers = descriptions.parsersOf(name) ?? [];
  }

  override prepare(connection: ConnectionOfPg): void {
    const described = this.#descriptions.parsersOf(this.name) !== undefined;
    super.prepare(described ? this.#descriptions.without(connection) : connection);
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly dataTypeID: number }[] }): void {
    this.#parsers = fields.map(({ dataTypeID }) => pg.types.getTypeParser(dataTypeID, 'text') as Parser);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#failure) return;
    const row = fields.map((value, i) => (value === null ? null : (this.#parsers[i] as Parser)(value)));
    try {
      this.#onRow(row);
    } catch (error) {
      this.#failure = { error };
    }
  }

  handleCommandComplete(): void {
    this.#descriptions.keep(this.name, this.#parsers);
  }

  handleEmptyQuery(): void {}

  handleError(error: unknown): void {
    this.#onEnd(error);
  }

  handleReadyForQuery(): void {
    if (this.#failure) this.#onEnd(this.#failure.error);
    else this.#onEnd();
  }
}
