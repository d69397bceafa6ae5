/** Two members under a Patroni that pgquake has not made, with an etcd of their own; their names are no names of nodes. */

import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { Address } from '../../src/model/address.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { ownImage } from '../../src/platforms/docker/own-image.ts';
import { Session } from '../../src/sql/session.ts';
import { engine } from './docker.ts';
import { freePort } from './standing-pair.ts';

const READY_LIMIT_MS = 90_000;
const [PORT, REST_PORT] = [5432, 8008];
const LETTERS = ['a', 'b'] as const;

/** Where a test says no more: another name each time, so that several clusters stand side by side. */
export interface PatroniLayout {
  readonly name: string;
  /** Of both members; `<name>-a` and `<name>-b` by default. */
  readonly containers?: readonly [string, string];
  /** A network, and the two addresses in it; as the engine chooses by default. */
  readonly network?: { readonly subnet: string; readonly addresses: readonly [string, string] };
}

export class StandingPatroni implements AsyncDisposable {
  readonly password = `secret-${randomBytes(8).toString('hex')}`;
  readonly name: string;
  readonly #layout: PatroniLayout;
  readonly #image: string;
  readonly #containers: Docker.Container[] = [];
  readonly #ports: { readonly sql: number; readonly rest: number }[] = [];

  private constructor(image: string, layout: PatroniLayout) {
    this.#image = image;
    this.#layout = layout;
    this.name = layout.name;
  }

  static async start(
    layout: PatroniLayout = { name: `shop-${randomBytes(4).toString('hex')}` },
  ): Promise<StandingPatroni> {
    const signal = AbortSignal.timeout(READY_LIMIT_MS);
    const wanted = { programs: ['patroni', 'etcd'], signal, progress: () => undefined };
    const cluster = new StandingPatroni(await ownImage(DockerClient.fromEnvironment(), 'patroni', wanted), layout);
    const { network } = layout;
    try {
      const ipam = network && { IPAM: { Config: [{ Subnet: network.subnet }] } };
      await engine.createNetwork({ Name: cluster.#network, ...ipam });
      const etcd = `${cluster.name}-etcd`;
      await cluster.#run(etcd, [
        'etcd',
        '--data-dir=/var/lib/etcd/data',
        '--listen-client-urls=http://0.0.0.0:2379',
        `--advertise-client-urls=http://${etcd}:2379`,
      ]);
      for (const index of [0, 1] as const) await cluster.#member(index, etcd);
      await cluster.#untilSteady(signal);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #network(): string {
    return `${this.name}-net`;
  }

  async #member(index: 0 | 1, etcd: string): Promise<void> {
    const letter = LETTERS[index];
    const { containers, network } = this.#layout;
    const container = containers?.[index] ?? `${this.name}-${letter}`;
    const ip = network?.addresses[index];
    const host = ip ?? container;
    const login = (username: string) => ({ username, password: this.password });
    const config = {
      scope: this.name,
      name: `member_${letter}`,
      restapi: { listen: `0.0.0.0:${REST_PORT}`, connect_address: `${host}:${REST_PORT}` },
      etcd3: { hosts: [`${etcd}:2379`] },
      bootstrap: {
        // As patient with a busy etcd as this ttl allows: nobody is to lose the leader key without a fault.
        dcs: { ttl: 20, loop_wait: 1, retry_timeout: 9, postgresql: { use_pg_rewind: true, use_slots: true } },
        initdb: [{ encoding: 'UTF8' }, 'no-sync'],
      },
      postgresql: {
        listen: `0.0.0.0:${PORT}`,
        connect_address: `${host}:${PORT}`,
        data_dir: '/var/lib/postgresql/data-of-shop',
        pgpass: '/tmp/pgpass',
        authentication: { superuser: login('postgres'), replication: login('copier') },
        parameters: { unix_socket_directories: '/tmp', wal_log_hints: 'on' },
        pg_hba: ['local all all trust', 'host all,replication all all scram-sha-256'],
      },
    };
    const [sql, rest] = [await freePort(), await freePort()];
    this.#ports.push({ sql, rest });
    const script = `cat > /tmp/patroni.yml <<'END'\n${JSON.stringify(config)}\nEND\nexec patroni /tmp/patroni.yml`;
    await this.#run(container, ['bash', '-c', script], { [PORT]: sql, [REST_PORT]: rest }, ip);
  }

  async #run(
    name: string,
    command: string[],
    ports: Readonly<Record<number, number>> = {},
    ip?: string,
  ): Promise<void> {
    const bindings = Object.entries(ports).map(([inside, outside]) => [
      `${inside}/tcp`,
      [{ HostIp: '127.0.0.1', HostPort: String(outside) }],
    ]);
    const container = await engine.createContainer({
      Image: this.#image,
      name,
      Entrypoint: command,
      Cmd: [],
      ExposedPorts: Object.fromEntries(bindings.map(([port]) => [port, {}])),
      HostConfig: { NetworkMode: this.#network, PortBindings: Object.fromEntries(bindings) },
      ...(ip && { NetworkingConfig: { EndpointsConfig: { [this.#network]: { IPAMConfig: { IPv4Address: ip } } } } }),
    });
    this.#containers.push(container);
    await container.start();
  }

  /** One leader and a standby that streams, as Patroni has it. */
  async #untilSteady(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { members = [] } = await fetch(`${this.rest}/cluster`)
        .then((answer) => answer.json() as Promise<{ members?: { role: string; state: string }[] }>)
        .catch(() => ({ members: [] }));
      const states = members.map(({ role, state }) => `${role} ${state}`).sort();
      if (states.join() === 'leader running,replica streaming') return;
      if (signal.aborted) throw new Error(`Patroni is not steady: ${JSON.stringify(members)}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** The REST address of the first member; the other one's is known inside of the network alone. */
  get rest(): string {
    return `http://127.0.0.1:${this.#ports[0]?.rest}`;
  }

  address(index: number): Address {
    const port = this.#ports[index]?.sql as number;
    return { host: '127.0.0.1', port, user: 'postgres', password: this.password, database: 'postgres' };
  }

  connect(index: number): Promise<Session> {
    return Session.connect(this.address(index), { applicationName: 'the application', connectTimeoutMs: 5_000 });
  }

  inventory(): string {
    const nodes = ['a', 'b'].map(
      (letter, i) =>
        `  db-${letter}: { url: "postgresql://postgres@127.0.0.1:${this.#ports[i]?.sql}/postgres", docker: ${this.name}-${letter} }`,
    );
    return `name: shop\npatroni: ${this.rest}\nnodes:\n${nodes.join('\n')}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#containers.map((container) => container.remove({ force: true, v: true })));
    await engine.getNetwork(this.#network).remove();
  }
}
