/**
 * For every fault, somebody else who sees it: a client of the node, a peer of it, the server's control file, the
 * Docker engine. An oracle says what it saw that it would not have seen without the fault.
 */

import type { NodeControl } from '../../src/cluster/platform.ts';
import type { Attempt, Clients, Kind } from '../../src/contract/clients.ts';
import type { Oracle } from '../../src/contract/oracle.ts';
import { engine } from '../support/docker.ts';

/** No connection left; read-only; the disk is full. */
const TOO_MANY_CONNECTIONS = '53300';
const READ_ONLY = '25006';
const DISK_FULL = '53100';
const DEADLINE = 'deadline';
/** Bytes; what a limit is put back to where there was none is above it. */
const NO_LIMIT = 2 ** 40;
const isSqlState = (code: string) => /^[0-9A-Z]{5}$/.test(code);

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

function isSlow(kind: Kind, limitMs: number): (clients: Clients) => string | undefined {
  return (clients) => {
    const slow = clients.of(kind).find(({ code = DEADLINE, tookMs }) => code === DEADLINE && tookMs > limitMs);
    return slow && `a client's ${kind} took ${Math.round(slow.tookMs)} ms`;
  };
}

const both =
  (...all: readonly ((clients: Clients) => string | undefined)[]) =>
  (clients: Clients) => {
    const words = all.map((sees) => sees(clients));
    return words.includes(undefined) ? undefined : words.join(', ');
  };

/** Not silence: the session is gone. A server that stops does not always get its last words out. */
const ended = meets('ping', 'was ended', (code) => code !== DEADLINE);
const refused = meets('fresh', 'was not let in', (code) => code !== TOO_MANY_CONNECTIONS);
/** The server said nothing, as one that is gone says nothing. */
const torn = meets('ping', 'broke without a word', (code) => !isSqlState(code) && code !== DEADLINE);
const silent = meets('ping', 'got no answer', (code) => code === DEADLINE);

const stopped: Oracle = { kinds: ['ping', 'fresh'], sees: both(ended, refused) };
const killed: Oracle = { kinds: ['ping', 'fresh'], sees: both(torn, refused) };

export const oracles: Readonly<Record<string, Oracle>> = {
  'node-stop': stopped,
  'node-kill': killed,
  'node-pause': {
    forMs: 1_200,
    kinds: ['ping', 'fresh'],
    sees: both(
      silent,
      meets('fresh', 'hung', (code) => code === DEADLINE),
    ),
  },
  'node-restart': stopped,
  'node-flap': killed,
  'rolling-restart': stopped,
  'network-disconnect': {
    kinds: ['ping', 'remote'],
    sees: both(
      silent,
      meets('remote', 'failed', () => true),
    ),
  },
  'network-drop': {
    kinds: ['ping', 'remote'],
    spared: ['ping'],
    forMs: 900,
    sees: meets('remote', 'hung', (code) => code === DEADLINE),
  },
  'network-reject': {
    kinds: ['ping', 'remote'],
    spared: ['ping'],
    sees: meets('remote', 'was refused', isSqlState),
  },
  'network-loss': {
    kinds: ['ping', 'remote'],
    spared: ['ping'],
    forMs: 3_000,
    sees: isSlow('remote', SLOW_MS),
  },
  'network-latency': { kinds: ['remote'], sees: isSlow('remote', 95) },
  'network-bandwidth': { kinds: ['bulk'], forMs: 1_200, sees: isSlow('bulk', 250) },
  'connection-reset': { kinds: ['ping'], sees: torn },
  'cpu-throttle': {
    kinds: [],
    forMs: 2_500,
    sees: () => undefined,
    looks: async (node) => {
      const { CpuQuota = 0, CpuPeriod = 0, NanoCpus = 0 } = await hostConfigOf(node);
      const share = CpuQuota > 0 ? CpuQuota / (CpuPeriod || 100_000) : NanoCpus / 1e9;
      return share > 0 && share < 1 ? `the Docker engine allows it ${share} of a processor` : undefined;
    },
  },
  'memory-limit': {
    kinds: [],
    forMs: 2_500,
    sees: () => undefined,
    looks: async (node) => {
      const { Memory = 0 } = await hostConfigOf(node);
      return Memory > 0 && Memory < NO_LIMIT ? `the Docker engine allows it ${Memory} bytes` : undefined;
    },
  },
  'disk-full': {
    kinds: ['write', 'ping'],
    spared: ['ping'],
    forMs: 2_500,
    sees: meets('write', 'found no space', (code) => code === DISK_FULL || !isSqlState(code)),
  },
  // Sessions of a server that crashes get a warning alone, and then nothing.
  'backend-kill': { kinds: ['ping'], sees: torn },
  'backend-terminate': { kinds: ['ping', 'fresh'], sees: ended },
  'connections-exhaust': {
    kinds: ['fresh'],
    sees: meets('fresh', 'found no connection left', (code) => code === TOO_MANY_CONNECTIONS),
  },
  'lock-table': {
    kinds: ['read', 'ping'],
    spared: ['ping'],
    forMs: 900,
    sees: meets('read', 'waited for a lock', (code) => code === DEADLINE),
  },
  'read-only': {
    kinds: ['write', 'ping'],
    spared: ['ping'],
    sees: meets('write', 'was refused', (code) => code === READ_ONLY),
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

/** What the engine was told of a node's container, known by its address. */
async function hostConfigOf(node: NodeControl) {
  const { host } = node.address();
  for (const { Id } of await engine.listContainers()) {
    const { HostConfig, NetworkSettings } = await engine.getContainer(Id).inspect();
    if (Object.values(NetworkSettings.Networks).some(({ IPAddress }) => IPAddress === host)) return HostConfig;
  }
  throw new Error(`no container has the address ${host}`);
}
