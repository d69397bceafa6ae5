/** Clients of one node that record the result of each attempt. Oracles judge a fault by them, never by what the fault says. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeControl } from '../cluster/platform.ts';
import { CLIENT_NAMES } from '../sql/application-names.ts';
import { quoteText } from '../sql/quote.ts';
import { Session } from '../sql/session.ts';

/**
 * - `ping`, `read`, `write`: on a kept session; `read` and `write` use the table `messages`.
 * - `bulk`: fetches 400 kB.
 * - `fresh`: opens a new connection each time.
 * - `remote`: goes through another node, which reads `messages` over its own connection.
 * - `checkpoint`: reads the location of the newest checkpoint from the server's control file.
 */
type ShippedKind = 'ping' | 'read' | 'write' | 'bulk' | 'fresh' | 'remote' | 'checkpoint';

/** A shipped kind, or the oracle's own name with a statement beside it. */
export type Kind = ShippedKind | (string & {});

export interface Attempt {
  readonly kind: Kind;
  readonly tookMs: number;
  /** On the monotonic clock. */
  readonly endedAt: number;
  /** The error's code; absent after an answer. */
  readonly code?: string;
  /** The first value of the answer. */
  readonly value?: string;
}

const EVERY_MS = 25;
/** Slower than the others: opening a connection starts a process and costs a server as much as 50 statements. */
const FRESH_EVERY_MS = 50;
const LIMIT_MS = 500;
const BULK_BYTES = 400_000;
const STATEMENTS: Readonly<Record<ShippedKind, string>> = {
  ping: 'SELECT 1',
  read: 'SELECT count(*) FROM messages',
  write: `INSERT INTO messages (body) VALUES (repeat('x', 2000)) RETURNING id`,
  bulk: `SELECT string_agg(md5(i::text), '') FROM generate_series(1, ${BULK_BYTES / 32}) AS i`,
  fresh: 'SELECT 1',
  remote: 'SELECT count(*) FROM far_messages',
  checkpoint: 'SELECT checkpoint_lsn FROM pg_control_checkpoint()',
};

/** Creates the table on a node. */
export const MESSAGES = 'CREATE TABLE messages (id serial PRIMARY KEY, body text)';

/** Creates `far_messages` on the node `from`: a foreign table for `messages` on the struck node. */
export function farMessages(node: NodeControl, from: NodeControl): string {
  const { host, port, database, user, password } = node.peerAddress(from.name);
  const options = { host, port: String(port), dbname: database, sslmode: 'disable' };
  const words = (all: Readonly<Record<string, string>>) =>
    Object.entries(all)
      .map(([name, value]) => `${name} ${quoteText(value)}`)
      .join(', ');
  return `CREATE EXTENSION postgres_fdw;
    CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (${words(options)});
    CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (${words({ user, password })});
    CREATE FOREIGN TABLE far_messages (id int, body text) SERVER far OPTIONS (table_name 'messages');`;
}

export class Clients implements AsyncDisposable {
  /** All attempts since the clients started. */
  readonly attempts: Attempt[] = [];
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>[];

  /**
   * @param peer the node through which `remote` goes.
   * @param statements for kinds that are not shipped.
   */
  constructor(
    node: NodeControl,
    peer: NodeControl,
    kinds: readonly Kind[],
    statements: Readonly<Record<string, string>> = {},
  ) {
    const known: Readonly<Record<string, string>> = { ...STATEMENTS, ...statements };
    this.#loops = kinds.map((kind) => {
      const statement = known[kind];
      if (statement === undefined) throw new Error(`the oracle's kind ${kind} has no statement`);
      return this.#loop(kind, statement, kind === 'remote' ? peer : node);
    });
  }

  of(kind: Kind): Attempt[] {
    return this.attempts.filter((attempt) => attempt.kind === kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  async #loop(kind: Kind, statement: string, node: NodeControl): Promise<void> {
    let session: Session | undefined;
    while (!this.#stopping.signal.aborted) {
      const began = performance.now();
      const note = (rest: Pick<Attempt, 'code' | 'value'>) => {
        const endedAt = performance.now();
        this.attempts.push({ kind, tookMs: endedAt - began, endedAt, ...rest });
      };
      try {
        session ??= await Session.connect(node.address(), {
          applicationName: CLIENT_NAMES.workload,
          connectTimeoutMs: LIMIT_MS,
        });
        const [row] = await session.query(statement, [], { timeoutMs: LIMIT_MS });
        note({ value: String(row?.[0]) });
        if (kind === 'fresh') {
          await session.close();
          session = undefined;
        }
      } catch (error) {
        note({ code: await codeOf(error, session) });
        session?.discard();
        session = undefined;
      }
      await sleep(kind === 'fresh' ? FRESH_EVERY_MS : EVERY_MS);
    }
    await session?.close();
  }
}

/** If the statement's error has no code, the reason why the session ended says more. */
async function codeOf(error: unknown, session: Session | undefined): Promise<string> {
  const { code = String(error) } = error as { code?: string };
  const said = code === 'deadline' || /^[0-9A-Z]{5}$/.test(code);
  return said ? code : ((await session?.ended(0)) ?? code);
}
