/**
 * Replaces the data of a stopped container by a copy of another's, or some of its files. A helper container with the volumes
 * of both does that: a stopped container runs nothing.
 */

import { posix } from 'node:path';
import type { NodeControl, NodeData } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { connInfoText } from '../../sql/quote.ts';
import { shellWord } from '../shell-word.ts';
import type { DockerClient } from './client.ts';
import { POSTGRES_PORT } from './compose.ts';
import { mustRun, runHelper } from './helper.ts';

/** Where the helper mounts the volumes. */
const SOURCE = '/source';
const TARGET = '/target';
/** Files that a running server removed during the copy are not needed. */
const VANISHED = 'No such file or directory';

export interface DataVolume {
  /** The volume's name. */
  readonly volume: string;
  /** The data folder in it, relative to its root. */
  readonly folder: string;
}

export interface DockerDataOptions {
  readonly client: DockerClient;
  readonly image: () => Promise<string>;
  readonly project: () => string | undefined;
  readonly containerName: () => string;
  readonly volume: () => Promise<DataVolume>;
  /** The volume of another node; `undefined` if that is not a container. */
  readonly volumeOf: (node: NodeControl) => Promise<DataVolume> | undefined;
  /** The container of another node, likewise. */
  readonly containerOf: (node: NodeControl) => string | undefined;
}

/** The volume with the data folder among a container's mounts. */
export function dataVolume(
  mounts: readonly { readonly Name?: string | undefined; readonly Destination: string }[],
  dataFolder: string,
): DataVolume | undefined {
  const holding = mounts.find(({ Name, Destination }) => Name !== undefined && within(Destination, dataFolder));
  return holding && { volume: holding.Name as string, folder: posix.relative(holding.Destination, dataFolder) };
}

function within(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

export class DockerData implements NodeData {
  readonly #options: DockerDataOptions;

  constructor(options: DockerDataOptions) {
    this.#options = options;
  }

  async copyFrom(source: NodeControl): Promise<void> {
    const { containerName, volume, volumeOf } = this.#options;
    const [from, to] = [await volumeOf(source), await volume()];
    if (!from) {
      throw new EnvironmentError(`${source.name} is not a container, so its data cannot be copied`, {
        code: 'copy-failed',
      });
    }
    const [fromFolder, toFolder] = [posix.join(SOURCE, from.folder), posix.join(TARGET, to.folder)].map(shellWord);
    await this.#run(`copy the data of ${source.name} to ${containerName()}`, {
      binds: [`${from.volume}:${SOURCE}:ro`, `${to.volume}:${TARGET}`],
      script: `
        cd ${toFolder} && find . -mindepth 1 -delete &&
        { cp -a ${fromFolder}/. . 2>/tmp/missed || ! grep -v ${shellWord(VANISHED)} /tmp/missed; } &&
        rm -rf postmaster.pid postmaster.opts pg_replslot/* pg_dynshmem/* pg_stat_tmp/*`,
    });
  }

  async rewind(source: NodeControl): Promise<string | undefined> {
    const { client, image, project, containerName, volume, containerOf } = this.#options;
    const containerId = containerOf(source);
    if (containerId === undefined) return `${source.name} is not a container`;
    const { volume: name, folder } = await volume();
    const { user, password, database } = source.address();
    const server = connInfoText({ host: '127.0.0.1', port: POSTGRES_PORT, user, password, dbname: database });
    const data = shellWord(posix.join(TARGET, folder));
    // As the owner of the data: pg_rewind refuses to run as root.
    const program = `exec "$(command -v pg_rewind)" --target-pgdata=${data} --source-server=${shellWord(server)}`;
    const { exitCode, output } = await runHelper(client, {
      what: `rewind the data of ${containerName()} to those of ${source.name}`,
      image: await image(),
      project: project(),
      containerId,
      binds: [`${name}:${TARGET}`],
      script: `
        command -v pg_rewind > /dev/null || { echo pg_rewind is missing; exit 1; }
        su "$(stat -c %U ${data}/PG_VERSION)" -s /bin/sh -c "export PATH='$PATH'; "${shellWord(program)} &&
        cd ${data} && rm -rf postmaster.opts pg_replslot/*`,
    });
    return exitCode === 0 ? undefined : (output.split('\n').at(-1) ?? `exit code ${exitCode}`);
  }

  async write(files: Readonly<Record<string, string | undefined>>): Promise<void> {
    const { containerName, volume } = this.#options;
    const { volume: name, folder } = await volume();
    const scripts = Object.entries(files).map(([file, text]) => {
      const path = shellWord(file);
      if (text === undefined) return `rm -f ${path}`;
      const encoded = shellWord(Buffer.from(text).toString('base64'));
      return `echo ${encoded} | base64 -d > ${path} && chmod 600 ${path} && chown --reference=PG_VERSION ${path}`;
    });
    await this.#run(`write ${Object.keys(files).join(', ')} of ${containerName()}`, {
      binds: [`${name}:${TARGET}`],
      script: [`cd ${shellWord(posix.join(TARGET, folder))}`, ...scripts].join(' && '),
    });
  }

  async #run(what: string, task: { readonly binds: readonly string[]; readonly script: string }): Promise<void> {
    const { client, image, project } = this.#options;
    await mustRun(client, { what, image: await image(), project: project(), ...task });
  }
}
