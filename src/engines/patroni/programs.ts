/** What runs on each node of a cluster under Patroni, with its configuration. Pure. */

import { type NodeProgram, PASSWORD_HERE } from '../../cluster/program.ts';
import type { NodeName } from '../../model/topology.ts';
import { dcsNodes, HAPROXY, type PatroniSpec, PGBOUNCER } from './spec.ts';

export const REST_PORT = 8008;
export const REST_USER = 'patroni';
export const SCOPE = 'pgquake';
export const STANDBY_PORT = 5001;
const PRIMARY_PORT = 5000;
const POOLER_PORT = 6432;
const POSTGRES_PORT = 5432;
const ETCD_PORT = 2379;
const ETCD_PEER_PORT = 2380;
const IMAGE = 'patroni';
const CONFIG = '/tmp/pgquake';
const MAX_CONNECTIONS = 600;

/** Of every server; what rewinding needs, and little memory, because there are several of them and little data. */
const PARAMETERS = {
  max_connections: MAX_CONNECTIONS,
  shared_buffers: '32MB',
  jit: 'off',
  // What a killed container had written lies in the operating system's memory and is not lost.
  fsync: 'off',
  max_wal_size: '256MB',
  wal_log_hints: 'on',
  wal_keep_size: '64MB',
  max_wal_senders: 32,
  max_replication_slots: 20,
  client_connection_check_interval: '500ms',
  log_line_prefix: '%m [%p] %b %a ',
} as const;

/**
 * The node goes on without its agent, as a machine does whose Patroni was killed: what Patroni started goes on too. USR1
 * starts Patroni again.
 */
const MACHINE = `
start() { patroni ${CONFIG}/patroni.yml & agent=$!; }
trap 'kill -TERM "$agent" 2>/dev/null; wait "$agent"; exit' TERM INT
trap start USR1
start
while :; do wait "$agent"; sleep 1 & wait "$!"; done`;

/** By the names of the nodes. */
export function patroniPrograms(
  spec: PatroniSpec,
  members: readonly NodeName[],
): Readonly<Record<NodeName, NodeProgram>> {
  const dcs = dcsNodes(spec).map(({ name }) => name);
  return {
    ...Object.fromEntries(members.map((name) => [name, memberProgram(name, dcs, spec)])),
    ...Object.fromEntries(dcs.map((name) => [name, dcsProgram(name, dcs)])),
    ...(spec.proxy ? { [HAPROXY]: proxyProgram(members) } : {}),
    ...(spec.pooler ? { [PGBOUNCER]: poolerProgram() } : {}),
  };
}

function memberProgram(name: NodeName, dcs: readonly NodeName[], { written }: PatroniSpec): NodeProgram {
  const dataFolder = '/var/lib/postgresql/pgdata';
  const config = {
    scope: SCOPE,
    name,
    restapi: {
      listen: `0.0.0.0:${REST_PORT}`,
      connect_address: `${name}:${REST_PORT}`,
      authentication: { username: REST_USER, password: PASSWORD_HERE },
    },
    etcd3: { hosts: dcs.map((member) => `${member}:${ETCD_PORT}`) },
    bootstrap: {
      dcs: { ...written, postgresql: { use_pg_rewind: true, use_slots: true, parameters: PARAMETERS } },
      initdb: [{ encoding: 'UTF8' }, { 'auth-host': 'scram-sha-256' }, { 'auth-local': 'scram-sha-256' }, 'no-sync'],
    },
    postgresql: {
      listen: `0.0.0.0:${POSTGRES_PORT}`,
      connect_address: `${name}:${POSTGRES_PORT}`,
      data_dir: dataFolder,
      pgpass: `${CONFIG}/pgpass`,
      authentication: {
        superuser: { username: 'postgres', password: PASSWORD_HERE },
        replication: { username: 'replicator', password: PASSWORD_HERE },
      },
      parameters: { unix_socket_directories: CONFIG },
      pg_hba: [
        'local all all scram-sha-256',
        'host all all all scram-sha-256',
        'host replication replicator all scram-sha-256',
      ],
    },
    watchdog: { mode: 'off' },
  };
  return {
    image: IMAGE,
    requires: ['bash', 'patroni', 'postgres'],
    command: ['bash', '-c', MACHINE],
    // JSON is YAML.
    files: { [`${CONFIG}/patroni.yml`]: JSON.stringify(config, undefined, 2) },
    ports: [POSTGRES_PORT, REST_PORT],
    agent: { process: 'patroni', port: REST_PORT },
    dataFolder,
  };
}

function dcsProgram(name: NodeName, all: readonly NodeName[]): NodeProgram {
  const dataFolder = '/var/lib/etcd/data';
  const peer = (member: NodeName) => `http://${member}:${ETCD_PEER_PORT}`;
  const options = {
    name,
    'data-dir': dataFolder,
    'listen-client-urls': `http://0.0.0.0:${ETCD_PORT}`,
    'advertise-client-urls': `http://${name}:${ETCD_PORT}`,
    'listen-peer-urls': `http://0.0.0.0:${ETCD_PEER_PORT}`,
    'initial-advertise-peer-urls': peer(name),
    'initial-cluster': all.map((member) => `${member}=${peer(member)}`).join(','),
    'initial-cluster-state': 'new',
    'initial-cluster-token': SCOPE,
    'log-level': 'warn',
  };
  return {
    image: IMAGE,
    requires: ['etcd'],
    command: ['etcd', ...Object.entries(options).map(([option, value]) => `--${option}=${value}`)],
    files: {},
    ports: [ETCD_PORT],
    dataFolder,
    health: '/health',
  };
}

/** As Patroni's own sample has it. */
function proxyProgram(members: readonly NodeName[]): NodeProgram {
  const listen = (name: string, port: number, path: string) => `
listen ${name}
    bind *:${port}
    option httpchk OPTIONS ${path}
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions resolvers docker init-addr none
${members.map((member) => `    server ${member} ${member}:${POSTGRES_PORT} maxconn ${MAX_CONNECTIONS} check port ${REST_PORT}`).join('\n')}
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
# A container that is started again may have another address.
resolvers docker
    nameserver docker 127.0.0.11:53
    resolve_retries 2
    timeout resolve 1s
    timeout retry 1s
    hold valid 1s
    hold nx 1h
    hold timeout 1h
    hold refused 1h
    hold other 1h
${listen('primary', PRIMARY_PORT, '/primary')}${listen('standbys', STANDBY_PORT, '/replica')}`;
  return {
    image: IMAGE,
    requires: ['haproxy'],
    command: ['haproxy', '-W', '-db', '-f', `${CONFIG}/haproxy.cfg`],
    files: { [`${CONFIG}/haproxy.cfg`]: config },
    ports: [PRIMARY_PORT, STANDBY_PORT],
    health: '',
  };
}

function poolerProgram(): NodeProgram {
  const config = `[databases]
* = host=${HAPROXY} port=${PRIMARY_PORT}
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = ${POOLER_PORT}
auth_type = scram-sha-256
auth_file = ${CONFIG}/users.txt
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 100
max_prepared_statements = 200
server_login_retry = 1
ignore_startup_parameters = extra_float_digits,options
logfile =
`;
  return {
    image: IMAGE,
    requires: ['pgbouncer'],
    command: ['pgbouncer', `${CONFIG}/pgbouncer.ini`],
    files: { [`${CONFIG}/pgbouncer.ini`]: config, [`${CONFIG}/users.txt`]: `"postgres" "${PASSWORD_HERE}"\n` },
    ports: [POOLER_PORT],
    health: '',
  };
}
