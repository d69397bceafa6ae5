/** What the reader of a guide has already: servers under the names and addresses that the guide has for them. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Session } from '../../src/sql/session.ts';
import { StandingPair } from './standing-pair.ts';
import { StandingPatroni } from './standing-patroni.ts';

/** Addresses that are for documentation alone (RFC 5737). */
const NETWORK = { subnet: '203.0.113.0/24', addresses: ['203.0.113.5', '203.0.113.6'] } as const;
const PAIR = { project: 'orders', suffix: '-1', port: 5432, network: NETWORK } as const;

export interface Stage extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
  /** What the guide says in place of what is so here. */
  readonly names?: Readonly<Record<string, string>>;
  /** As the administrator of the servers. */
  sql?(text: string): Promise<void>;
  sudoers?(text: string): Promise<void>;
  /** What a person does beside a command that measures. */
  beside?(command: string): Promise<void>;
}

/** @param folder of the reader. */
export type Stager = (folder: string) => Promise<Stage>;

const OWN_TABLES = `CREATE TABLE orders (id uuid PRIMARY KEY, customer int NOT NULL);
  INSERT INTO orders SELECT gen_random_uuid(), i FROM generate_series(1, 100) AS i`;

async function pairStage(
  layout: Parameters<typeof StandingPair.start>[0],
  folder: string,
): Promise<Stage & { readonly pair: StandingPair }> {
  const pair = await StandingPair.start(layout);
  await using session = await pair.connect(0);
  await session.execute(OWN_TABLES);
  return {
    pair,
    env: { PGPASSWORD: pair.password, PATH: `${ownSsh(pair, folder)}:${process.env.PATH}` },
    sql: (text) => asAdministrator(pair, text),
    sudoers: async (text) => {
      for (const index of [0, 1]) await succeeds(pair, index, `cat > /etc/sudoers.d/pgquake <<'END'\n${text}END`);
    },
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

/** In place of the files in a person's home, which is not ours: his key, and the hosts that he knows. */
function ownSsh({ key }: StandingPair, folder: string): string {
  const bin = join(folder, '.reader');
  mkdirSync(bin);
  const options = [
    'IdentitiesOnly=yes',
    `IdentityFile=${key}`,
    `UserKnownHostsFile=${join(bin, 'known_hosts')}`,
    'StrictHostKeyChecking=accept-new',
    'LogLevel=ERROR',
  ];
  writeFileSync(
    join(bin, 'ssh'),
    `#!/bin/sh\nexec /usr/bin/ssh ${options.map((one) => `-o '${one}'`).join(' ')} "$@"\n`,
  );
  chmodSync(join(bin, 'ssh'), 0o755);
  return bin;
}

async function asAdministrator(pair: StandingPair, text: string): Promise<void> {
  await succeeds(
    pair,
    0,
    `su postgres -c 'psql -v ON_ERROR_STOP=1 -p ${pair.insidePort} orders' <<'END'\n${text}\nEND`,
  );
}

async function succeeds(pair: StandingPair, index: number, command: string): Promise<void> {
  const output = await pair.run(index, `${command}\necho "code $?"`);
  if (!output.trimEnd().endsWith('code 0')) throw new Error(`${command}: ${output}`);
}

const compose: Stager = (folder) => pairStage({ ...PAIR, published: [5501, 5502] }, folder);
/** Of a reader who has followed the first guide. */
const composed: Stager = async (folder) => {
  const stage = await compose(folder);
  const nodes = ['a', 'b'].map(
    (letter, i) =>
      `  db-${letter}: { url: "postgresql://app@127.0.0.1:${5501 + i}/orders", docker: orders-db-${letter}-1 }\n`,
  );
  writeFileSync(join(folder, 'inventory.yaml'), `name: orders-staging\nnodes:\n${nodes.join('')}`);
  return stage;
};
const machines: Stager = (folder) => pairStage({ ...PAIR, sudo: false }, folder);

const patroni: Stager = async () => {
  const cluster = await StandingPatroni.start({
    name: 'orders',
    containers: ['orders-db-a-1', 'orders-db-b-1'],
    network: NETWORK,
  });
  await using session = await cluster.connect(0);
  await session.execute(`CREATE ROLE app LOGIN PASSWORD '${cluster.password}'; GRANT pg_monitor TO app`);
  await session.execute('CREATE DATABASE orders OWNER app');
  return { env: { PGPASSWORD: cluster.password }, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
};

/** The provider's server: one address, TLS by a root certificate of its own, and a button. */
const managed: Stager = async (folder) => {
  const stage = await pairStage(PAIR, folder);
  const { pair } = stage;
  const { port } = (pair.nodes[0] as StandingPair['nodes'][number]).address;
  execFileSync('bash', ['-c', CERTIFICATES], { cwd: join(folder, '.reader'), stdio: 'ignore' });
  const read = (name: string) => execFileSync('cat', [join(folder, '.reader', name)], { encoding: 'utf8' });
  writeFileSync(join(folder, 'ca.pem'), read('ca.pem'));
  const data = '/var/lib/postgresql/17/orders';
  for (const name of ['server.pem', 'server.key']) {
    await succeeds(pair, 0, `install -o postgres -m 600 /dev/stdin ${data}/${name} <<'END'\n${read(name)}END`);
  }
  await asAdministrator(
    pair,
    `ALTER SYSTEM SET ssl_cert_file = 'server.pem';\nALTER SYSTEM SET ssl_key_file = 'server.key';\nSELECT pg_reload_conf()`,
  );
  return {
    ...stage,
    names: { 'db.example.com:5432': `localhost:${port}` },
    beside: async (command) => {
      if (!command.includes('watch')) return;
      await untilWatched(pair);
      await sleep(3_000);
      await pair.restart(0);
    },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
};

const CERTIFICATES = `set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=provider
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile <(echo subjectAltName=DNS:localhost)`;

/** The witness has written: the watch measures. */
async function untilWatched(pair: StandingPair, limitMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (performance.now() < giveUpAt) {
    try {
      await using session = await Session.connect((pair.nodes[0] as StandingPair['nodes'][number]).address, {
        applicationName: 'the application',
        connectTimeoutMs: 5_000,
      });
      const [row] = await session.query('SELECT count(*)::int > 20 FROM pgquake.witness');
      if (row?.[0] === true) return;
    } catch {
      // Not yet there.
    }
    await sleep(200);
  }
  throw new Error('the watch does not begin');
}

/** By the headings of docs/attach.md. */
export const STAGES: Readonly<Record<string, Stager>> = {
  'Attach to my Compose file': compose,
  'Attach to machines by ssh': machines,
  'Attach to my Patroni cluster': patroni,
  'Attach to a managed database': managed,
  'Use my own SQL': composed,
  'What pgquake does to a cluster, and what it never does': composed,
};
