/** Records which pgquake owns a cluster, so that no other removes it during the run. */

import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { filesIn } from '../disk/files-in.ts';
import { EnvironmentError } from '../model/errors.ts';
import { processOf, survivors } from './local/processes.ts';

/**
 * A listening socket in the cluster's folder while its pgquake runs. The kernel closes it however the process ends, and
 * processes of any PID namespace can connect to it.
 */
const LOCK = 'owner.sock';
const ASK_LIMIT_MS = 2_000;

/** A process id means nothing on another machine or in another namespace, and little without its start time. */
export const ownerSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  startTime: z.string(),
  /** Linux only, as are the next two. */
  bootId: z.string().exactOptional(),
  pidNamespace: z.string().exactOptional(),
  /** Whether the folder has the socket. Older versions do not write this. */
  locked: z.boolean().exactOptional(),
});

export type Owner = z.infer<typeof ownerSchema>;

const locks = new Map<string, Server>();

/** Makes this process the owner of a folder's cluster until `disown`. */
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
  filesIn(folder).remove(join(folder, LOCK));
}

export interface OwnerQuestion {
  /** Whether the servers are processes of the owner's PID namespace, and can only be removed from there. */
  readonly serversAreProcesses: boolean;
  /** Treats an owner whose state is unknown as ended. False by default. */
  readonly force?: boolean;
}

/**
 * @returns the owner of a folder's cluster in words if it is running, else `undefined`.
 * @throws EnvironmentError when this process cannot tell.
 */
export async function runningOwner(
  owner: Owner,
  folder: string,
  { serversAreProcesses, force = false }: OwnerQuestion,
): Promise<string | undefined> {
  const here = whereAmI();
  const sameBoot = owner.bootId !== undefined && owner.bootId === here.bootId;
  if (!sameBoot && owner.host !== hostname()) {
    throw new EnvironmentError(`the cluster was made on the machine ${owner.host}, but this is ${hostname()}`, {
      code: 'other-machine',
      hint: 'run "pgquake heal" there; if that machine is gone, delete cluster.json from the run folder',
    });
  }
  const rebooted = owner.bootId !== undefined && here.bootId !== undefined && !sameBoot;
  if (rebooted) return undefined;
  if (owner.pidNamespace === undefined || owner.pidNamespace === here.pidNamespace) {
    return (await survivors([owner])).length > 0 ? `pgquake, process ${owner.pid}, which is still running` : undefined;
  }
  const held = owner.locked === true ? await isLocked(folder) : undefined;
  if (held === true) return `pgquake, process ${owner.pid} of another PID namespace, which is still running`;
  if (force || (held === false && !serversAreProcesses)) return undefined;
  throw cannotTell(owner, held === false);
}

function cannotTell({ pid }: Owner, ownerEnded: boolean): EnvironmentError {
  const what = ownerEnded
    ? 'its servers run in another PID namespace, invisible from here'
    : `process ${pid} of another PID namespace made it, and pgquake cannot see from here whether that is running`;
  return new EnvironmentError(`the cluster may be in use: ${what}`, {
    code: 'owner-unknown',
    hint: 'run "pgquake heal" where the run was started; or, once that run has certainly ended, "pgquake heal --force" here',
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

/** A path to the socket within the kernel's length limit, however deep the folder. Valid until disposal. */
function socketPath(folder: string): { readonly path: string } & Disposable {
  if (process.platform !== 'linux') return { path: join(folder, LOCK), [Symbol.dispose]: () => undefined };
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/${LOCK}`, [Symbol.dispose]: () => closeSync(descriptor) };
}

/** @returns false if the file system has no sockets. */
async function lock(folder: string): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    filesIn(folder).remove(join(folder, LOCK));
    using socket = socketPath(folder);
    await new Promise<void>((done, failed) => server.once('error', failed).listen(socket.path, done));
    // A client that disconnects must not end this process.
    server.removeAllListeners('error').on('error', () => undefined);
  } catch {
    return false;
  }
  locks.set(folder, server);
  return true;
}

/** @returns `undefined` if unknown. */
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
    // With a full queue of connections, the owner is alive but slow.
    if (answer === 'connected' || answer === 'EAGAIN' || answer === 'ETIMEDOUT') return true;
    return answer === 'ECONNREFUSED' ? false : undefined;
  } catch {
    return undefined;
  }
}
