/** A cluster on this machine whose nodes run the engine's programs that are installed here. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilServes } from '../../cluster/health.ts';
import type { Nodes, ProvisionOptions } from '../../cluster/platform.ts';
import type { NodeProgram, NodePrograms, Places } from '../../cluster/program.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { own } from '../owner.ts';
import { serverAccount } from './account.ts';
import { DATA, DataRoot } from './data-folder.ts';
import { pathOfInstalled } from './installed.ts';
import { LocalCluster, startAll } from './local-cluster.ts';
import { keptLogOf, logFileOf } from './log.ts';
import { PortChooser } from './ports.ts';
import { ProgramNode } from './program-node.ts';

const HOST = '127.0.0.1';
/** For a node to serve; a first start makes data folders and copies them. */
const READY_LIMIT_MS = 120_000;
const WATCH_EVERY_MS = 500;
/** Consecutive looks: between fork and exec a program has another name. */
const ENDED_LOOKS = 3;
/** Space for data and WAL, in nodes as `DataRoot` counts them. */
const SHARES_PER_NODE = 2;
const ATTEMPTS = 3;
const PORT_TAKEN = /address already in use|could not bind|EADDRINUSE|cannot bind socket/i;

/**
 * Makes and starts all nodes; returns when all serve.
 * @throws EnvironmentError with what to install, or with the end of a log when a node does not start.
 */
export async function provisionPrograms(options: ProvisionOptions, programs: NodePrograms): Promise<Nodes> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await provisionOnce(options, programs);
    } catch (error) {
      options.signal.throwIfAborted();
      // Another program may take a port between its test and its use.
      if (attempt === ATTEMPTS || !PORT_TAKEN.test(errorText(error))) throw error;
    }
  }
}

async function provisionOnce(options: ProvisionOptions, programs: NodePrograms): Promise<Nodes> {
  const { nodes: specs, runFolder, signal, onProgress } = options;
  const names = specs.map(({ name }) => name);
  const [account, path] = await Promise.all([serverAccount(), pathOfInstalled(programs)]);
  const dataRoot = await DataRoot.choose(names.length * SHARES_PER_NODE);
  const chooser = await PortChooser.open();
  const ports = await portsFor(programs, chooser);
  const cluster = new LocalCluster(dataRoot, {
    runFolder,
    owner: await own(runFolder),
    ports: chooser,
    programs: true,
    say: onProgress,
  });
  // Recorded before anything is made, so that a crash at any later moment leaves nothing that cannot be found.
  await cluster.save();
  const password = randomBytes(24).toString('base64url');

  const startNode = async ([name, program]: [NodeName, NodeProgram], abort: AbortSignal) => {
    abort.throwIfAborted();
    const node = new ProgramNode({
      name,
      program,
      folder: await dataRoot.addFolder(name, account),
      portOf: (port) => ({ host: HOST, port: ports(name, port) }),
      password,
      account,
      path,
      logFile: logFileOf(dataRoot.folder, name),
      keptLog: keptLogOf(runFolder, name),
      onLaunch: () => cluster.save(),
    });
    cluster.add(node);
    await node.launch();
    await untilReady(node, abort);
  };

  try {
    await dataRoot.make(account);
    await startAll(Object.entries(programs.at(placesIn(dataRoot.folder, ports))), startNode, signal);
    cluster.sort(names);
    return cluster;
  } catch (error) {
    await cluster.dispose();
    throw error;
  }
}

/** The port of this machine for a port of a node. */
type PortOf = (node: NodeName, port: number) => number;

function placesIn(root: string, ports: PortOf): Places {
  const at = (node: NodeName, port: number) => `${HOST}:${ports(node, port)}`;
  return {
    listen: at,
    reach: at,
    configFolder: (node) => join(root, node),
    dataFolder: (node) => join(root, node, DATA),
  };
}

/** Chooses a free port for every port that the programs listen on or connect to. */
async function portsFor(programs: NodePrograms, chooser: PortChooser): Promise<PortOf> {
  const asked = new Set<string>();
  const keyOf = (node: NodeName, port: number) => `${node}:${port}`;
  programs.at(
    placesIn('/', (node, port) => {
      asked.add(keyOf(node, port));
      return port;
    }),
  );
  const chosen = new Map<string, number>();
  for (const key of asked) chosen.set(key, await chooser.next());
  return (node, port) => {
    const found = chosen.get(keyOf(node, port));
    if (found === undefined) throw new Error(`${node} has no port ${port}`);
    return found;
  };
}

/** @throws EnvironmentError with the end of its log when the node ends or does not serve in time. */
async function untilReady(node: ProgramNode, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const failure = async (words: string, cause?: unknown) =>
    new EnvironmentError(`${words}; its log ends with:\n${await node.lastLogLines()}`, {
      code: 'node-not-ready',
      cause,
    });
  const serves = untilServes(node, READY_LIMIT_MS, AbortSignal.any([signal, enough.signal])).catch(
    async (error: unknown) => {
      signal.throwIfAborted();
      throw await failure(errorText(error), error);
    },
  );
  const watch = async (): Promise<void> => {
    for (let looks = 0; !signal.aborted && !enough.signal.aborted; ) {
      const ended = await node.ended();
      looks = ended === undefined ? 0 : looks + 1;
      if (looks === ENDED_LOOKS) throw await failure(`${node.name}: ${ended} during the start`);
      await sleep(WATCH_EVERY_MS);
    }
    return serves;
  };
  try {
    await Promise.race([serves, watch()]);
  } finally {
    enough.abort(new Error('the wait is over'));
    await serves.catch(() => undefined);
  }
}
