/**
 * Docker tests run on a real engine, with the image that PGQUAKE_TEST_IMAGE names. Where either is
 * missing they are skipped, and one line says so; with PGQUAKE_REQUIRE_DOCKER=1 they fail instead.
 */

import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import Docker from 'dockerode';
import type { Address } from '../../src/model/address.ts';

export const engine = new Docker();

/** @returns why Docker tests cannot run here, `undefined` when they can. Call it once a file. */
export async function dockerMissing(file: string): Promise<string | undefined> {
  const reason = await missing();
  if (reason === undefined) return undefined;
  if (process.env.PGQUAKE_REQUIRE_DOCKER === '1') throw new Error(`Docker tests must run, but ${reason}`);
  // Not through the console, which the test runner wraps in several lines.
  writeSync(2, `skipped ${file}: ${reason}\n`);
  return reason;
}

async function missing(): Promise<string | undefined> {
  const image = process.env.PGQUAKE_TEST_IMAGE;
  if (!image) return 'PGQUAKE_TEST_IMAGE does not name an image (.ci/docker/images.sh builds one)';
  try {
    await engine.ping();
  } catch {
    return 'no Docker engine answers';
  }
  try {
    await engine.getImage(image).inspect();
    return undefined;
  } catch {
    return `the Docker engine has no image ${image}`;
  }
}

/** One server in a container, on the image under test; gone, with its volume, when disposed of. */
export async function oneServer() {
  // Its helper that removes containers comes in an image of its own, which may not be to be had here.
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  const container = await new PostgreSqlContainer(process.env.PGQUAKE_TEST_IMAGE as string).start();
  const address: Address = {
    host: container.getHost(),
    port: container.getPort(),
    user: container.getUsername(),
    password: container.getPassword(),
    database: container.getDatabase(),
  };
  return {
    id: container.getId(),
    address,
    async [Symbol.asyncDispose]() {
      await container.stop({ remove: true, removeVolumes: true });
    },
  };
}

/** A folder that stands for a run's; gone with its scope. */
export class RunFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'pgquake-docker-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Stands between pgquake and the engine, so that the engine can be gone for a while. */
export class EngineProxy implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pgquake-proxy-'));
  readonly #path = join(this.#folder, 'engine.sock');
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** For DOCKER_HOST. */
  readonly host = `unix://${this.#path}`;

  async open(): Promise<void> {
    const { socketPath } = engine.modem as { socketPath?: string | (() => Promise<string>) };
    const path = typeof socketPath === 'function' ? await socketPath() : (socketPath as string);
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ path, allowHalfOpen: true });
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket));
      }
      client.pipe(upstream).pipe(client);
    });
    await new Promise<void>((listening) => this.#server?.listen(this.#path, listening));
  }

  /** From now on nobody answers, and what was under way is cut off. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((closed) => {
      if (this.#server) this.#server.close(() => closed());
      else closed();
    });
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @returns the Compose project of the cluster that the run of this folder made. */
export function projectOf(runFolder: string): string {
  const text = readFileSync(join(runFolder, 'docker-compose.yml'), 'utf8');
  const [, project] = /pgquake\.project: (\S+)/.exec(text) as RegExpExecArray;
  return project as string;
}

/** All that carries a project's name or label on the engine: containers, networks, volumes. */
export async function traces(project: string): Promise<string[]> {
  const [containers, networks, { Volumes }] = await Promise.all([
    engine.listContainers({ all: true }),
    engine.listNetworks(),
    engine.listVolumes(),
  ]);
  const belongs = (name: string, labels?: Record<string, string> | null) =>
    name.includes(project) || Object.values(labels ?? {}).includes(project);
  return [
    ...containers.filter(({ Names, Labels }) => belongs(Names.join(), Labels)).map(({ Names }) => Names.join()),
    ...networks.filter(({ Name, Labels }) => belongs(Name, Labels)).map(({ Name }) => Name),
    ...(Volumes ?? []).filter(({ Name, Labels }) => belongs(Name, Labels)).map(({ Name }) => Name),
  ];
}

/** Anonymous volumes have no label; only their number tells whether one stayed behind. */
export async function mountedVolumes(project: string): Promise<string[]> {
  const containers = await engine.listContainers({ all: true, filters: { label: [`pgquake.project=${project}`] } });
  return containers.flatMap(({ Mounts }) => Mounts.map(({ Name }) => Name as string));
}

export async function volumeExists(name: string): Promise<boolean> {
  return engine
    .getVolume(name)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}
