/**
 * Fills and frees the file system of a container's data folder, if it has a fixed size. An ordinary volume is on the disk of
 * the engine's machine, which must never be filled.
 */

import type { DiskSpace, NodeDisk } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { formatBytes } from '../../model/units.ts';
import { shellWord } from '../shell-word.ts';
import type { DockerClient } from './client.ts';
import type { ExecResult } from './exec.ts';
import { mustRun } from './helper.ts';

/** Always left free: eight table pages, far less than a WAL segment. */
const RESERVE_BYTES = 2 ** 16;
/** A larger file system is taken for a real disk. */
const MAX_SIZE_BYTES = 8 * 2 ** 30;
/** This share of the file must be free after its removal; the server may use the rest at once. */
const FREED_SHARE = 0.9;
const FILL_LIMIT_MS = 60_000;

export interface DiskOptions {
  readonly client: DockerClient;
  readonly containerId: string;
  readonly image: () => Promise<string>;
  readonly project: () => string | undefined;
  readonly containerName: () => string;
  /** The server's data folder in the container. */
  readonly dataFolder: () => string;
  readonly run: (what: string, command: readonly string[], limitMs: number) => Promise<ExecResult>;
}

export class DockerDisk implements NodeDisk {
  readonly #options: DiskOptions;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  async refusal(): Promise<string | undefined> {
    const { containerName, dataFolder } = this.#options;
    // /etc/hosts is on the engine's disk.
    const [data, engines, space] = (
      await this.#sh(
        'inspect the file systems',
        `stat -c %d ${this.#folder} /etc/hosts && stat -f -c '%b %a %S' ${this.#folder}`,
      )
    ).split('\n');
    const { totalBytes } = parseSpace(space);
    const where = `the data of ${containerName()} in ${dataFolder()}`;
    if (data === engines) return `${where} are on the disk of the Docker engine, not on a file system of fixed size`;
    if (totalBytes <= MAX_SIZE_BYTES) return undefined;
    return `${where} are on a file system of ${formatBytes(totalBytes)}; pgquake fills at most ${formatBytes(MAX_SIZE_BYTES)}`;
  }

  async fill(mark: string, share: number): Promise<void> {
    const refusal = await this.refusal();
    if (refusal !== undefined) throw new EnvironmentError(refusal, { code: 'disk-shared' });
    const { totalBytes, freeBytes } = await this.seen();
    const leave = Math.max(RESERVE_BYTES, Math.round(totalBytes * (1 - share)));
    const bytes = freeBytes - leave;
    if (bytes <= 0) {
      throw new EnvironmentError(
        `the disk of ${this.#options.containerName()} has only ${formatBytes(freeBytes)} free, and ${formatBytes(leave)} must stay free`,
        { code: 'disk-full-already' },
      );
    }
    const file = this.#file(mark);
    const size = `$(($(stat -f -c '%a * %S' ${this.#folder}) - ${leave}))`;
    // A busy server may take space in between, so the free space is read again for each attempt.
    const once = `size=${size}; fallocate -l $size ${file} || head -c $size /dev/zero > ${file}`;
    await this.#sh(
      'fill the disk',
      `for try in 1 2 3 4 5 6 7 8 9; do { ${once}; } 2>/dev/null && exit 0; rm -f ${file}; done; ${once}`,
    );
  }

  async seen(): Promise<DiskSpace> {
    return parseSpace(await this.#sh('inspect the disk', `stat -f -c '%b %a %S' ${this.#folder}`));
  }

  /** By a helper container: the server may have exited for want of space. */
  async free(mark: string): Promise<number> {
    const { client, containerId, containerName, image, project } = this.#options;
    const free = `stat -f -c '%a * %S' ${this.#folder}`;
    const file = this.#file(mark);
    const output = await mustRun(client, {
      what: `free the disk of ${containerName()}`,
      image: await image(),
      volumesFrom: containerId,
      project: project(),
      mark,
      script: `size=0; [ ! -e ${file} ] || size=$(stat -c %s ${file}); before=$(($(${free}))); rm -f ${file} && echo "$size $(($(${free}) - before))"`,
    });
    const [size = Number.NaN, freed = Number.NaN] = output.split(' ').map(Number);
    // Without the file nothing is freed, and the server may take space in between.
    if (size === 0 || freed >= size * FREED_SHARE) return size;
    throw new EnvironmentError(`the disk of ${containerName()} is not free again: ${output}`, { code: 'not-healed' });
  }

  get #folder(): string {
    return shellWord(this.#options.dataFolder());
  }

  #file(mark: string): string {
    return shellWord(`${this.#options.dataFolder()}/${mark}.fill`);
  }

  async #sh(what: string, script: string): Promise<string> {
    const { exitCode, output } = await this.#options.run(what, ['sh', '-c', script], FILL_LIMIT_MS);
    if (exitCode === 0) return output.trim();
    throw new EnvironmentError(`could not ${what}: ${output.replace(/\s+/g, ' ')}`, { code: 'disk-unreadable' });
  }
}

/** Total blocks, free blocks and the block size. */
function parseSpace(text = ''): DiskSpace {
  const [total, free, size] = text.split(' ').map(Number) as [number, number, number];
  return { totalBytes: total * size, freeBytes: free * size };
}
