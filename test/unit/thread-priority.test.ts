import { expect, test } from 'vitest';
import { EnvironmentError } from '../../src/model/errors.ts';
import { refuseRealtime } from '../../src/run/thread-priority.ts';

const FITTING = { platform: 'linux', uid: 0, processors: 4 };

test('realtime priority is allowed to root on Linux with four processors', () => {
  expect(() => refuseRealtime(FITTING)).not.toThrow();
});

test.each([
  ['on two processors', { processors: 2 }, /it needs 4 processors, found 2: its threads would starve the servers/],
  ['to an ordinary user', { uid: 1_000 }, /it needs root/],
  ['elsewhere', { platform: 'darwin' }, /it needs Linux/],
])('realtime priority is refused %s', (_name, host, reason) => {
  const refused = () => refuseRealtime({ ...FITTING, ...host });
  expect(refused).toThrow(EnvironmentError);
  expect(refused).toThrow(reason);
});
