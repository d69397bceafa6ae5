/** Whether the pgquake of a cluster still runs, asked from the same PID namespace and from another one. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentError } from '../../src/model/errors.ts';
import { disown, type Owner, own, runningOwner } from '../../src/platforms/owner.ts';
import { temporaryFolder } from '../support/local-cluster.ts';

const MODULE = resolve(import.meta.dirname, '../../src/platforms/owner.ts');
const ELSEWHERE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
const canUnshare = spawnSync(ELSEWHERE[0] as string, [...ELSEWHERE.slice(1), 'true']).status === 0;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  // Longer than the path of a socket may be.
  path = join(folder.path, 'a'.repeat(120));
  await mkdir(path);
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await folder[Symbol.asyncDispose]();
});

/** A process that owns the folder until it is killed; what it is started with comes before Node. */
async function ownedBy(...prefix: string[]): Promise<{ owner: Owner; kill(): Promise<void> }> {
  const script = `import { own } from ${JSON.stringify(MODULE)};
    console.log(JSON.stringify(await own(${JSON.stringify(path)}))); setInterval(() => {}, 1000);`;
  const [program, ...args] = [...prefix, process.execPath, '--input-type=module', '--eval', script];
  const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return {
    owner: JSON.parse(String(line)) as Owner,
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const AS_PROCESSES = { serversAreProcesses: true };
const AS_CONTAINERS = { serversAreProcesses: false };

test('in the same namespace: in use until it is killed, then gone, whatever is left in the folder', async () => {
  const { owner, kill } = await ownedBy();
  expect(owner).toMatchObject({ locked: true });
  expect(await runningOwner(owner, path, AS_PROCESSES)).toBe(`pgquake, process ${owner.pid}, which is still running`);
  await kill();
  expect(existsSync(join(path, 'owner.sock'))).toBe(true);
  expect(await runningOwner(owner, path, AS_PROCESSES)).toBeUndefined();
});

test('after a reboot it is gone, though its process id is taken again', async () => {
  const owner = await own(path);
  expect(await runningOwner(owner, path, AS_PROCESSES)).toContain('still running');
  const before = { ...owner, bootId: '00000000-0000-0000-0000-000000000000' };
  expect(await runningOwner(before, path, AS_PROCESSES)).toBeUndefined();
  await disown(path);
  await disown(path);
  expect(existsSync(join(path, 'owner.sock'))).toBe(false);
});

test('on another machine it cannot be told, and nothing forces it', async () => {
  const { bootId: _, ...owner } = { ...(await own(path)), host: 'elsewhere' };
  await expect(runningOwner(owner, path, { ...AS_PROCESSES, force: true })).rejects.toThrow(
    'made on the machine elsewhere',
  );
  await disown(path);
});

describe.skipIf(!canUnshare)('in another PID namespace', () => {
  test('in use while it runs: with force, with its host renamed, for servers of any kind', async () => {
    const { owner } = await ownedBy(...ELSEWHERE);
    for (const question of [AS_PROCESSES, AS_CONTAINERS, { ...AS_PROCESSES, force: true }]) {
      for (const asked of [owner, { ...owner, host: 'a-container' }]) {
        expect(await runningOwner(asked, path, question)).toBe(
          `pgquake, process ${owner.pid} of another PID namespace, which is still running`,
        );
      }
    }
  });

  test('once it has ended: containers may go, processes cannot be seen, so only with force', async () => {
    const { owner, kill } = await ownedBy(...ELSEWHERE);
    await kill();
    // The kernel ends the namespace a moment after the program that made it.
    await vi.waitFor(async () => expect(await runningOwner(owner, path, AS_CONTAINERS)).toBeUndefined(), 5_000);
    const refusal = await runningOwner(owner, path, AS_PROCESSES).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(EnvironmentError);
    expect(refusal).toMatchObject({ code: 'owner-unknown', hint: expect.stringContaining('--force') });
    expect(await runningOwner(owner, path, { ...AS_PROCESSES, force: true })).toBeUndefined();
  });

  test('without a lock in the folder nothing is told', async () => {
    const { owner } = await ownedBy(...ELSEWHERE);
    for (const unlocked of [{ ...owner, locked: false }, (({ locked: _, ...rest }) => rest)(owner)]) {
      await expect(runningOwner(unlocked, path, AS_CONTAINERS)).rejects.toThrow('the cluster may be in use: ');
    }
  });
});
