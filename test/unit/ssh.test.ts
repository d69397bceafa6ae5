/** Machines behind ssh: what their commands print is read right, and what undoes an act by itself does so only when it must. */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { serviceIn } from '../../src/platforms/attached/machine-place.ts';
import { DeadMan } from '../../src/platforms/ssh/dead-man.ts';
import { Machine } from '../../src/platforms/ssh/machine.ts';
import { lookFrom, stateOf } from '../../src/platforms/ssh/service.ts';
import { keepsSsh } from '../../src/platforms/ssh/traffic.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgquake-ssh-'));

beforeAll(() => {
  // This machine stands for the other one: the last argument of ssh is run by a shell.
  writeFileSync(join(folder, 'ssh'), '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
  chmodSync(join(folder, 'ssh'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const RUNNING = `ActiveState=active
MainPID=100
ExecMainStartTimestamp=Sat 2026-11-28 18:02:23 UTC
100 (postgres) S 1 100 100 0 -1 4194560
101 (postgres) S 100 101 101 0 -1 4194560
102 (a (strange) S 100) S 100 102 102 0 -1 0
`;

describe('a service', () => {
  test('runs with its first process and the children of that', () => {
    const look = lookFrom(RUNNING);
    expect(look).toMatchObject({ active: 'active', main: 100, since: 'Sat 2026-11-28 18:02:23 UTC' });
    expect(look.processes.map(({ pid }) => pid)).toEqual([100, 101, 102]);
    expect(stateOf(look)).toBe('running');
  });

  test('is frozen where every process is stopped, and not where one is', () => {
    expect(stateOf(lookFrom(RUNNING.replaceAll(') S 1', ') T 1')))).toBe('paused');
    expect(stateOf(lookFrom(RUNNING.replace('100 (postgres) S', '100 (postgres) T')))).toBe('running');
  });

  test.each([
    ['failed', RUNNING.replace('active', 'failed')],
    ['without a first process', 'ActiveState=active\nMainPID=0\nExecMainStartTimestamp=\n'],
    ['with a process that nobody has waited for', RUNNING.replace('100 (postgres) S', '100 (postgres) Z')],
  ])('%s is stopped', (_, output) => {
    expect(stateOf(lookFrom(output))).toBe('stopped');
  });

  test.each([
    ['0::/system.slice/system-postgresql.slice/postgresql@17-main.service\n', 'postgresql@17-main'],
    ['12:pids:/system.slice/patroni.service\n0::/system.slice/patroni.service/child\n', 'patroni'],
    ['0::/\n', undefined],
    ['0::/user.slice/user-0.slice/session-1.scope\n', undefined],
  ])('is found by the control group of a process: %j', (cgroup, expected) => {
    expect(serviceIn(cgroup)).toBe(expected);
  });
});

test('rules for everybody let the ssh client through', () => {
  expect(keepsSsh('INPUT', '10.0.0.1 5022 10.0.0.5 22')).toEqual(['-s 10.0.0.1 -p tcp --dport 22']);
  expect(keepsSsh('OUTPUT', '10.0.0.1 5022 10.0.0.5 22')).toEqual(['-d 10.0.0.1 -p tcp --sport 22']);
});

describe('what undoes an act by itself', () => {
  const machine = new Machine({ to: 'elsewhere' });
  const undone = (name: string) => join(folder, `${name}-undone`);
  const start = (deadMan: DeadMan, name: string) =>
    machine.mustRun('start it', deadMan.starting(name, `echo 1 > ${undone(name)}`));

  test('waits while it is renewed, and does not once it is ended', async () => {
    const deadMan = new DeadMan(machine, 2_000);
    deadMan.arm('renewed');
    await start(deadMan, 'renewed');
    await sleep(5_000);
    expect(existsSync(undone('renewed'))).toBe(false);
    await deadMan.disarm('renewed');
    await sleep(3_000);
    expect(existsSync(undone('renewed'))).toBe(false);
  });

  test('does not run: then the act is not made', async () => {
    const acted = join(folder, 'acted');
    const script = `PATH=${folder}/bin; set -e\n${new DeadMan(machine, 1_000).starting('missing', 'true')}\necho > ${acted}`;
    mkdirSync(join(folder, 'bin'));
    for (const name of ['sh', 'grep', 'sleep']) symlinkSync(`/bin/${name}`, join(folder, 'bin', name));
    await expect(machine.mustRun('freeze it', script)).rejects.toThrow(
      'the process that undoes the act by itself did not start',
    );
    expect(existsSync(acted)).toBe(false);
  });

  test('does so where no word comes', async () => {
    await start(new DeadMan(machine, 1_000), 'lost');
    await vi.waitFor(() => expect(existsSync(undone('lost'))).toBe(true), { timeout: 10_000 });
  });
});

test('a machine that cannot be reached is said so, with what to try', async () => {
  writeFileSync(join(folder, 'ssh'), '#!/bin/sh\necho "ops@db: Permission denied (publickey)." >&2\nexit 255\n');
  await expect(new Machine({ to: 'ops@db', config: '/a b' }).mustRun('look', 'true')).rejects.toMatchObject({
    message: 'could not look on ops@db: ops@db: Permission denied (publickey).',
    hint: `try "ssh -F '/a b' ops@db -o BatchMode=yes true"; pgquake uses your ssh client, which must need no password`,
  });
});
