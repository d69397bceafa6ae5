/**
 * A statement under way. In place of `pg`'s own one, which leaves far more behind: it is an event emitter with a
 * result to be filled, sends five messages one by one, and asks for a description of the rows every time, though for
 * a named statement it is the same each time. With small answers that is half of the work.
 */

import type pg from 'pg';
import { serialize } from 'pg-protocol';
import { Query, types } from './driver.ts';
import { prepareValue } from './driver-values.ts';

export type Row = readonly unknown[];

type Parser = (text: string) => unknown;

/** What a connection of `pg` is beyond its types. */
interface ConnectionOfPg extends pg.Connection {
  /** By name, the text of what the server has prepared, and of what it was asked to. */
  readonly parsedStatements: Record<string, string | undefined>;
  readonly submittedNamedStatements: Record<string, string | undefined>;
}

const DESCRIBE = serialize.describe({ type: 'P' });
/** Of the unnamed portal, to its end; then the answers. */
const EXECUTE_AND_SYNC = Buffer.concat([serialize.execute(), serialize.sync()]);

/** How the values of the columns are read, for each named statement of one connection. */
export type Descriptions = Map<string, readonly Parser[]>;

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

  /** @returns what is wrong with it, where nothing was sent. */
  submit(connection: pg.Connection): Error | null {
    const { text, name } = this;
    if (name === undefined && this.#values.length === 0) {
      connection.query(text);
      return null;
    }
    try {
      // In one packet, else each would be one of its own.
      const packet = Buffer.concat(this.#messages(connection as ConnectionOfPg));
      // What cannot be sent any more ends with its connection.
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
    // Of what returns no rows there is no description.
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

// What is asked of it besides, and that it may be pipelined: `pg` tells its own statements by their class.
Object.setPrototypeOf(Statement.prototype, Query.prototype);
