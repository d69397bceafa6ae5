/** What `sql/` relies on and `pg` does not promise: held here, so that a new version of `pg` fails here and not in a run. */

import { readFileSync } from 'node:fs';
import pg from 'pg';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { Query } from '../../src/sql/driver.ts';
import { prepareValue } from '../../src/sql/driver-values.ts';
import { Statement } from '../../src/sql/statement.ts';

/** What a client hands to the statement under way, by the messages of the server. */
const HANDLERS = [
  'submit',
  'handleRowDescription',
  'handleDataRow',
  'handleCommandComplete',
  'handleEmptyQuery',
  'handleError',
  'handleReadyForQuery',
] as const;

describe('pg and pg-protocol', () => {
  test('are pinned to the versions that these tests were made with', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies.pg).toMatch(/^~\d+\.\d+\.\d+$/);
    expect(dependencies['pg-protocol']).toMatch(/^~\d+\.\d+\.\d+$/);
  });

  test('a statement answers all that the own one of pg does, and passes for one', () => {
    const statement = new Statement(
      { text: 'SELECT 1', values: [], onRow: () => undefined, onEnd: () => undefined },
      new Map(),
    );
    expect(statement).toBeInstanceOf(Query);
    for (const name of HANDLERS) {
      expect(typeof Reflect.get(Query.prototype, name), `Query of pg: ${name}`).toBe('function');
      expect(Object.hasOwn(Statement.prototype, name), `Statement: ${name}`).toBe(true);
    }
  });

  test('a connection keeps which statements it has prepared, by name', () => {
    const { connection } = new pg.Client() as unknown as { connection: Record<string, unknown> };
    expect(connection.parsedStatements).toEqual({});
    expect(connection.submittedNamedStatements).toEqual({});
  });

  test('values become text as in the own statements of pg', () => {
    expect([1, 'a', null, true, [1, 2], new Uint8Array([1])].map((value) => prepareValue(value))).toEqual([
      '1',
      'a',
      null,
      'true',
      '{"1","2"}',
      Buffer.from([1]),
    ]);
  });

  test('messages are those of the protocol', () => {
    expect(serialize.describe({ type: 'P' }).toString('latin1')).toBe('D\0\0\0\u0006P\0');
    expect(serialize.sync().toString('latin1')).toBe('S\0\0\0\u0004');
    expect(serialize.execute().toString('latin1')).toBe('E\0\0\0\t\0\0\0\0\0');
    const bind = serialize.bind({ statement: 's', values: [7], valueMapper: prepareValue }).toString('latin1');
    expect(bind).toContain('B');
    expect(bind).toContain('s\0');
    expect(bind).toContain('\0\0\0\u00017');
    expect(serialize.parse({ name: 's', text: 'SELECT 1', types: [] }).toString('latin1')).toMatch(
      /^P.*s\0SELECT 1\0/s,
    );
  });
});
