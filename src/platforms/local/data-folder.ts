/** Where the nodes' data lie while a cluster lives: one folder for all of them, removed with the cluster. */

import { randomBytes } from 'node:crypto';
import { chown, mkdir, realpath, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import type { Account } from './account.ts';
import { copyTemplate, type Template } from './template.ts';

const MEMORY_FOLDER = '/dev/shm';
/** Type of a file system that lies in memory, from Linux's magic.h. */
const TMPFS_MAGIC = 0x01021994;
/** A node begins with 10 MB, and its write-ahead log grows to 64 MB. */
const BYTES_PER_NODE = 128 * 2 ** 20;

const PREFIX = 'pgquake-';
/** In the folder of a node that runs programs: where they keep what must outlive them. */
export const DATA = 'data';

/** Whether a path has the form of those that `DataRoot` chooses: guards what is removed on a file's word. */
export function isDataRoot(path: string): boolean {
  return isAbsolute(path) && /^pgquake-[0-9a-f]{16}$/.test(basename(path));
}

export interface FreeSpace {
  /** `undefined` where the folder is no file system in memory. */
  readonly freeBytes: number | undefined;
  readonly availableMemoryBytes: number;
}

/**
 * `TMPDIR` where it is set; else memory, so that the machine's disk has no part in what is measured and a
 * node is copied in no time; else, where memory is scarce, the system's folder for temporary files.
 */
export function dataParent(nodes: number, tmpdirVariable: string | undefined, memory: FreeSpace): string {
  if (tmpdirVariable) return tmpdirVariable;
  const needed = nodes * BYTES_PER_NODE;
  const fits =
    memory.freeBytes !== undefined && memory.freeBytes >= needed && memory.availableMemoryBytes >= 2 * needed;
  return fits ? MEMORY_FOLDER : tmpdir();
}

export class DataRoot {
  readonly folder: string;
  readonly #parent: string;
  #made = false;

  private constructor(folder: string, parent: string) {
    this.folder = folder;
    this.#parent = parent;
  }

  /** Chooses a path that nobody else has, and makes nothing yet: what is made must be on record before. */
  static async choose(nodes: number): Promise<DataRoot> {
    const stats = await statfs(MEMORY_FOLDER).catch(() => undefined);
    const parent = dataParent(nodes, process.env.TMPDIR, {
      freeBytes: stats?.type === TMPFS_MAGIC ? stats.bavail * stats.bsize : undefined,
      availableMemoryBytes: process.availableMemory(),
    });
    // Without links, as the operating system tells a process's working directory.
    const real = await realpath(parent).catch(() => parent);
    return new DataRoot(join(real, `${PREFIX}${randomBytes(8).toString('hex')}`), parent);
  }

  /** @throws EnvironmentError when the folder cannot be made. */
  async make(account: Account | undefined): Promise<void> {
    try {
      // Fails where it exists already: it would be somebody else's.
      await mkdir(this.folder, { mode: 0o700 });
      this.#made = true;
      if (account) await chown(this.folder, account.uid, account.gid);
    } catch (error) {
      throw unusable(this.#parent, account, error);
    }
  }

  /**
   * A fresh data folder for one node.
   * @throws EnvironmentError when it cannot be made.
   */
  async addNode(name: NodeName, template: Template, signal: AbortSignal): Promise<string> {
    try {
      return await copyTemplate(template, this.folder, name, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw unusable(this.#parent, template.account, error);
    }
  }

  /** An empty folder for one node that runs programs. @throws EnvironmentError when it cannot be made. */
  async addFolder(name: NodeName, account: Account | undefined): Promise<string> {
    const folder = join(this.folder, name);
    try {
      await mkdir(folder, { mode: 0o700 });
      if (account) await chown(folder, account.uid, account.gid);
      return folder;
    } catch (error) {
      throw unusable(this.#parent, account, error);
    }
  }

  /** Harmless twice, and where the folder could not be made. */
  async remove(): Promise<void> {
    if (this.#made) await rm(this.folder, { recursive: true, force: true });
  }
}

function unusable(parent: string, account: Account | undefined, error: unknown): EnvironmentError {
  const user = account ? ` by the account ${account.name}, which runs the servers` : '';
  return new EnvironmentError(`the folder for temporary files, ${parent}, cannot be used${user}: ${errorText(error)}`, {
    code: 'temporary-folder-unusable',
    hint: 'set TMPDIR to a folder that this account can enter and write to, with 128 MB free for each node',
    cause: error,
  });
}
