/** Who must act on an error: the owner of the machine where it is short of something, else pgquake's authors. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitCodeOfError } from '../../src/cli/exit-codes.ts';
import { atALimit, attributed, type EnvironmentError, errorText } from '../../src/model/errors.ts';
import { codeFolder } from '../../src/model/package-files.ts';

function systemError(code: string, more: object = { syscall: 'open' }): Error {
  return Object.assign(new Error(`${code}: it failed`), { code, ...more });
}

describe('an error of the machine', () => {
  test.each(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOSPC', 'EROFS'])('%s ends with exit code 4', (code) => {
    expect(exitCodeOfError(systemError(code))).toBe(4);
  });

  test('names the limit to raise, and what met it', () => {
    const error = attributed(systemError('EMFILE')) as EnvironmentError;
    expect(error.message).toBe('EMFILE: it failed');
    expect(error.hint).toContain('ulimit -n');
  });

  test.each([
    ['ERR_WORKER_INIT_FAILED', 'Worker initialization failure: EMFILE'],
    ['ERR_INVALID_PACKAGE_CONFIG', 'Cannot read package config /x/package.json: too many open files.'],
  ])('is recognized where Node.js says %s', (code, message) => {
    const error = attributed(Object.assign(new Error(message), { code })) as EnvironmentError;
    expect(error.hint).toContain('ulimit -n');
    expect(exitCodeOfError(error)).toBe(4);
  });

  test('is found among the causes of another error', () => {
    const wrapped = new Error('cp did not start', { cause: systemError('EMFILE') });
    expect(atALimit(wrapped)?.hint).toContain('ulimit -n');
    expect(atALimit(new Error('other', { cause: systemError('ENOENT') }))).toBeUndefined();
  });
});

describe('missing files of pgquake itself', () => {
  const missing = Object.assign(new Error("Cannot find package 'pg' imported from x.js\nRequire stack:\n- y.js"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });

  test('end with exit code 4 and lead to npm', () => {
    const error = attributed(missing) as EnvironmentError;
    expect(exitCodeOfError(missing)).toBe(4);
    expect(errorText(error)).toBe("pgquake is not installed as a whole: Cannot find package 'pg' imported from x.js");
    expect(error.hint).toContain('npm');
    expect(exitCodeOfError(systemError('MODULE_NOT_FOUND', {}))).toBe(4);
  });

  test('are known by their folder where only the system tells of them', () => {
    expect(exitCodeOfError(systemError('ENOENT', { path: join(codeFolder(), 'reporters/page/report.css') }))).toBe(4);
    expect(exitCodeOfError(systemError('ENOENT', { path: '/elsewhere' }))).toBe(5);
  });
});

test.each(['ERR_INPUT_TYPE_NOT_ALLOWED', 'ERR_REQUIRE_ESM', 'ERR_ACCESS_DENIED'])(
  '%s comes from an option of Node.js, which its user can leave out',
  (code) => {
    expect(exitCodeOfError(systemError(code, {}))).toBe(4);
    expect((attributed(systemError(code, {})) as EnvironmentError).hint).toContain('NODE_OPTIONS');
  },
);

test('anything else is a bug', () => {
  expect(exitCodeOfError(new TypeError('x is not a function'))).toBe(5);
  expect(exitCodeOfError(systemError('EACCES', {}))).toBe(5);
  expect(exitCodeOfError(undefined)).toBe(5);
});
