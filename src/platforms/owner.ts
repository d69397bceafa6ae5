/** Which pgquake a cluster belongs to, so that nobody removes the cluster of a run that is under way. */

import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EnvironmentError } from '../model/errors.ts';
import { processOf, survivors } from './local/processes.ts';

/**
 * In the folder of a cluster, as long as its pgquake runs: a socket that listens. The kernel closes it with the process,
 * however that ends, and tells every process that asks, whatever its PID namespace.
 */
const LOCK = 'owner.sock';
const ASK_LIMIT_MS = 2_000;

/** A process id says nothing on another machine or in another namespace, and little without its start time. */
export const ownerSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  startTime: z.string(),
  /** Linux only, as what follows is. */
  bootId: z.string().exactOptional(),
  pidNamespace: z.string().exactOptional(),
  /** Whether the folder holds its socket. Absent in clusters of older versions. */
  locked: z.boolean().exactOptional(),
});

export type Owner = z.infer<typeof ownerSchema>;

const locks = new Map<string, Server>();

/** The process that runs this, which from now on owns the cluster of a folder until `disown`. */
export async function own(folder: string): Promise<Owner> {
  const info = await processOf(process.pid);
  const locked = locks.has(folder) || (await lock(folder));
  return { host: hostname(), pid: process.pid, startTime: info?.startTime ?? '', ...whereAmI(), locked };
}

/** Harmless twice, and in a folder that this process does not own. */
export async function disown(folder: string): Promise<void> {
  const server = locks.get(folder);
  locks.delete(folder);
  await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  await rm(join(folder, LOCK), { force: true });
}

export interface OwnerQuestion {
  /** Whether the cluster's servers are processes of the owner's PID namespace, and can be removed from there alone. */
  readonly serversAreProcesses: boolean;
  /** Takes an owner of whom it cannot be told for one that has ended. False by default. */
  readonly force?: boolean;
}

/**
 * @returns the owner of a folder's cluster in words if it still runs, else `undefined`.
 * @throws EnvironmentError where that cannot be told from here.
 */
export async function runningOwner(
  owner: Owner,
  folder: string,
  { serversAreProcesses, force = false }: OwnerQuestion,
): Promise<string | undefined> {
  const here = whereAmI();
  const sameBoot = owner.bootId !== undefined && owner.bootId === here.bootId;
  if (!sameBoot && owner.host !== hostname()) {
    throw new EnvironmentError(`the cluster was made on the machine ${owner.host}, and this one is ${hostname()}`, {
      code: 'other-machine',
      hint: 'run "pgquake heal" there; if that machine is gone, delete cluster.json from the run folder',
    });
  }
  const rebooted = owner.bootId !== undefined && here.bootId !== undefined && !sameBoot;
  if (rebooted) return undefined;
  if (owner.pidNamespace === undefined || owner.pidNamespace === here.pidNamespace) {
    return (await survivors([owner])).length > 0 ? `pgquake, process ${owner.pid}, which still runs` : undefined;
  }
  const held = owner.locked === true ? await isLocked(folder) : undefined;
  if (held === true) return `pgquake, process ${owner.pid} of another PID namespace, which still runs`;
  if (force || (held === false && !serversAreProcesses)) return undefined;
  throw cannotTell(owner, held === false);
}

function cannotTell({ pid }: Owner, ownerEnded: boolean): EnvironmentError {
  const what = ownerEnded
    ? 'its servers belong to another PID namespace and cannot be seen from this one'
    : `process ${pid} of another PID namespace made it, and whether that still runs cannot be told from this one`;
  return new EnvironmentError(`the cluster is in use, or it cannot be told: ${what}`, {
    code: 'owner-unknown',
    hint: 'run "pgquake heal" where the run was started; once that has ended for certain, "pgquake heal --force" here',
  });
}

function whereAmI(): Pick<Owner, 'bootId' | 'pidNamespace'> {
  if (process.platform !== 'linux') return {};
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { bootId, pidNamespace: readlinkSync('/proc/self/ns/pid') };
  } catch {
    return {};
  }
}

/** A path that is short enough for a socket, however deep the folder lies. Valid until it is disposed of. */
function socketPath(folder: string): { readonly path: string } & Disposable {
  if (process.platform !== 'linux') return { path: join(folder, LOCK), [Symbol.dispose]: () => undefined };
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/${LOCK}`, [Symbol.dispose]: () => closeSync(descriptor) };
}

/** @returns false where the file system has no sockets. */
async function lock(folder: string): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    await rm(join(folder, LOCK), { force: true });
    using socket = socketPath(folder);
    await new Promise<void>((done, failed) => server.once('error', failed).listen(socket.path, done));
    // A client that breaks off is nothing to end for.
    server.removeAllListeners('error').on('error', () => undefined);
  } catch {
    return false;
  }
  locks.set(folder, server);
  return true;
}

/** @returns `undefined` where it cannot be told. */
async function isLocked(folder: string): Promise<boolean | undefined> {
  try {
    using socket = socketPath(folder);
    const client = connect(socket.path);
    const answer = await new Promise<string>((done) => {
      client.setTimeout(ASK_LIMIT_MS, () => done('ETIMEDOUT'));
      client.once('connect', () => done('connected'));
      client.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''));
    });
    client.destroy();
    // A full queue of connections has somebody who listens, if not now.
    if (answer === 'connected' || answer === 'EAGAIN' || answer === 'ETIMEDOUT') return true;
    return answer === 'ECONNREFUSED' ? false : undefined;
  } catch {
    return undefined;
  }
}
