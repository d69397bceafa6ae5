/** The programs on each node of a Patroni cluster, with their configuration. Pure. */

import { type NodeProgram, type NodePrograms, PASSWORD_HERE, type Places } from '../../cluster/program.ts';
import type { NodeName } from '../../model/topology.ts';
import { dcsNodes, HAPROXY, type PatroniSpec, PGBOUNCER } from './spec.ts';

export const REST_PORT = 8008;
export const REST_USER = 'patroni';
const SCOPE = 'pgquake';
export const STANDBY_PORT = 5001;
const PRIMARY_PORT = 5000;
const POOLER_PORT = 6432;
const POSTGRES_PORT = 5432;
const ETCD_PORT = 2379;
const ETCD_PEER_PORT = 2380;
const IMAGE = 'patroni';
const MAX_CONNECTIONS = 600;

/** Server parameters: those that rewinding needs, and little memory, because several servers hold little data. */
const PARAMETERS = {
  max_connections: MAX_CONNECTIONS,
  shared_buffers: '32MB',
  jit: 'off',
  // What a killed container has written is in the operating system's page cache and is not lost.
  fsync: 'off',
  max_wal_size: '256MB',
  wal_log_hints: 'on',
  wal_keep_size: '64MB',
  max_wal_senders: 32,
  max_replication_slots: 20,
  // Shared memory in files of the data folder disappears with them, also after SIGKILL.
  dynamic_shared_memory_type: 'mmap',
  client_connection_check_interval: '500ms',
  log_line_prefix: '%m [%p] %b %a ',
} as const;

/** The programs that nodes need, with their Debian packages. */
const MEMBER_REQUIRES = { bash: 'bash', patroni: 'patroni python3-etcd python3-psycopg2', postgres: 'postgresql' };
const REQUIRES = { dcs: { etcd: 'etcd-server' }, proxy: { haproxy: 'haproxy' }, pooler: { pgbouncer: 'pgbouncer' } };

/** The node keeps running if Patroni is killed, as a machine does, and so does what Patroni started. USR1 restarts Patroni. */
const MACHINE = `
start() { patroni "$0" & agent=$!; }
trap 'kill -TERM "$agent" 2>/dev/null; wait "$agent"; exit' TERM INT
trap start USR1
start
while :; do wait "$agent"; sleep 1 & wait "$!"; done`;

/** Before 1.21, PgBouncer loses prepared statements in transaction pooling, so older versions pool sessions. */
const POOLER = `
case "$(pgbouncer --version)" in
'PgBouncer 1.'[0-9].*|'PgBouncer 1.1'[0-9].*|'PgBouncer 1.20.'*) pooling='pool_mode = session' ;;
*) pooling=$'pool_mode = transaction\\nmax_prepared_statements = 200' ;;
esac
{ cat "$0"; echo "$pooling"; } > "$0.pooling"
exec pgbouncer "$0.pooling"`;

export function patroniPrograms(spec: PatroniSpec, members: readonly NodeName[]): NodePrograms {
  const dcs = dcsNodes(spec).map(({ name }) => name);
  return {
    image: IMAGE,
    requires: {
      ...MEMBER_REQUIRES,
      ...REQUIRES.dcs,
      ...(spec.proxy ? REQUIRES.proxy : {}),
      ...(spec.pooler ? REQUIRES.pooler : {}),
    },
    at: (places) => ({
      ...Object.fromEntries(members.map((name) => [name, memberProgram(name, dcs, spec, places)])),
      ...Object.fromEntries(dcs.map((name) => [name, dcsProgram(name, dcs, places)])),
      ...(spec.proxy ? { [HAPROXY]: proxyProgram(members, places) } : {}),
      ...(spec.pooler ? { [PGBOUNCER]: poolerProgram(places) } : {}),
    }),
  };
}

function memberProgram(
  name: NodeName,
  dcs: readonly NodeName[],
  { written }: PatroniSpec,
  { listen, reach, configFolder, dataFolder }: Places,
): NodeProgram {
  const folder = configFolder(name);
  const data = dataFolder(name, '/var/lib/postgresql/pgdata');
  const config = {
    scope: SCOPE,
    name,
    restapi: {
      listen: listen(name, REST_PORT),
      connect_address: reach(name, REST_PORT),
      authentication: { username: REST_USER, password: PASSWORD_HERE },
    },
    etcd3: { hosts: dcs.map((member) => reach(member, ETCD_PORT)) },
    bootstrap: {
      dcs: { ...written, postgresql: { use_pg_rewind: true, use_slots: true, parameters: PARAMETERS } },
      initdb: [{ encoding: 'UTF8' }, { 'auth-host': 'scram-sha-256' }, { 'auth-local': 'scram-sha-256' }, 'no-sync'],
    },
    postgresql: {
      listen: listen(name, POSTGRES_PORT),
      connect_address: reach(name, POSTGRES_PORT),
      data_dir: data,
      pgpass: `${folder}/pgpass`,
      authentication: {
        superuser: { username: 'postgres', password: PASSWORD_HERE },
        replication: { username: 'replicator', password: PASSWORD_HERE },
      },
      // No socket: nothing connects to it, and its path may be too long.
      parameters: { unix_socket_directories: '' },
      pg_hba: [
        'local all all scram-sha-256',
        'host all all all scram-sha-256',
        'host replication replicator all scram-sha-256',
      ],
    },
    watchdog: { mode: 'off' },
  };
  const file = `${folder}/patroni.yml`;
  return {
    command: ['bash', '-c', MACHINE, file],
    // JSON is YAML.
    files: { [file]: JSON.stringify(config, undefined, 2) },
    ports: [POSTGRES_PORT, REST_PORT],
    agent: { process: 'patroni', port: REST_PORT },
    dataFolder: data,
  };
}

function dcsProgram(name: NodeName, all: readonly NodeName[], { listen, reach, dataFolder }: Places): NodeProgram {
  const data = dataFolder(name, '/var/lib/etcd/data');
  const peer = (member: NodeName) => `http://${reach(member, ETCD_PEER_PORT)}`;
  const options = {
    name,
    'data-dir': data,
    'listen-client-urls': `http://${listen(name, ETCD_PORT)}`,
    'advertise-client-urls': `http://${reach(name, ETCD_PORT)}`,
    'listen-peer-urls': `http://${listen(name, ETCD_PEER_PORT)}`,
    'initial-advertise-peer-urls': peer(name),
    'initial-cluster': all.map((member) => `${member}=${peer(member)}`).join(','),
    'initial-cluster-state': 'new',
    'initial-cluster-token': SCOPE,
    'log-level': 'warn',
  };
  return {
    command: ['etcd', ...Object.entries(options).map(([option, value]) => `--${option}=${value}`)],
    files: {},
    ports: [ETCD_PORT],
    dataFolder: data,
    health: '/health',
  };
}

/** Follows the sample configuration of Patroni. */
function proxyProgram(members: readonly NodeName[], places: Places): NodeProgram {
  const { listen, reach, nameServer } = places;
  const resolved = nameServer === undefined ? '' : ' resolvers nodes init-addr none';
  const portOf = (address: string) => address.slice(address.lastIndexOf(':') + 1);
  const section = (name: string, port: number, path: string) => `
listen ${name}
    bind ${listen(HAPROXY, port)}
    option httpchk OPTIONS ${path}
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions${resolved}
${members.map((member) => `    server ${member} ${reach(member, POSTGRES_PORT)} maxconn ${MAX_CONNECTIONS} check port ${portOf(reach(member, REST_PORT))}`).join('\n')}
`;
  const config = `global
    maxconn 2000
defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
${nameServer === undefined ? '' : resolvers(nameServer)}${section('primary', PRIMARY_PORT, '/primary')}${section('standbys', STANDBY_PORT, '/replica')}`;
  const file = `${places.configFolder(HAPROXY)}/haproxy.cfg`;
  return {
    command: ['haproxy', '-W', '-db', '-f', file],
    files: { [file]: config },
    ports: [PRIMARY_PORT, STANDBY_PORT],
    health: '',
  };
}

function resolvers(nameServer: string): string {
  return `# A restarted node may have another address.
resolvers nodes
    nameserver names ${nameServer}
    resolve_retries 2
    timeout resolve 1s
    timeout retry 1s
    hold valid 1s
    hold nx 1h
    hold timeout 1h
    hold refused 1h
    hold other 1h
`;
}

function poolerProgram({ listen, reach, configFolder }: Places): NodeProgram {
  const folder = configFolder(PGBOUNCER);
  const [listenHost, listenPort] = listen(PGBOUNCER, POOLER_PORT).split(':');
  const [host, port] = reach(HAPROXY, PRIMARY_PORT).split(':');
  const config = `[databases]
* = host=${host} port=${port}
[pgbouncer]
listen_addr = ${listenHost}
listen_port = ${listenPort}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
max_client_conn = 1000
default_pool_size = 100
server_login_retry = 1
ignore_startup_parameters = extra_float_digits,options
logfile =
`;
  const file = `${folder}/pgbouncer.ini`;
  return {
    command: ['bash', '-c', POOLER, file],
    files: { [file]: config, [`${folder}/users.txt`]: `"postgres" "${PASSWORD_HERE}"\n` },
    ports: [POOLER_PORT],
    health: '',
  };
}
