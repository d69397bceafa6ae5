import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NoConnectionError } from '../../src/run/connections.ts';
import { CLIENT_CODES, classifyError, meaningOf, SQLSTATES } from '../../src/sql/outcome.ts';
import { DeadlineError } from '../../src/sql/session.ts';
import { officialSqlStates } from '../support/errcodes.ts';

const coded = (code: string) => Object.assign(new Error(`error ${code}`), { code });

describe('what an error proves', () => {
  test.each(['57P01', '08006', 'ECONNRESET', 'deadline', '42P01', 'XX000'])(
    'a read that ended with %s failed',
    (code) => {
      expect(classifyError('read', coded(code), true)).toMatchObject({ outcome: 'fail', code });
    },
  );

  test.each(['23505', '22P02', '25006', '42501', '53300', '57P03', '08001', '40P01', '40001', 'HV00N', '0A000'])(
    'a write that ended with %s certainly did not happen',
    (code) => {
      expect(classifyError('write', coded(code), true).outcome).toBe('fail');
    },
  );

  test.each([
    '08006',
    '08003',
    '08007',
    '57P01',
    '57P02',
    '57014',
    'XX000',
    '40003',
    '25P04',
    '53100',
    '58030',
    'HV000',
  ])('a write that ended with %s may have happened', (code) => {
    expect(classifyError('write', coded(code), true).outcome).toBe('unknown');
  });

  test.each([...CLIENT_CODES.keys()])('a write that was sent and ended with %s may have happened', (code) => {
    expect(classifyError('write', coded(code), true).outcome).toBe('unknown');
  });

  test('a write past its deadline may have happened', () => {
    expect(classifyError('write', new DeadlineError(10), true)).toMatchObject({ outcome: 'unknown', code: 'deadline' });
  });

  test('what failed while connecting was never sent', () => {
    for (const code of ['ECONNRESET', 'ECONNREFUSED', 'EHOSTUNREACH', '57P01', '53300', '28P01']) {
      expect(classifyError('write', coded(code), false).outcome).toBe('fail');
      expect(classifyError('read', coded(code), false).outcome).toBe('fail');
    }
    expect(classifyError('write', new DeadlineError(10), false).outcome).toBe('fail');
  });

  test.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM'])(
    '%s while connecting is the client’s own limit',
    (code) => {
      expect(classifyError('read', coded(code), false).outcome).toBe('unsent');
      expect(classifyError('write', coded(code), false).outcome).toBe('unsent');
    },
  );

  test('so is a connection that did not come free', () => {
    expect(classifyError('write', new NoConnectionError(1), false)).toMatchObject({
      outcome: 'unsent',
      code: 'client-connections',
    });
  });

  test('an error of neither server nor socket counts as the client’s', () => {
    expect(classifyError('write', new Error('Connection terminated unexpectedly'), true)).toEqual({
      outcome: 'unknown',
      code: 'client',
      text: 'Connection terminated unexpectedly',
    });
    expect(classifyError('read', undefined, true).code).toBe('client');
  });

  test('an error that says success proves nothing', () => {
    expect(classifyError('write', coded('00000'), true).outcome).toBe('unknown');
    expect(classifyError('write', coded('01000'), true).outcome).toBe('unknown');
  });

  test('an unknown code proves nothing', () => {
    expect(meaningOf('ZZ999')).toBeUndefined();
    expect(meaningOf('ECONNRESET')).toBeUndefined();
    expect(classifyError('write', coded('ZZ999'), true).outcome).toBe('unknown');
    expect(classifyError('write', coded('ERR_SOMETHING'), true).outcome).toBe('unknown');
  });
});

describe('against the official list', () => {
  const official = officialSqlStates();

  test('it has the codes of PostgreSQL 18', () => {
    expect(official.length).toBeGreaterThan(240);
    expect(official.map(({ code }) => code)).toEqual(expect.arrayContaining(['00000', '23505', '40P01', 'XX002']));
  });

  test('every code has a meaning, with its reason', () => {
    const without = official.filter(({ code }) => !meaningOf(code)?.reason);
    expect(without).toEqual([]);
  });

  test('ok is what PostgreSQL sends beside a result, and nothing else', () => {
    const severities = official.filter(({ code }) => meaningOf(code)?.outcome === 'ok').map(({ severity }) => severity);
    expect(new Set(severities)).toEqual(new Set(['S', 'W']));
    expect(official.filter(({ severity, code }) => severity === 'E' && meaningOf(code)?.outcome === 'ok')).toEqual([]);
  });

  test('the table names nothing that PostgreSQL does not have', () => {
    const codes = new Set(official.map(({ code }) => code));
    const classes = new Set(official.map(({ code }) => code.slice(0, 2)));
    // Snapshot too old, which PostgreSQL 17 gave up.
    classes.add('72');
    for (const key of SQLSTATES.keys()) expect(key.length === 2 ? classes : codes).toContain(key);
  });
});

describe('docs/outcomes.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/outcomes.md'), 'utf8');
  const rows = [...docs.matchAll(/^\| `(\S+)` +\|(.+)\|$/gm)].map((match) => [
    match[1],
    ...(match[2] ?? '').split('|').map((cell) => cell.trim().replaceAll('`', '')),
  ]);

  test('shows the table of SQLSTATEs', () => {
    const names = new Map(officialSqlStates().map(({ code, name }) => [code, name]));
    expect(rows.filter((row) => row.length === 4 && SQLSTATES.has(row[0] as string))).toEqual(
      [...SQLSTATES].map(([code, { outcome, reason }]) => [
        code,
        code.length === 2 ? `class ${code}` : names.get(code),
        outcome,
        reason,
      ]),
    );
  });

  test('shows the table of client errors', () => {
    expect(rows.filter((row) => CLIENT_CODES.has(row[0] as string))).toEqual(
      [...CLIENT_CODES].map(([code, { connecting, sent, reason }]) => [code, connecting, sent, reason]),
    );
  });
});
