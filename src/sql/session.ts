/** One connection to one server. */

import { Socket } from 'node:net';
import type pg from 'pg';
import type { Address } from '../model/address.ts';
import { atMost } from '../model/at-most.ts';
import { noteAsked } from './asked.ts';
import { newClient } from './driver.ts';
import { type Descriptions, type Row, Statement } from './statement.ts';

export type { Row };

export interface SessionOptions {
  /** In milliseconds. */
  readonly connectTimeoutMs: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Sent in the start-up packet, `statement_timeout` -> `2000`. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * End the session once the server refuses a statement because it is read-only (25006): another server takes writes by
   * then. False by default.
   */
  readonly endsReadOnly?: boolean;
  /**
   * Send statements without waiting for earlier answers; for throughput, never where latency counts. False by default.
   */
  readonly pipeline?: boolean;
}

export interface QueryOptions {
  /** The name of a prepared statement; prepared once for each connection. */
  readonly name?: string | undefined;
  /** In milliseconds; after that the connection is discarded, because the server may still be working. */
  readonly timeoutMs?: number | undefined;
}

/** An operation reached its time limit. `code` is `deadline`. */
export class DeadlineError extends Error {
  readonly code = 'deadline';

  constructor(timeoutMs: number) {
    super(`no answer within ${Math.round(timeoutMs)} ms`);
    this.name = 'DeadlineError';
  }
}

/** A write in a read-only transaction, as on a standby. */
const READ_ONLY = '25006';

/** Shared by all connections of a thread: data is copied out at once. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** A socket that reads into an existing buffer; by default, Node allocates one for each read. */
function openSocket(): Socket {
  const socket: Socket = new Socket({
    onread: {
      buffer: READ_BUFFER,
      callback: (length, buffer) => socket.emit('data', Buffer.from(buffer.subarray(0, length))),
    },
  });
  return socket;
}

interface ConnectionOfPg {
  readonly stream: Socket;
  on(
    event: 'parameterStatus',
    listener: (message: { readonly parameterName: string; readonly parameterValue: string }) => void,
  ): void;
}

export class Session implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #pipeline: boolean;
  readonly #address: Address;
  readonly #descriptions: Descriptions = new Map();
  /** Settings that the server reports, at the start of the session and whenever they change. */
  readonly #reported = new Map<string, string>();
  readonly #endsReadOnly: boolean;
  #usable = true;
  #ending: string | undefined;
  readonly #ended: Promise<void>;
  #corked = false;

  private constructor(client: pg.Client, address: Address, { pipeline = false, endsReadOnly = false }: SessionOptions) {
    this.#client = client;
    this.#address = address;
    this.#pipeline = pipeline;
    this.#endsReadOnly = endsReadOnly;
    this.#connection.on('parameterStatus', ({ parameterName, parameterValue }) =>
      this.#reported.set(parameterName, parameterValue),
    );
    // An idle connection that dies emits 'error', which without a listener would end the process.
    client.on('error', (error) => {
      this.#usable = false;
      this.#ending ??= (error as { code?: string }).code ?? error.message;
    });
    this.#ended = new Promise((resolve) => {
      client.on('end', () => {
        this.#usable = false;
        resolve();
      });
    });
  }

  /**
   * Connects. Takes nothing from the environment, such as `PGOPTIONS`.
   * @throws the driver's error, or `DeadlineError` after `connectTimeoutMs`.
   */
  static async connect(address: Address, options: SessionOptions): Promise<Session> {
    const settings = Object.entries(options.settings ?? {}).map(([name, value]) => `-c ${name}=${value}`);
    const client = newClient({
      ...address,
      application_name: options.applicationName,
      keepAlive: true,
      pipeline: options.pipeline ?? false,
      // Node can encrypt only its own sockets.
      ...(address.tls ? {} : { stream: openSocket }),
      ...(settings.length > 0 ? { options: settings.join(' ') } : {}),
    });
    const session = new Session(client, address, options);
    try {
      await session.#within(options.connectTimeoutMs, client.connect());
    } catch (error) {
      session.#describe(error);
      throw error;
    }
    return session;
  }

  /**
   * Waits until the other side ends an idle connection.
   * @returns the error's code (a SQLSTATE if the server gave a reason) or its message; `undefined` if the connection
   * still exists after `limitMs`.
   */
  async ended(limitMs: number): Promise<string | undefined> {
    await atMost(limitMs, this.#ended);
    return this.#usable ? undefined : (this.#ending ?? 'closed');
  }

  /** The last reported value of a setting such as `in_hot_standby`. */
  reported(setting: string): string | undefined {
    return this.#reported.get(setting);
  }

  /** False once the connection has ended, failed or been discarded. */
  get usable(): boolean {
    return this.#usable;
  }

  /**
   * Runs one statement with parameters.
   * @returns its rows as arrays, in the order of the columns.
   * @throws the server's error (`code` is the SQLSTATE), a socket error, or `DeadlineError`.
   */
  query(text: string, values: readonly unknown[] = [], options: QueryOptions = {}): Promise<Row[]> {
    const rows: Row[] = [];
    return this.#send(text, values, (row) => rows.push(row), rows, options);
  }

  /**
   * Runs one statement and passes on every row as it arrives, for results too large to hold.
   * @throws as `query`.
   */
  forEachRow(
    text: string,
    values: readonly unknown[],
    onRow: (row: Row) => void,
    options: QueryOptions = {},
  ): Promise<void> {
    return this.#send(text, values, onRow, undefined, options);
  }

  /** Runs several statements without parameters, separated by `;`. */
  async execute(text: string, timeoutMs?: number): Promise<void> {
    const running = this.#client.query(text);
    try {
      await (timeoutMs === undefined ? running : this.#within(timeoutMs, running));
    } catch (error) {
      this.#describe(error, text);
      throw error;
    }
  }

  /** Closes the connection in order; discards it after one second. Safe to call twice. */
  async close(): Promise<void> {
    if (!this.#usable) return;
    this.#usable = false;
    await atMost(1_000, this.#client.end());
    this.discard();
  }

  /** From now on, the connection does not keep the process alive. */
  unref(): void {
    this.#socket.unref();
  }

  /** Drops the connection at once, without telling the server. Safe to call twice. */
  discard(): void {
    this.#usable = false;
    this.#socket.destroy();
  }

  /** @param result resolves the promise after the last row. */
  #send<T>(
    text: string,
    values: readonly unknown[],
    onRow: (row: Row) => void,
    result: T,
    { name, timeoutMs }: QueryOptions,
  ): Promise<T> {
    if (this.#pipeline) this.#sendTogether();
    return new Promise((resolve, reject) => {
      const failed = (error: unknown) => {
        this.#describe(error, text);
        if (this.#endsReadOnly && (error as { code?: string } | null)?.code === READ_ONLY) this.discard();
        reject(error);
      };
      const limit = timeoutMs === undefined ? undefined : this.#limit(timeoutMs, failed);
      const onEnd = (error?: unknown) => {
        clearTimeout(limit);
        if (error === undefined) resolve(result);
        else failed(error);
      };
      const kept = this.#address.unnamedStatements ? undefined : name;
      this.#client.query(new Statement({ text, values, name: kept, onRow, onEnd }, this.#descriptions));
    });
  }

  /** Sends everything of one turn of the event loop in one packet, so the answers arrive together too. */
  #sendTogether(): void {
    if (this.#corked) return;
    this.#corked = true;
    const socket = this.#socket;
    socket.cork();
    setImmediate(() => {
      this.#corked = false;
      socket.uncork();
    });
  }

  /** Leaves the error unchanged: its code proves what happened to the statement. */
  #describe(error: unknown, text?: string): void {
    if (typeof error !== 'object' || error === null) return;
    noteAsked(error, this.#address, text);
  }

  get #socket(): Socket {
    return this.#connection.stream;
  }

  get #connection(): ConnectionOfPg {
    // pg's types leave out the socket and the server's messages.
    return (this.#client as unknown as { connection: ConnectionOfPg }).connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Waits for work on this session. */
  #within<T>(timeoutMs: number, running: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const limit = this.#limit(timeoutMs, late.reject);
    return Promise.race([running, late.promise]).finally(() => clearTimeout(limit));
  }

  /**
   * After the limit, discards the connection, because the server may still be working, and ignores what it still
   * reports.
   */
  #limit(timeoutMs: number, reject: (error: DeadlineError) => void): NodeJS.Timeout {
    const expire = () => {
      this.discard();
      reject(new DeadlineError(timeoutMs));
    };
    return setTimeout(expire, Math.max(0, timeoutMs));
  }
}
