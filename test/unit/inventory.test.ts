/** Inventories: their contents, their problems, and that no password leaks. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { specFrom } from '../../src/engines/streaming/attached.ts';
import { hostPort } from '../../src/model/address.ts';
import { parseConnection } from '../../src/model/connection-string.ts';
import { errorText, InputError } from '../../src/model/errors.ts';
import type { Connection, ContainerPlace, InventoryNode } from '../../src/model/inventory.ts';
import { pgquake } from '../../src/pgquake.ts';
import { dockerCommand } from '../../src/platforms/attached/engine.ts';
import { packetsMissed } from '../../src/platforms/attached/kept-off.ts';
import { passwordFor, passwordIn } from '../../src/platforms/attached/password.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { published } from '../../src/platforms/docker/reach.ts';
import { readInventory } from '../../src/scenario/inventory.ts';
import { misfitOf, onInventory } from '../../src/scenario/on-inventory.ts';
import { fakeEngine } from '../support/fake-engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgquake-inventory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const PAIR = `name: orders
password-file: all.password
nodes:
  db-a: { url: "postgresql://app@10.0.0.5:5433/orders", docker: orders-db-a-1 }
  db-b: { url: "host=10.0.0.6 user=app dbname=orders sslmode=verify-full sslrootcert=ca.pem", password-env: B_PASSWORD }
routes:
  proxy: { url: "postgresql://app@10.0.0.9:6432/orders" }
`;
const pair = readInventory(file('pair.yaml', PAIR));

describe('an inventory', () => {
  test('has the connection of every node, with paths relative to its file', () => {
    expect(pair).toEqual({
      name: 'orders',
      nodes: [
        {
          name: 'db-a',
          docker: { container: 'orders-db-a-1' },
          connection: { host: '10.0.0.5', port: 5433, user: 'app', database: 'orders', sslmode: 'prefer' },
          passwordFile: join(folder, 'all.password'),
        },
        {
          name: 'db-b',
          connection: {
            host: '10.0.0.6',
            port: 5432,
            user: 'app',
            database: 'orders',
            sslmode: 'verify-full',
            sslrootcert: join(folder, 'ca.pem'),
          },
          passwordEnv: 'B_PASSWORD',
        },
      ],
      routes: [
        {
          name: 'proxy',
          access: 'write',
          connection: { host: '10.0.0.9', port: 6432, user: 'app', database: 'orders', sslmode: 'prefer' },
          passwordFile: join(folder, 'all.password'),
        },
      ],
    });
  });

  test('reports all its problems with their places, without passwords', () => {
    const text = `nme: orders
nodes:
  db-a: { url: "postgresql://app:verysecret@h/orders", dcker: x }
  db-b: "postgresql://app:verysecret@h/orders"
  db-c: {}
`;
    const message = refusal(() => readInventory(file('wrong.yaml', text), 'wrong.yaml'));
    expect(message.split('\n')).toEqual([
      'wrong.yaml:1:1 unknown key "nme"; did you mean "name"?',
      'wrong.yaml:3:16 nodes.db-a.url: expected no password, found one: use password-file, password-env, PGPASSWORD or ~/.pgpass',
      'wrong.yaml:3:56 nodes.db-a: unknown key "dcker"; did you mean "docker"?',
      'wrong.yaml:4:9 nodes.db-b: expected a mapping such as { url: postgresql://app@10.0.0.5:5432/orders }, found text',
      'wrong.yaml:5:9 nodes.db-c: missing key "url": expected a connection string such as postgresql://app@10.0.0.5:5432/orders, found nothing',
    ]);
  });

  test.each([
    ['no node', 'name: x\nnodes: {}\n', 'expected 1 to 64 nodes, found 0'],
    [
      'a name that is no word',
      'name: x\nnodes: { PG_1: { url: "host=h user=u" } }\n',
      'expected a name in kebab-case such as pg1, found "PG_1"',
    ],
    [
      'a route by a name that every cluster has',
      'name: x\nnodes: { a: { url: "host=h user=u" } }\nroutes: { direct: { url: "host=h user=u" } }\n',
      'every cluster has a route of that name',
    ],
    [
      'an engine twice',
      'name: x\nnodes: { a: { url: "host=h user=u", docker: { container: a, host: "tcp://h:1", context: c } } }\n',
      'bad.yaml:2:45 nodes.a.docker: expected a host or a context, found both',
    ],
    [
      'a slip in the place of a container',
      'name: x\nnodes: { a: { url: "host=h user=u", docker: { contaner: a } } }\n',
      'nodes.a.docker: expected a container such as orders-db-1, or a mapping with container, and host (with cert-path) or context, found a mapping',
    ],
    [
      'two ways to break a node',
      'name: x\nnodes: { a: { url: "host=h user=u", docker: a, ssh: ops@h } }\n',
      'nodes.a: expected docker or ssh, found both',
    ],
    [
      'an option in the place of a machine',
      'name: x\nnodes: { a: { url: "host=h user=u", ssh: "-oProxyCommand=x" } }\n',
      'nodes.a.ssh: expected a machine such as ops@10.0.0.5, or a mapping with to, and service, config or undo-after',
    ],
    [
      'an undo that comes at once',
      'name: x\nnodes: { a: { url: "host=h user=u", ssh: { to: h, undo-after: 1s } } }\n',
      'expected 5s to 1h',
    ],
  ])('is refused with %s', (_, text, expected) => {
    const path = file('bad.yaml', text);
    expect(refusal(() => readInventory(path, 'bad.yaml'))).toContain(expected);
  });

  test.each([
    ['nothing', '', 'bad.yaml:1:1 the file is empty; expected an inventory'],
    ['two documents', 'name: x\n---\nname: y\n', 'bad.yaml:2:1 expected one inventory, found a second YAML document'],
    ['no YAML', 'nodes: {', 'bad.yaml:1:9 not valid YAML: '],
    ['no nodes', 'name: x\n', 'bad.yaml:1:1 missing key "nodes": expected a mapping'],
    ['a list of nodes', 'name: x\nnodes: []\n', 'bad.yaml:2:8 nodes: expected a mapping, found []'],
  ])('is refused as an inventory if it has %s', (_, text, expected) => {
    const path = file('bad.yaml', text);
    expect(() => readInventory(path, 'bad.yaml')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(expected),
        hint: expect.stringContaining('attach.md'),
      }),
    );
  });

  test('in UTF-16 is refused as what it is', () => {
    const path = join(folder, 'wide.yaml');
    writeFileSync(path, Buffer.from('\ufeffname: x\n', 'utf16le'));
    expect(refusal(() => readInventory(path, 'wide.yaml'))).toBe(
      'cannot read the inventory wide.yaml: line 1 is not valid UTF-8; save the file as UTF-8',
    );
  });

  test('that does not exist is refused', () => {
    expect(refusal(() => readInventory(join(folder, 'none.yaml'), 'none.yaml'))).toBe(
      'cannot read the inventory none.yaml: there is no such file',
    );
  });
});

test.each([
  ['ops@10.0.0.5', { to: 'ops@10.0.0.5', undoAfterMs: 60_000 }],
  [
    '{ to: db-a, service: postgresql@17-main, config: ssh_config, undo-after: 5m }',
    { to: 'db-a', service: 'postgresql@17-main', config: join(folder, 'ssh_config'), undoAfterMs: 300_000 },
  ],
])('the machine %s is reached by ssh', (written, place) => {
  const text = `name: x\nnodes: { a: { url: "host=h user=u", ssh: ${written}, peer: "10.0.0.5" } }\n`;
  const { ssh, peer } = readInventory(file('machine.yaml', text)).nodes[0] as InventoryNode;
  expect(ssh).toEqual(place);
  expect(peer).toEqual({ host: '10.0.0.5', port: 5432 });
});

test.each([
  ['10.0.0.5:5433', { host: '10.0.0.5', port: 5433 }],
  ['db-a', { host: 'db-a', port: 5432 }],
  ['[::1]:5433', { host: '::1', port: 5433 }],
  ['[fd00::5]', { host: 'fd00::5', port: 5432 }],
])('the peer %s is read', (written, expected) => {
  const text = `name: x\nnodes: { a: { url: "host=h user=u", peer: "${written}" } }\n`;
  expect(readInventory(file('peer.yaml', text)).nodes[0]).toMatchObject({ peer: expected });
});

test.each(['::1', '::1:5432', '[::1', 'a b', '[db-a]:5432'])('the peer %s is refused', (written) => {
  const text = `name: x\nnodes: { a: { url: "host=h user=u", peer: "${written}" } }\n`;
  expect(refusal(() => readInventory(file('peer.yaml', text)))).toContain('such as 10.0.0.5:5432 or [fd00::5]:5432');
});

test.each([
  ['10.0.0.5', '10.0.0.5:5432'],
  ['::1', '[::1]:5432'],
])('the address %s is shown as %s', (host, expected) => {
  expect(hostPort({ host, port: 5432 })).toBe(expected);
});

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['fd00::5', 'fd00::5'],
])('a port that Docker publishes at %s is reached at %s', (HostIp, host) => {
  expect(published({ '5432/tcp': [{ HostIp, HostPort: '5501' }] }, 5432)).toEqual({ host, port: 5501 });
});

test('packet faults strike servers at IPv4 addresses, and refuse IPv6', () => {
  expect(packetsMissed('network-rules', { host: '::1' })).toContain('only IPv4 packets');
  expect(packetsMissed('network-rules', { host: '10.0.0.5' })).toBeUndefined();
  expect(packetsMissed('node-kill', { host: '::1' })).toBeUndefined();
});

test('an engine at an IPv6 address is reached', async () => {
  const server = fakeEngine((_, response) => response.end('OK')).listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = DockerClient.of({ DOCKER_HOST: `tcp://[::1]:${port}` });
  expect(String(await client.call('ping', (docker) => docker.ping()))).toBe('OK');
  server.close();
});

test.each([
  ['other', { container: 'other' }, 'docker'],
  [
    '{ container: a, host: "unix:///run/b.sock" }',
    { container: 'a', host: 'unix:///run/b.sock' },
    'docker --host unix:///run/b.sock',
  ],
  ['{ container: a, context: blue }', { container: 'a', context: 'blue' }, 'docker --context blue'],
  [
    '{ container: a, host: "tcp://h:2376", cert-path: certs }',
    { container: 'a', host: 'tcp://h:2376', certPath: join(folder, 'certs') },
    `DOCKER_CERT_PATH='${join(folder, 'certs')}' docker --host tcp://h:2376 --tlsverify`,
  ],
])('the container %s is on another engine', (written, place, command) => {
  const text = `name: x\nnodes: { a: { url: "host=h user=u", docker: ${written} } }\n`;
  const { docker } = readInventory(file('engine.yaml', text)).nodes[0] as InventoryNode;
  expect(docker).toEqual(place);
  expect(dockerCommand(docker as ContainerPlace)).toBe(command);
});

test.each([
  ['postgres://app@[::1]:5433/orders', { host: '::1', port: 5433 }],
  ['host=::1 port=5433 user=app', { host: '::1', port: 5433 }],
  ['postgresql://app@%2Fvar%2Frun%2Fpostgresql/orders', { host: '/var/run/postgresql' }],
  ["host='/a folder' user=app dbname='it\\'s'", { host: '/a folder', database: "it's" }],
  ['postgresql://app@h', { database: 'app', port: 5432, sslmode: 'prefer' }],
  ['postgresql://app@h/orders?sslmode=require', { sslmode: 'require' }],
])('the connection string %s is read as libpq reads it', (text, expected) => {
  expect(parseConnection(text)).toMatchObject({ connection: expected });
});

test.each([
  ['postgresql://h/orders', 'found no user'],
  ['postgresql://app@/orders', 'found'],
  ['host=a,b user=app', 'found several'],
  ['host=a user=app port=99999', 'expected a port from 1 to 65535'],
  ['host=a user=app sslmode=allow', 'expected sslmode to be one of'],
  ['host=a user=app options=-cx', 'found options'],
  ['db1.example.com', 'found neither a URI nor keywords'],
  ['host=a user=app password=verysecret', 'expected no password'],
])('the connection string %s is refused, and not quoted', (text, expected) => {
  const read = parseConnection(text);
  expect(read).toMatchObject({ problem: expect.stringContaining(expected) });
  expect(JSON.stringify(read)).not.toContain('verysecret');
});

describe('a password', () => {
  const connection = (pair.nodes[0] as { connection: Connection }).connection;

  test('comes from the first line of pgpass that fits', () => {
    const lines = ['# a comment', 'other:5433:orders:app:no', '10.0.0.5:*:orders:app:it\\:s', '*:*:*:*:late'].join(
      '\n',
    );
    expect(passwordIn(lines, connection)).toBe('it:s');
    expect(passwordIn('10.0.0.5:5433:orders:other:no\nshort:line', connection)).toBeUndefined();
  });

  test('comes from its named source before the environment', () => {
    const passwordFile = file('own.password', 'from a file\nanother line\n');
    expect(passwordFor(connection, { passwordFile }, { PGPASSWORD: 'x' })).toBe('from a file');
    expect(passwordFor(connection, { passwordEnv: 'OWN' }, { PGPASSWORD: 'x', OWN: 'own' })).toBe('own');
    expect(passwordFor(connection, {}, { PGPASSWORD: 'x' })).toBe('x');
    const PGPASSFILE = file('pgpass', '*:*:*:*:from pgpass\n');
    expect(passwordFor(connection, {}, { PGPASSFILE })).toBe('from pgpass');
  });

  test('that is named but missing is refused', () => {
    expect(refusal(() => passwordFor(connection, { passwordEnv: 'OWN' }, {}))).toContain('OWN, which is not set');
    expect(refusal(() => passwordFor(connection, { passwordFile: join(folder, 'no') }, {}))).toContain(
      'cannot be read',
    );
  });
});

test.each([
  ['', 'off'],
  ['*', 'on'],
  ['second, third', 'on'],
  ['FIRST 1 (a, b)', 'on'],
  ['ANY 1 (a, b)', { quorum: 1 }],
  ['2 (a, b)', { quorum: 2 }],
  ['FIRST 2 (a, b, c)', { quorum: 2 }],
])('synchronous_standby_names = %s promises %s', (names, synchronous) => {
  const spec = specFrom({ synchronousNames: names, senderTimeoutMs: 60_000 }, 3);
  expect(spec).toMatchObject({ members: 3, manager: 'none', synchronous, senderTimeoutMs: 60_000 });
});

describe('a scenario on an inventory', () => {
  const parse = (text: string) => pgquake().parse(text, join(folder, 'scenario'));
  const scenario = (cluster: string, more = '') => `name: own
summary: One of one's own.
cluster: ${cluster}
${more}
faults: [{ fault: node-kill, target: { role: primary }, for: 1s }]
hypothesis: [{ check: no-lost-writes }]
`;

  test('has its nodes, the ledger, and the name of the cluster', () => {
    const { cluster, workload } = parse(scenario('{ attach: pair.yaml, confirm: orders }'));
    expect(cluster).toMatchObject({ attach: 'orders', confirm: 'orders', engine: 'streaming', inventory: pair });
    expect(cluster.nodes.map(({ name }) => name)).toEqual(['db-a', 'db-b']);
    expect(workload.use).toBe('ledger');
  });

  test('may hold it itself', () => {
    const { cluster } = parse(scenario('{ attach: { name: mine, nodes: { one: { url: "host=h user=u" } } } }'));
    expect(cluster).toMatchObject({ attach: 'mine', replication: 1 });
  });

  test.each([
    ['a key of a cluster that is made', '{ attach: pair.yaml, workers: 3 }', '', '"workers" describes a new cluster'],
    [
      'another name to confirm',
      '{ attach: pair.yaml, confirm: order }',
      '',
      'expected "orders", the name in the inventory, found "order"',
    ],
    ['a file that is not there', '{ attach: no.yaml }', '', 'cluster.attach: cannot read the inventory'],
    [
      'a workload with tables elsewhere',
      '{ attach: pair.yaml }',
      'workload: { use: chat }',
      'creates tables outside the schema pgquake',
    ],
    [
      'confirm without an inventory',
      '{ attach: citus, confirm: citus }',
      '',
      '"confirm" is for a cluster of an inventory',
    ],
  ])('is refused with %s', (_, cluster, more, expected) => {
    expect(refusal(() => parse(scenario(cluster, more)))).toContain(expected);
  });

  test('strikes one node at a time unless it says otherwise', () => {
    const both = scenario('{ attach: pair.yaml }').replace('{ role: primary }', '[db-a, db-b]');
    expect(refusal(() => pgquake().plan(parse(both)))).toContain('at most 1 may be struck at once, the default');
    expect(pgquake().plan(parse(`${both}guards: { max-down: 2 }\n`)).acts).toHaveLength(1);
  });

  test('breaks nothing without confirmation', async () => {
    const run = (confirm?: string) =>
      pgquake().run(parse(scenario('{ attach: pair.yaml }')), { reports: folder, confirm });
    await expect(run()).rejects.toThrow('breaks the cluster orders, which you have not confirmed');
    await expect(run('other')).rejects.toThrow('"other" is confirmed');
  });

  test('a shipped one uses the ledger instead of the chat, at the same rates', async () => {
    const kill = await pgquake().load('primary-kill');
    const { cluster, workload } = onInventory(kill, pair, shipped);
    expect(cluster.inventory).toBe(pair);
    expect(workload.use).toBe('ledger');
    expect(workload.params).toMatchObject({ buckets: 32, read: kill.workload.params.read });
  });

  test('a shipped one that needs other nodes does not fit', async () => {
    const misfit = async (name: string) => misfitOf(await pgquake().load(name), pair, shipped);
    expect(await misfit('primary-kill')).toBeUndefined();
    expect(await misfit('patroni/primary-lost')).toBe('it is made for the engine patroni');
    expect(await misfit('one-worker')).toBe('node-stop strikes worker1, which the inventory does not have');
  });
});

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error instanceof InputError ? error.message : errorText(error);
  }
  throw new Error('it was not refused');
}
