/** A session's process is killed wherever its postmaster stands in the container, and nothing else is. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { killBackend } from '../../src/platforms/docker/backends.ts';
import type { ExecResult } from '../../src/platforms/docker/exec.ts';

let folder: string;
let parent: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-backends-'));
});

afterEach(() => {
  parent.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A shell under another name, with a child that it waits for; as in a container with an init, it is not process 1. */
async function childOf(program: string): Promise<number> {
  const path = join(folder, program);
  copyFileSync(realpathSync('/bin/sh'), path);
  parent = spawn(path, ['-c', 'sleep 60 & echo $!; wait $!; echo gone'], { stdio: ['ignore', 'pipe', 'inherit'] });
  parent.stdout?.setEncoding('utf8');
  return Number(await said());
}

const said = () => new Promise<string>((told) => parent.stdout?.once('data', told));

/** Here, as it runs in a container. */
const here = (_what: string, [program = '', ...args]: readonly string[]) =>
  new Promise<ExecResult>((ended) => {
    execFile(program, args, (error, output) => ended({ exitCode: Number(error?.code ?? 0), output }));
  });

test.each(['postgres', 'postmaster'])('the child of a %s that is not process 1 is killed', async (program) => {
  const pid = await childOf(program);
  const gone = said();
  await killBackend('worker1', pid, here);
  expect(await gone).toBe('gone\n');
});

test('the child of another program is not', async () => {
  const pid = await childOf('archiver');
  await expect(killBackend('worker1', pid, here)).rejects.toMatchObject({
    message: expect.stringContaining('worker1'),
  });
  expect(process.kill(pid, 0)).toBe(true);
  process.kill(pid);
});
