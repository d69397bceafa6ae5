/**
 * A primary and a standby that pgquake has not made: Debian's own tools make them, in containers with other names, other
 * ports, a restart policy and SCRAM, and a user that is no superuser. Each container is a machine with sshd as well.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Address } from '../../src/model/address.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { ownImage } from '../../src/platforms/docker/own-image.ts';
import { Session } from '../../src/sql/session.ts';
import { engine } from './docker.ts';

const PORT = 5499;
const READY_LIMIT_MS = 60_000;
const SSH_PORT = 22;
const CLUSTER = '17 orders';
const SERVICE = 'postgresql@17-orders';
const MACHINES = ['first', 'second'];
const DATA = '/var/lib/postgresql/17/orders';

/** Users of the machines: one may do what pgquake needs there, the other may only log in. */
export type Login = 'ops' | 'guest';

const RIGHTS = [
  '/usr/bin/systemctl',
  '/usr/bin/kill',
  '/usr/sbin/iptables',
  '/usr/sbin/iptables-restore',
  '/usr/sbin/tc',
];
const SYSTEMCTL = readFileSync(join(import.meta.dirname, 'systemctl.sh'), 'utf8');

/** Where a test says no more: other names and ports each time, so that several pairs stand side by side. */
export interface Layout {
  /** Of Compose; containers are `<project>-<service><suffix>`. */
  readonly project: string;
  readonly suffix: string;
  /** At which the servers listen in their containers. */
  readonly port: number;
  /** Ports of this machine at which they are published; free ones by default. */
  readonly published?: readonly [number, number];
  /** A network, and the two addresses in it; as the engine chooses by default. */
  readonly network?: { readonly subnet: string; readonly addresses: readonly [string, string] };
  /** Whether `ops` may do what pgquake needs; true by default. */
  readonly sudo?: boolean;
}

const SERVICES = ['db-a', 'db-b'] as const;

/** The machine's first process. Made at the first start alone; a container that is started again finds its data. */
function script(made: string, publicKey: string, { port, sudo = true }: Layout): string {
  return `set -e
if [ ! -e ${DATA}/PG_VERSION ]; then
  cat > /usr/bin/systemctl <<'SYSTEMCTL'
${SYSTEMCTL}SYSTEMCTL
  chmod 755 /usr/bin/systemctl
  for user in ops guest; do
    useradd --create-home --shell /bin/sh --password '*' $user
    install -d -o $user -m 700 /home/$user/.ssh
    echo '${publicKey}' > /home/$user/.ssh/authorized_keys
  done
  ${sudo ? `echo 'ops ALL=(root) NOPASSWD: ${RIGHTS.join(', ')}' > /etc/sudoers.d/ops` : ''}
  pg_createcluster ${CLUSTER} --port ${port} > /dev/null
  echo "host all,replication all all scram-sha-256" >> /etc/postgresql/17/orders/pg_hba.conf
  echo "listen_addresses = '*'" >> /etc/postgresql/17/orders/postgresql.conf
  ${made}
fi
mkdir -p /run/sshd
/usr/sbin/sshd
systemctl start ${SERVICE}
trap 'systemctl stop ${SERVICE}; exit 0' TERM INT
while true; do sleep 1 & wait $!; done`;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface PairNode {
  readonly container: string;
  /** The port of this machine at which its sshd listens. */
  readonly sshPort: number;
  /** As the user of the application. */
  readonly address: Address;
}

export class StandingPair implements AsyncDisposable {
  readonly password = `secret-${randomBytes(8).toString('hex')}`;
  readonly #layout: Layout;
  readonly name: string;
  readonly #network: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'pgquake-pair-'));
  /** What both machines let `ops` and `guest` in with. */
  readonly key = join(this.#folder, 'key');
  /** For `ssh -F`: both machines, `<node>-<login>`. */
  readonly sshConfig = join(this.#folder, 'ssh_config');
  readonly #containers: Docker.Container[] = [];
  readonly nodes: PairNode[] = [];

  private constructor(layout: Layout) {
    this.#layout = layout;
    this.name = layout.project;
    this.#network = `${this.name}-net`;
    this.insidePort = layout.port;
  }

  static async start(
    layout: Layout = { project: `orders-${randomBytes(4).toString('hex')}`, suffix: '', port: PORT },
  ): Promise<StandingPair> {
    const pair = new StandingPair(layout);
    const { port, suffix, network } = layout;
    try {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', pair.key]);
      const ipam = network && { IPAM: { Config: [{ Subnet: network.subnet }] } };
      await engine.createNetwork({ Name: pair.#network, ...ipam });
      const password = `'${pair.password}'`;
      const first = `pg_ctlcluster ${CLUSTER} start
  su postgres -c "psql -qp ${port}" <<SQL
CREATE ROLE app LOGIN PASSWORD ${password}; GRANT pg_monitor TO app;
CREATE ROLE copier LOGIN REPLICATION PASSWORD ${password};
CREATE DATABASE orders OWNER app;
SELECT pg_create_physical_replication_slot('second');
SQL
  pg_ctlcluster ${CLUSTER} stop`;
      await pair.#node(0, first);
      await pair.#ready(0);
      const from = `host=${pair.name}-db-a${suffix} port=${port} user=copier password=${pair.password}`;
      const second = `rm -rf ${DATA}
  su postgres -c "pg_basebackup --pgdata ${DATA} --write-recovery-conf --slot second --dbname '${from}'"`;
      await pair.#node(1, second);
      await pair.#ready(1);
      pair.#configureSsh();
      return pair;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #node(index: 0 | 1, made: string): Promise<void> {
    const { port: inside, suffix, published, network } = this.#layout;
    const service = SERVICES[index];
    const name = `${this.name}-${service}${suffix}`;
    const publicKey = readFileSync(`${this.key}.pub`, 'utf8').trim();
    const container = await engine.createContainer({
      Image: process.env.PGQUAKE_TEST_IMAGE as string,
      name,
      Entrypoint: ['bash', '-c', script(made, publicKey, this.#layout)],
      Cmd: [],
      Healthcheck: { Test: ['NONE'] },
      // As Compose marks what it makes.
      Labels: { 'com.docker.compose.project': this.name, 'com.docker.compose.service': service },
      ExposedPorts: { [`${inside}/tcp`]: {}, [`${SSH_PORT}/tcp`]: {} },
      HostConfig: {
        NetworkMode: this.#network,
        RestartPolicy: { Name: 'unless-stopped' },
        // A machine filters its own packets.
        CapAdd: ['NET_ADMIN'],
        // One that the engine chooses is another one after a restart.
        PortBindings: {
          [`${inside}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(published?.[index] ?? (await freePort())) }],
          [`${SSH_PORT}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(await freePort()) }],
        },
      },
      ...(network && {
        NetworkingConfig: {
          EndpointsConfig: { [this.#network]: { IPAMConfig: { IPv4Address: network.addresses[index] } } },
        },
      }),
    });
    this.#containers.push(container);
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const port = Number(NetworkSettings.Ports[`${inside}/tcp`]?.[0]?.HostPort);
    const address = { host: '127.0.0.1', port, user: 'app', password: this.password, database: 'orders' };
    const sshPort = Number(NetworkSettings.Ports[`${SSH_PORT}/tcp`]?.[0]?.HostPort);
    this.nodes.push({ container: name, address, sshPort });
  }

  /** A key and known hosts of the test's own; whose they are otherwise is not looked at. */
  #configureSsh(): void {
    const hosts = this.nodes.flatMap(({ sshPort }, i) =>
      (['ops', 'guest'] as const).map((login) => `Host ${MACHINES[i]}-${login}\n  Port ${sshPort}\n  User ${login}\n`),
    );
    writeFileSync(
      this.sshConfig,
      `${hosts.join('')}Host *
  HostName 127.0.0.1
  IdentitiesOnly yes
  IdentityFile ${this.key}
  UserKnownHostsFile ${join(this.#folder, 'known_hosts')}
  StrictHostKeyChecking accept-new
`,
    );
  }

  async #ready(index: number): Promise<void> {
    const giveUpAt = performance.now() + READY_LIMIT_MS;
    for (;;) {
      try {
        await using _session = await this.connect(index);
        return;
      } catch (error) {
        if (performance.now() > giveUpAt) {
          const logs = await this.#containers[index]?.logs({ stdout: true, stderr: true, tail: 20 });
          throw new Error(`${this.nodes[index]?.container} does not start: ${logs}`, { cause: error });
        }
        await sleep(100);
      }
    }
  }

  /**
   * PgBouncer in front of the first one, as Debian has it: it gives each transaction another connection, and keeps no
   * prepared statement. Gone with the pair.
   * @returns its connection string.
   */
  async pooler(size: number): Promise<string> {
    const wanted = { programs: ['pgbouncer'], signal: AbortSignal.timeout(READY_LIMIT_MS), progress: () => undefined };
    const image = await ownImage(DockerClient.fromEnvironment(), 'patroni', wanted);
    const port = await freePort();
    const config = `[databases]
orders = host=${this.nodes[0]?.container} port=${this.insidePort}
[pgbouncer]
listen_addr = 0.0.0.0
auth_type = scram-sha-256
auth_file = /tmp/users.txt
pool_mode = transaction
max_prepared_statements = 0
default_pool_size = ${size}
`;
    const script = `echo '"app" "${this.password}"' > /tmp/users.txt
cat > /tmp/pgbouncer.ini <<'END'
${config}END
exec pgbouncer /tmp/pgbouncer.ini`;
    const container = await engine.createContainer({
      Image: image,
      name: `${this.name}-pooler-${size}`,
      Entrypoint: ['bash', '-c', script],
      Cmd: [],
      ExposedPorts: { '6432/tcp': {} },
      HostConfig: {
        NetworkMode: this.#network,
        PortBindings: { '6432/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
      },
    });
    this.#containers.push(container);
    await container.start();
    return `postgresql://app@127.0.0.1:${port}/orders`;
  }

  connect(index: number): Promise<Session> {
    const { address } = this.nodes[index] as PairNode;
    return Session.connect(address, { applicationName: 'the application', connectTimeoutMs: 5_000 });
  }

  /** What a person reads of one of them in a terminal. */
  async run(index: number, command: string): Promise<string> {
    const container = this.#containers[index] as Docker.Container;
    const exec = await container.exec({
      Cmd: ['bash', '-c', command],
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    });
    const stream = await exec.start({ Tty: true });
    let text = '';
    for await (const part of stream) text += part;
    return text;
  }

  /** As a person does it. @param downMs until he starts it again. */
  async restart(index: number, downMs = 0): Promise<void> {
    const container = this.#containers[index] as Docker.Container;
    await container.stop({ t: 5 });
    await sleep(downMs);
    await container.start();
  }

  /** The port at which each listens in its container. */
  readonly insidePort: number;

  /** Where other containers, and this machine, reach it. */
  async ip(index: number): Promise<string> {
    const { NetworkSettings } = await this.inspect(index);
    return NetworkSettings.Networks[this.#network]?.IPAddress as string;
  }

  inspect(index: number): Promise<Docker.ContainerInspectInfo> {
    return (this.#containers[index] as Docker.Container).inspect();
  }

  /** The user's schema, his rows and all else in his database, as PostgreSQL's own program writes it down. */
  dump(): Promise<string> {
    // Each dump has another random word in two of its lines.
    return this.run(
      0,
      `su postgres -c 'pg_dump --port ${this.insidePort} orders' | grep -v -e '^.restrict' -e '^.unrestrict'`,
    );
  }

  /** What of his tables was written so far, and what else is on the servers that a reader would not leave there. */
  async written(): Promise<unknown> {
    await using session = await this.connect(0);
    return await session.query(`
      SELECT (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::int FROM pg_stat_user_tables),
             (SELECT count(*)::int FROM pg_replication_slots), (SELECT count(*)::int FROM pg_roles),
             (SELECT count(*)::int FROM pg_namespace), (SELECT count(*)::int FROM pg_class)`);
  }

  /** An inventory of both, as its author writes it: without the password. */
  inventory(nodes: readonly string[] = MACHINES): string {
    const lines = this.nodes.map(({ container, address: { host, port } }, i) => {
      return `  ${nodes[i]}: { url: "postgresql://app@${host}:${port}/orders", docker: ${container} }`;
    });
    return `name: orders\npassword-env: ORDERS_PASSWORD\nnodes:\n${lines.join('\n')}\n`;
  }

  /** The same, with nodes that are services of machines. */
  sshInventory(login: Login = 'ops'): string {
    const lines = this.nodes.map(({ container, address: { host, port } }, i) => {
      const ssh = `{ to: ${MACHINES[i]}-${login}, service: ${SERVICE}, config: ${this.sshConfig}, undo-after: 5s }`;
      return `  ${MACHINES[i]}: { url: "postgresql://app@${host}:${port}/orders", peer: "${container}:${this.insidePort}", ssh: ${ssh} }`;
    });
    return `name: orders\npassword-env: ORDERS_PASSWORD\nnodes:\n${lines.join('\n')}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    await Promise.all(this.#containers.map((container) => container.remove({ force: true, v: true })));
    await engine.getNetwork(this.#network).remove();
  }
}
