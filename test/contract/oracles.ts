/**
 * For every fault, somebody else who sees it: a client of the node, a peer of it, what the server remembers of its own
 * past, its control file, the Docker engine. An oracle says what it saw that it would not have seen without the fault,
 * nor with a fault like it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeControl } from '../../src/cluster/platform.ts';
import type { Attempt, Clients, Kind } from '../../src/contract/clients.ts';
import type { Oracle } from '../../src/contract/oracle.ts';
import { DockerNode } from '../../src/platforms/docker/node.ts';
import { engine } from '../support/docker.ts';

/** No connection left; read-only; the disk is full; ended by an administrator; not now. */
const TOO_MANY_CONNECTIONS = '53300';
const READ_ONLY = '25006';
const DISK_FULL = '53100';
const ADMIN_SHUTDOWN = '57P01';
const CANNOT_CONNECT_NOW = '57P03';
const DEADLINE = 'deadline';
const REFUSED = 'ECONNREFUSED';
/** Bytes; what a limit is put back to where there was none is above it. */
const NO_LIMIT = 2 ** 40;
const isSqlState = (code: string) => /^[0-9A-Z]{5}$/.test(code);
/** The connection is gone, and the server did not say why. */
const isBroken = (code: string) => !isSqlState(code) && code !== DEADLINE;

/** More than an answer takes that nothing holds up, less than a packet is sent again after. */
const SLOW_MS = 150;

const failed = (attempts: readonly Attempt[], is: (code: string) => boolean) =>
  attempts.find(({ code }) => code !== undefined && is(code));

/** An attempt of this kind failed in this way. */
function meets(kind: Kind, what: string, is: (code: string) => boolean): (clients: Clients) => string | undefined {
  return (clients) => {
    const attempt = failed(clients.of(kind), is);
    return attempt && `a client's ${kind} ${what} (${attempt.code})`;
  };
}

/** Every attempt of this kind that failed did so in this way. */
function meetsOnly(kind: Kind, is: (code: string) => boolean): (clients: Clients) => string | undefined {
  return (clients) => {
    const other = failed(clients.of(kind), (code) => !is(code));
    return other ? undefined : `no client's ${kind} met anything else`;
  };
}

/** So many attempts in a row: a single one may be slow on any machine. */
function isSlow(kind: Kind, limitMs: number, inRow: number): (clients: Clients) => string | undefined {
  return (clients) => {
    let row = 0;
    for (const { code = DEADLINE, tookMs } of clients.of(kind)) {
      row = code === DEADLINE && tookMs > limitMs ? row + 1 : 0;
      if (row === inRow) return `${inRow} of a client's ${kind} in a row took ${Math.round(tookMs)} ms or so`;
    }
    return undefined;
  };
}

/** So many attempts, with others between them. Where a ping was slow meanwhile, which is spared, the machine was. */
function isSlowAgain(kind: Kind, limitMs: number, times: number): (clients: Clients) => string | undefined {
  return (clients) => {
    const held = clients.of('ping').filter(({ tookMs }) => tookMs > limitMs / 2);
    const beside = (one: Attempt) => (ping: Attempt) =>
      ping.endedAt > one.endedAt - one.tookMs && ping.endedAt - ping.tookMs < one.endedAt;
    const slow = clients.of(kind).filter((one) => one.tookMs > limitMs && !held.some(beside(one)));
    return slow.length >= times ? `${slow.length} of a client's ${kind} took more than ${limitMs} ms` : undefined;
  };
}

const both =
  (...all: readonly ((clients: Clients) => string | undefined)[]) =>
  (clients: Clients) => {
    const words = all.map((sees) => sees(clients));
    return words.includes(undefined) ? undefined : words.join(', ');
  };

/** A server that stops tells its sessions so, but is not always heard: it may be gone with its network before. */
const ended = meets('ping', 'was ended', (code) => code === ADMIN_SHUTDOWN || isBroken(code));
const down = meets('fresh', 'was not let in', (code) => code === CANNOT_CONNECT_NOW || !isSqlState(code));
/** The server said nothing, as one that is gone says nothing. */
const torn = meets('ping', 'broke without a word', isBroken);
const silent = meets('ping', 'got no answer', (code) => code === DEADLINE);
const hung = meets('fresh', 'hung', (code) => code === DEADLINE);
/** SQLSTATE class 08: between servers, the connection. */
const noWay = (code: string) => code.startsWith('08');

/** A client that was ended comes again sooner than the next new one: a server may be back before that. */
const away = (clients: Clients) =>
  down(clients) ??
  meets('ping', 'was not let in again', (code) => code === CANNOT_CONNECT_NOW || code === REFUSED)(clients);

const stopped: Oracle = { kinds: ['ping', 'fresh'], sees: both(ended, away), past: 'restarted', unlike: 'node-kill' };
const killed: Oracle = { kinds: ['ping', 'fresh'], sees: both(torn, down), past: 'crashed', unlike: 'node-stop' };

/** Keeps a processor busy for some 50 ms. */
const WORK = 'SELECT count(*) FROM generate_series(1, 400000)';
/** `read` alone takes this mode; a fault that looks whether its lock holds takes another one, or does not wait. */
const WAITING = `SELECT count(*) FROM pg_locks
  WHERE NOT granted AND relation = 'messages'::regclass AND mode = 'AccessShareLock'`;

export const oracles: Readonly<Record<string, Oracle>> = {
  'node-stop': stopped,
  'node-kill': killed,
  'node-pause': { forMs: 2_400, kinds: ['ping', 'fresh'], sees: both(silent, hung), unlike: 'node-stop' },
  'node-restart': stopped,
  'node-flap': killed,
  'rolling-restart': stopped,
  'network-disconnect': {
    forMs: 1_600,
    kinds: ['ping', 'remote'],
    sees: both(
      silent,
      meets('remote', 'failed', (code) => code === DEADLINE || noWay(code)),
    ),
    looks: async (node) => {
      if (!(node instanceof DockerNode)) return (await node.state()) === 'running' ? 'its server runs on' : undefined;
      const { NetworkSettings, State } = await inspected(node);
      const alone = Object.keys(NetworkSettings.Networks).length === 0 && State.Status === 'running';
      return alone ? 'the Docker engine has it running, in no network' : undefined;
    },
    unlike: 'node-pause',
  },
  'network-drop': {
    kinds: ['ping', 'read', 'remote'],
    spared: ['ping', 'read'],
    forMs: 1_600,
    sees: meets('remote', 'hung', (code) => code === DEADLINE),
    unlike: 'network-reject',
  },
  'network-reject': {
    kinds: ['ping', 'read', 'remote'],
    spared: ['ping', 'read'],
    // What the proof itself met does not count, and on a busy machine the proof takes its time.
    forMs: 1_600,
    sees: meets('remote', 'was refused', noWay),
    unlike: 'network-drop',
  },
  'network-loss': {
    kinds: ['ping', 'remote'],
    spared: ['ping'],
    forMs: 5_000,
    sees: isSlowAgain('remote', SLOW_MS, 3),
  },
  'network-latency': { kinds: ['remote'], forMs: 2_000, sees: isSlow('remote', 95, 3), unlike: 'network-bandwidth' },
  'network-bandwidth': { kinds: ['bulk'], forMs: 1_500, sees: isSlow('bulk', 250, 2) },
  'connection-reset': {
    kinds: ['ping', 'ping', 'fresh'],
    sees: both(
      meets('ping', 'was reset', (code) => code === 'ECONNRESET'),
      meetsOnly('fresh', isBroken),
    ),
    unlike: 'backend-terminate',
  },
  'cpu-throttle': {
    kinds: ['work'],
    statements: { work: WORK },
    // The engine looks at a control group once a second.
    forMs: 5_000,
    looks: async (node) => {
      const before = await statsOf(node);
      await sleep(WORK_MS);
      const periods = (await statsOf(node)).throttledPeriods - before.throttledPeriods;
      return periods > 0 ? `the kernel made it wait for a processor in ${periods} periods` : undefined;
    },
    unlike: 'memory-limit',
  },
  'memory-limit': {
    kinds: [],
    forMs: 2_500,
    looks: async (node) => {
      const [{ memoryLimit }, { MemTotal }] = [await statsOf(node), await engine.info()];
      return memoryLimit < Math.min(NO_LIMIT, MemTotal) ? `the kernel allows it ${memoryLimit} bytes` : undefined;
    },
    unlike: 'cpu-throttle',
  },
  'disk-full': {
    kinds: ['write', 'ping'],
    spared: ['ping'],
    forMs: 2_500,
    sees: meets('write', 'found no space', (code) => code === DISK_FULL),
    unlike: 'read-only',
  },
  // Sessions of a server that crashes get a warning alone, and then nothing.
  'backend-kill': { kinds: ['ping'], sees: torn, past: 'recovered', unlike: 'backend-terminate' },
  // Several, because the last words of a server are lost where the next statement meets them.
  'backend-terminate': {
    kinds: ['ping', 'ping', 'ping', 'fresh'],
    sees: both(
      meets('ping', 'was ended by an administrator', (code) => code === ADMIN_SHUTDOWN),
      // Ended at most: a server that stops lets none in.
      meetsOnly('fresh', (code) => code === ADMIN_SHUTDOWN || isBroken(code)),
    ),
    unlike: 'backend-kill',
  },
  'connections-exhaust': {
    kinds: ['fresh', 'ping'],
    spared: ['ping'],
    sees: meets('fresh', 'found no connection left', (code) => code === TOO_MANY_CONNECTIONS),
    unlike: 'node-stop',
  },
  'lock-table': {
    kinds: ['read', 'ping', 'waiting'],
    statements: { waiting: WAITING },
    spared: ['ping', 'waiting'],
    forMs: 900,
    sees: both(
      meets('read', 'got no answer', (code) => code === DEADLINE),
      (clients) => {
        const waiting = clients.of('waiting').find(({ value }) => Number(value) > 0);
        return waiting && `pg_locks shows ${waiting.value} reads of the table that wait`;
      },
    ),
    unlike: 'network-drop',
  },
  'read-only': {
    kinds: ['write', 'read', 'ping'],
    spared: ['read', 'ping'],
    sees: meets('write', 'was refused', (code) => code === READ_ONLY),
    unlike: 'lock-table',
  },
  'checkpoint-storm': {
    kinds: ['checkpoint'],
    forMs: 1_000,
    sees: (clients) => {
      const places = new Set(clients.of('checkpoint').flatMap(({ value }) => value ?? []));
      return places.size > 2 ? `the control file named ${places.size} checkpoints` : undefined;
    },
  },
};

/** Several of the kernel's periods, a tenth of a second each. */
const WORK_MS = 700;

/** What the Docker engine says of the node's container. */
function inspected(node: NodeControl) {
  return engine.getContainer(containerOf(node)).inspect();
}

/** What the kernel says of the node's control group, by the Docker engine. */
async function statsOf(node: NodeControl) {
  const stats = await engine.getContainer(containerOf(node)).stats({ stream: false, 'one-shot': true });
  return {
    throttledPeriods: stats.cpu_stats.throttling_data.throttled_periods,
    memoryLimit: stats.memory_stats.limit,
  };
}

function containerOf(node: NodeControl): string {
  if (!(node instanceof DockerNode)) throw new Error(`${node.name} is not a container`);
  return node.containerId;
}
