/**
 * Nodes of one inventory on two Docker engines of this machine: that of every day, and one with a data folder, a socket
 * and certificates of its own. Containers have the embedded PostgreSQL and the network of the machine.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Session } from '../../src/sql/session.ts';
import { copyAsStandby, initialise, untilAnswers } from '../support/bare-server.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, engine } from '../support/docker.ts';
import { freePort } from '../support/standing-pair.ts';

/** An engine of one's own takes root, and its program. */
const canStart = process.getuid?.() === 0 && existsSync('/proc/self/cgroup') && hasProgram();
const missing = await dockerMissing('test/integration/two-engines.test.ts');
if (!canStart && process.env.PGQUAKE_REQUIRE_DOCKER === '1') throw new Error('a second engine takes root and dockerd');

const IMAGE = 'pgquake-test-nothing';
const BRIDGE = 'pgquake-test';
/** That of the engine of every day. */
const hasBridge = () => existsSync('/sys/class/net/docker0');
const LIMIT_MS = 30_000;

const SCENARIO = `name: two-engines
summary: The standby is killed on one engine, then the primary on the other.
cluster: { attach: inventory.yaml, confirm: two }
workload: { use: ledger, read: { rate: 5/s }, scan: { rate: 1/s }, write: { rate: 5/s } }
probes: { rate: 5/s }
steady-state: { for: 1s }
faults:
  - { fault: node-kill, target: { role: standby }, at: 0s, for: 1s }
  - { fault: node-kill, target: { role: primary }, at: 4s, for: 30s }
settle: { within: 15s }
hypothesis:
  - { check: no-lost-writes }
  - { check: healed }
`;

describe.skipIf(missing !== undefined || !canStart)('a cluster on two engines', () => {
  let place: Workplace;
  let second: SecondEngine;
  let far: Docker.Container;
  let near: Docker.Container;
  let ports: readonly [number, number];
  const hadBridge = hasBridge();

  const at = (port: number) => ({ host: '127.0.0.1', port, user: 'app', password: '', database: 'postgres' });

  beforeAll(async () => {
    place = new Workplace();
    second = new SecondEngine(await freePort());
    ports = [await freePort(), await freePort()];
    const [primary, standby] = ['primary', 'standby'].map((name) => join(place.folder, name)) as [string, string];
    const settings = (port: number) => `listen_addresses = '127.0.0.1'\nport = ${port}`;
    const ready = second.ready();
    const { postgres, account } = await initialise(primary, `${settings(ports[0])}\nwal_keep_size = '64MB'`);
    const follows = `primary_conninfo = 'host=127.0.0.1 port=${ports[0]} user=app'`;
    copyAsStandby(primary, standby, `${settings(ports[1])}\n${follows}`);
    await ready;
    const owner = account ?? { uid: process.getuid?.(), gid: process.getgid?.() };
    const server = (client: Docker, data: string) =>
      serverIn(client, { postgres, data, user: `${owner.uid}:${owner.gid}` });
    far = await server(second.client, primary);
    near = await server(engine, standby);
    await Promise.all(ports.map((port) => untilAnswers(at(port))));
    writeFileSync(
      join(place.folder, 'inventory.yaml'),
      `name: two
nodes:
  far:
    url: postgresql://app@127.0.0.1:${ports[0]}/postgres
    docker: { container: ${far.id}, host: "${second.host}", cert-path: ${second.folder} }
    peer: 127.0.0.1:${ports[0]}
  near: { url: "postgresql://app@127.0.0.1:${ports[1]}/postgres", docker: ${near.id}, peer: "127.0.0.1:${ports[1]}" }
`,
    );
  });

  afterAll(async () => {
    await far?.remove({ force: true });
    await near?.remove({ force: true });
    await engine
      .getImage(IMAGE)
      .remove()
      .catch(() => undefined);
    await second?.[Symbol.asyncDispose]();
    place?.[Symbol.dispose]();
  });

  test('is looked at, struck on both, and healed on the one that was struck when pgquake was killed', async () => {
    const checked = await place.start(['attach', 'check', 'inventory.yaml']).ended;
    expect(checked.stderr).toBe('');
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(
      new RegExp(`^far .* container ${far.id.slice(0, 12)} on ${second.host} running`, 'm'),
    );
    expect(checked.stdout).toMatch(new RegExp(`^near .* container ${near.id.slice(0, 12)} running`, 'm'));
    place.scenario('two-engines', SCENARIO);
    const child = place.start(['./two-engines.yaml', '--reports', place.reports]);
    let ended = false;
    const output = child.ended.then((how) => {
      ended = true;
      return how;
    });
    const struck = () => events().filter(({ type }) => type === 'fault-in-effect');
    const giveUpAt = performance.now() + LIMIT_MS;
    while (struck().length < 2 && !ended && performance.now() < giveUpAt) await sleep(50);
    child.kill('SIGKILL');
    const { stdout, stderr } = await output;
    expect(struck().length, stdout + stderr).toBe(2);
    // Somebody else looks.
    expect([(await far.inspect()).State.Running, (await near.inspect()).State.Running]).toEqual([false, true]);
    const [onNear, onFar] = struck().map((event) => JSON.stringify(event));
    expect(onNear).toContain(`container ${near.id.slice(0, 12)} exited`);
    expect(onFar).toContain(`container ${far.id.slice(0, 12)} on ${second.host} exited`);
    const healed = await place.start(['heal', '--reports', place.reports]).ended;
    expect(healed.stderr).toBe('');
    expect(healed.code).toBe(0);
    expect(healed.stdout).toMatch(
      new RegExp(`undone: far: container ${far.id.slice(0, 12)} on ${second.host} running.*accepts SQL`),
    );
    expect(hasBridge()).toBe(hadBridge);
    await using session = await Session.connect(at(ports[0]), { applicationName: 'test', connectTimeoutMs: 5_000 });
    expect(await session.query(`SELECT to_regnamespace('pgquake')::text`)).toEqual([[null]]);
  });

  function events(): { readonly type: string }[] {
    try {
      const lines = readFileSync(join(place.runFolder(), 'events.ndjson'), 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as { type: string });
    } catch {
      return [];
    }
  }
});

function hasProgram(): boolean {
  try {
    execFileSync('dockerd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A container of nothing but what the machine has, so that no image is carried from engine to engine. */
async function serverIn(
  client: Docker,
  { postgres, data, user }: { readonly postgres: string; readonly data: string; readonly user: string },
): Promise<Docker.Container> {
  const own = ['/usr', '/bin', '/lib', '/lib64', '/etc/passwd', dirname(dirname(postgres))].filter(existsSync);
  const container = await client.createContainer({
    Image: IMAGE,
    Entrypoint: [postgres],
    Cmd: ['-D', data],
    User: user,
    Env: ['PATH=/usr/bin:/bin'],
    HostConfig: { NetworkMode: 'host', Binds: [...own.map((path) => `${path}:${path}:ro`), `${data}:${data}`] },
  });
  await container.start();
  return container;
}

/** An empty archive makes an empty image. */
function importNothing(host: readonly string[]): void {
  execFileSync('docker', [...host, 'import', '-', IMAGE], {
    input: Buffer.alloc(10_240),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

class SecondEngine implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'pgquake-engine-'));
  /** With TLS. */
  readonly host: string;
  readonly #socket = join(this.folder, 'docker.sock');
  readonly client = new Docker({ socketPath: this.#socket });
  readonly #process: ChildProcess;
  #said = '';

  constructor(port: number) {
    this.host = `tcp://127.0.0.1:${port}`;
    chmodSync(this.folder, 0o711);
    execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
    execFileSync('ip', ['address', 'add', '10.213.0.1/24', 'dev', BRIDGE]);
    execFileSync('bash', ['-c', CERTIFICATES], { cwd: this.folder, stdio: 'ignore' });
    writeFileSync(join(this.folder, 'daemon.json'), '{}');
    const at = (name: string) => join(this.folder, name);
    const files = { 'data-root': 'root', 'exec-root': 'exec', pidfile: 'pid', 'config-file': 'daemon.json' };
    const certificates = { tlscacert: 'ca.pem', tlscert: 'cert.pem', tlskey: 'key.pem' };
    this.#process = spawn(
      'dockerd',
      [
        ...['--host', `unix://${this.#socket}`, '--host', this.host, '--tlsverify'],
        ...Object.entries({ ...files, ...certificates }).flatMap(([name, file]) => [`--${name}`, at(file)]),
        ...['--containerd-namespace', 'pgquake-test', '--containerd-plugins-namespace', 'pgquake-test-plugins'],
        // Nothing that the other engine has: no rules for packets, no layers, and a bridge of its own. An engine that is to
        // have none takes away docker0, whosever it is.
        ...['--storage-driver', 'vfs', '--bridge', BRIDGE, '--iptables=false', '--ip-forward=false'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.#said += text;
      });
    }
  }

  async ready(): Promise<void> {
    const giveUpAt = performance.now() + LIMIT_MS;
    for (;;) {
      try {
        await this.client.ping();
        break;
      } catch (error) {
        if (performance.now() > giveUpAt || this.#process.exitCode !== null) {
          throw new Error(`the second engine does not start: ${this.#said.slice(-2_000)}`, { cause: error });
        }
        await sleep(100);
      }
    }
    importNothing(['--host', `unix://${this.#socket}`]);
    importNothing([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    if (this.#process.exitCode === null && this.#process.kill('SIGTERM')) await ended;
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const mount of mounts.filter((path) => path.startsWith(this.folder)).toReversed()) {
      execFileSync('umount', [mount]);
    }
    execFileSync('ip', ['link', 'delete', BRIDGE]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const CERTIFICATES = `set -e
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $key -days 2 -keyout ca.key -out ca.pem -subj /CN=engines
openssl req $key -keyout key.pem -out own.csr -subj /CN=127.0.0.1
openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem -extfile <(printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n')`;
