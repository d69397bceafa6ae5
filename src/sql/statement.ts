/**
 * A statement for `pg`, faster than its own, which is an event emitter with a result object, sends five messages one by
 * one, and asks for a description of the rows every time. With small answers that is half of the work.
 */

import type pg from 'pg';
import { serialize } from 'pg-protocol';
import { Query, types } from './driver.ts';
import { prepareValue } from './driver-values.ts';

export type Row = readonly unknown[];

type Parser = (text: string) => unknown;

/** Fields of a `pg` connection that its types lack. */
interface ConnectionOfPg extends pg.Connection {
  /** Text by name: of statements that the server has prepared, and of those that it was asked to prepare. */
  readonly parsedStatements: Record<string, string | undefined>;
  readonly submittedNamedStatements: Record<string, string | undefined>;
}

const DESCRIBE = serialize.describe({ type: 'P' });
/** Execute the unnamed portal to its end, then flush the answers. */
const EXECUTE_AND_SYNC = Buffer.concat([serialize.execute(), serialize.sync()]);

/** Parsers of the columns, for each named statement of a connection. */
export type Descriptions = Map<string, readonly Parser[]>;

export interface StatementOptions {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Prepared once for each connection under this name. */
  readonly name?: string | undefined;
  /** Receives every row as it arrives. */
  readonly onRow: (row: Row) => void;
  /** Called once. @param error of the server, of the connection, or thrown by `onRow`. */
  readonly onEnd: (error?: unknown) => void;
}

/** To pass to `query` of a `pg` client. */
export class Statement implements pg.Submittable {
  readonly text: string;
  readonly name: string | undefined;
  readonly #values: readonly unknown[];
  readonly #descriptions: Descriptions;
  readonly #onRow: StatementOptions['onRow'];
  readonly #onEnd: StatementOptions['onEnd'];
  #parsers: readonly Parser[] | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param descriptions of the connection that it is sent on. */
  constructor({ text, values, name, onRow, onEnd }: StatementOptions, descriptions: Descriptions) {
    this.text = text;
    this.name = name;
    this.#values = values;
    this.#descriptions = descriptions;
    this.#onRow = onRow;
    this.#onEnd = onEnd;
    if (name !== undefined) this.#parsers = descriptions.get(name);
  }

  /** @returns the problem, if nothing was sent. */
  submit(connection: pg.Connection): Error | null {
    const { text, name } = this;
    if (name === undefined && this.#values.length === 0) {
      connection.query(text);
      return null;
    }
    try {
      // One packet instead of four.
      const packet = Buffer.concat(this.#messages(connection as ConnectionOfPg));
      // On a dead connection, the statement ends with it.
      if (connection.stream.writable) connection.stream.write(packet);
    } catch (error) {
      return error as Error;
    }
    return null;
  }

  #messages({ parsedStatements, submittedNamedStatements }: ConnectionOfPg): Buffer[] {
    const { text, name = '' } = this;
    const prepared = name === '' ? undefined : (parsedStatements[name] ?? submittedNamedStatements[name]);
    if (prepared !== undefined && prepared !== text) {
      throw new Error(`"${name}" is the name of another statement on this connection`);
    }
    const bind = serialize.bind({ statement: name, values: this.#values as unknown[], valueMapper: prepareValue });
    if (prepared === undefined) {
      if (name !== '') submittedNamedStatements[name] = text;
      return [serialize.parse({ name, text, types: [] }), bind, DESCRIBE, EXECUTE_AND_SYNC];
    }
    return this.#parsers ? [bind, EXECUTE_AND_SYNC] : [bind, DESCRIBE, EXECUTE_AND_SYNC];
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly dataTypeID: number }[] }): void {
    this.#parsers = fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID, 'text') as Parser);
    if (this.name !== undefined) this.#descriptions.set(this.name, this.#parsers);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#failure) return;
    const parsers = this.#parsers as readonly Parser[];
    const row = fields.map((value, i) => (value === null ? null : (parsers[i] as Parser)(value)));
    try {
      this.#onRow(row);
    } catch (error) {
      this.#failure = { error };
    }
  }

  handleCommandComplete(): void {
    // A statement without rows gets no description.
    if (this.name !== undefined && !this.#parsers) this.#descriptions.set(this.name, []);
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

// Inherit the rest, and pipelining: `pg` recognizes its own statements by their class.
Object.setPrototypeOf(Statement.prototype, Query.prototype);
