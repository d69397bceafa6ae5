/** The folder with the data of all nodes, removed with their cluster. */

import { randomBytes } from 'node:crypto';
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { chown, mkdir, realpath, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { atALimit, EnvironmentError, errorText, isShortOfDescriptors } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import { type Account, mustEnter } from './account.ts';
import { copyTemplate, type Template } from './template.ts';

const MEMORY_FOLDER = '/dev/shm';
/** The type of an in-memory file system, from Linux's magic.h. */
const TMPFS_MAGIC = 0x01021994;
/** A node starts with 10 MB, and its WAL grows to 64 MB. */
const BYTES_PER_NODE = 128 * 2 ** 20;
/** Without descriptors. */
const REMOVE_LIMIT_MS = 2_000;

const PREFIX = 'pgquake-';
/** In the folder of a node that runs programs: the data that outlives them. */
export const DATA = 'data';

/** Whether `DataRoot` can have chosen a path: a guard before removing what a file names. */
export function isDataRoot(path: string): boolean {
  return isAbsolute(path) && /^pgquake-[0-9a-f]{16}$/.test(basename(path));
}

export interface FreeSpace {
  /** `undefined` if the folder is not an in-memory file system. */
  readonly freeBytes: number | undefined;
  readonly availableMemoryBytes: number;
}

/**
 * `TMPDIR` if it is set; else memory, so that copying a node is fast and the disk does not affect measurements; else, if
 * memory is scarce, the system's temporary folder.
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

  /** Chooses a unique path without making it: the caller records it first. */
  static async choose(nodes: number): Promise<DataRoot> {
    const stats = await statfs(MEMORY_FOLDER).catch(() => undefined);
    const parent = dataParent(nodes, process.env.TMPDIR, {
      freeBytes: stats?.type === TMPFS_MAGIC ? stats.bavail * stats.bsize : undefined,
      availableMemoryBytes: process.availableMemory(),
    });
    // Without links, as the operating system reports working directories.
    const real = await realpath(parent).catch(() => parent);
    return new DataRoot(join(real, `${PREFIX}${randomBytes(8).toString('hex')}`), parent);
  }

  /** Makes a folder as `make` does, and removes it. @throws as `make`. */
  static async tryOut(account: Account | undefined): Promise<void> {
    const root = await DataRoot.choose(1);
    await root.make(account).finally(() => root.remove());
  }

  /** @throws EnvironmentError when the folder cannot be made, or the account cannot enter it. */
  async make(account: Account | undefined): Promise<void> {
    try {
      await stat(this.#parent);
      await mustEnter(this.#parent, account);
      // Fails if it exists already: it would belong to another program.
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
      throw error instanceof EnvironmentError ? error : unusable(this.#parent, template.account, error);
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

  /** Harmless twice, and if the folder could not be made. */
  async remove(): Promise<void> {
    if (!this.#made) return;
    await rm(this.folder, { recursive: true, force: true }).catch(async (error: unknown) => {
      if (!isShortOfDescriptors(error)) throw error;
      await removeWithOneDescriptor(this.folder);
    });
  }
}

/** Has one folder open at a time, where `rm` has several. */
async function removeWithOneDescriptor(folder: string): Promise<void> {
  // What is left of `rm` may still have it open.
  const failure = await until({ limitMs: REMOVE_LIMIT_MS }, async () => {
    try {
      removeOneByOne(folder);
      return undefined;
    } catch (error) {
      return error;
    }
  });
  if (failure !== undefined) throw failure;
}

function removeOneByOne(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOneByOne(path);
    else unlinkSync(path);
  }
  rmdirSync(folder);
}

function unusable(parent: string, account: Account | undefined, error: unknown): EnvironmentError {
  const limit = atALimit(error);
  if (limit) return limit;
  const user = account ? ` by the account ${account.name}, which runs the servers` : '';
  return new EnvironmentError(`the temporary folder ${parent} cannot be used${user}: ${errorText(error)}`, {
    code: 'temporary-folder-unusable',
    hint: `set TMPDIR to a folder that ${account ? 'this account' : 'you'} can enter and write to, with 128 MB free for each node`,
    cause: error,
  });
}
