import { describe, expect, test } from 'vitest';
import { classifyError } from '../../src/sql/outcome.ts';
import { DeadlineError } from '../../src/sql/session.ts';

const sqlError = (code: string) => Object.assign(new Error(`error ${code}`), { code });

describe('what an error proves', () => {
  test.each(['57P01', '08006', 'ECONNRESET', 'deadline', '42P01', 'XX000'])(
    'a read that ended with %s failed',
    (code) => {
      expect(classifyError('read', sqlError(code), true)).toMatchObject({ outcome: 'fail', code });
    },
  );

  test.each(['ECONNREFUSED', '23505', '22P02', '25006', '42501', '53300', '57P03', '08001', '40P01', '40001'])(
    'a write that ended with %s certainly did not happen',
    (code) => {
      expect(classifyError('write', sqlError(code), true).outcome).toBe('fail');
    },
  );

  test.each(['ECONNRESET', 'EPIPE', '08006', '08003', '57P01', '57P02', '57014', 'XX000', '40003'])(
    'a write that ended with %s may have happened',
    (code) => {
      expect(classifyError('write', sqlError(code), true).outcome).toBe('unknown');
    },
  );

  test('a write past its deadline may have happened', () => {
    expect(classifyError('write', new DeadlineError(10), true)).toMatchObject({ outcome: 'unknown', code: 'deadline' });
  });

  test('what failed while connecting was never sent', () => {
    expect(classifyError('write', sqlError('ECONNRESET'), false).outcome).toBe('fail');
    expect(classifyError('write', new DeadlineError(10), false).outcome).toBe('fail');
  });

  test('what is no error of the server or the socket is told as the client’s', () => {
    expect(classifyError('write', new Error('Connection terminated unexpectedly'), true)).toEqual({
      outcome: 'unknown',
      code: 'client',
      text: 'Connection terminated unexpectedly',
    });
    expect(classifyError('read', undefined, true).code).toBe('client');
  });
});
