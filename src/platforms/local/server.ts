/** One PostgreSQL server on this machine. */

import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type NodeBackends,
  type NodeControl,
  type NodeData,
  type NodeState,
  noSuchBackend,
  without,
} from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import { atALimit, EnvironmentError, errorText, isShortOfDescriptors } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import type { Binaries } from './binaries.ts';
import { type LaunchedProcess, launch } from './launch.ts';
import { lastLines, sizeOf } from './log.ts';
import type { PortChooser } from './ports.ts';
import {
  frozenAmong,
  killTree,
  type ProcessInfo,
  type ProcessKey,
  pauseTree,
  processTree,
  resumeTree,
  sendSignal,
  stateOf,
  survivors,
} from './processes.ts';
import { copyDataFolder, writeDataFiles } from './server-data.ts';
import { removeSharedMemory } from './shared-memory.ts';
import { SUPERUSER } from './template.ts';

const HOST = '127.0.0.1';
const STOP_LIMIT_MS = 10_000;
const LAUNCH_LIMIT_MS = 15_000;
const POLL_MS = 5;
const PORT_ATTEMPTS = 10;

export interface ServerOptions {
  readonly name: NodeName;
  readonly binaries: Binaries;
  readonly password: string;
  /** A copy of the template. */
  readonly dataFolder: string;
  readonly logFile: string;
  /** The same for a user to read. */
  readonly keptLog: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Called when the server runs as a new process. */
  readonly onLaunch: () => Promise<void>;
}

export class LocalServer implements NodeControl {
  readonly name: NodeName;
  readonly dataFolder: string;
  readonly #options: ServerOptions;
  #port = 0;
  #postmaster: LaunchedProcess | undefined;
  /** The postmaster and its children when last seen: shows whether children outlive a dead postmaster. */
  #lastSeen: readonly ProcessKey[] = [];
  #ending = 'was never started';
  #launching: Promise<unknown> = Promise.resolve();
  #retired = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.name = options.name;
    this.dataFolder = options.dataFolder;
  }

  /** Its port, and the postmaster, absent before the first launch. */
  get identity(): { readonly port: number; readonly process: ProcessKey | undefined } {
    return { port: this.#port, process: this.#postmaster };
  }

  address(): Address {
    return {
      host: HOST,
      port: this.#port,
      user: SUPERUSER,
      password: this.#options.password,
      database: 'postgres',
    };
  }

  peerAddress(_from: NodeName): Address {
    return this.address();
  }

  /**
   * Starts it for the first time, on a port that it keeps.
   * @throws EnvironmentError with its log when it does not start.
   */
  async launchOnFreePort(ports: Pick<PortChooser, 'next'>, abort: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#port = await ports.next();
      await this.#writeConfiguration();
      abort.throwIfAborted();
      const failure = await this.#launchUnlessRetired();
      if (failure === undefined) return;
      // Another program may take a port between its test and its use.
      const portTaken = /could not bind|could not create any TCP\/IP sockets/.test(failure);
      if (!portTaken || attempt === PORT_ATTEMPTS) throw this.#launchError(failure);
    }
  }

  async state(): Promise<NodeState> {
    return stateOf(await this.#processes());
  }

  async stoppedProcesses(): Promise<number> {
    return frozenAmong(await this.#processes());
  }

  async describeState(): Promise<string> {
    const processes = await this.#processes();
    const count = (n: number) => `${n} other ${n === 1 ? 'process' : 'processes'}`;
    const postmaster = `postmaster ${this.#postmaster?.pid ?? '(none)'}`;
    if (processes.length === 0) {
      return `${postmaster} and its ${count(Math.max(0, this.#lastSeen.length - 1))} are gone (${this.#ending})`;
    }
    const stopped = processes.filter((info) => info.state === 'T').length;
    const all = `${postmaster} and ${count(processes.length - 1)}`;
    if (stopped === 0) return `${all} are running`;
    return stopped === processes.length ? `${all} are stopped (T)` : `${stopped} of ${all} are stopped (T)`;
  }

  async stop(): Promise<void> {
    const postmaster = this.#postmaster;
    if (!postmaster || (await this.#processes()).length === 0) return;
    // A frozen process cannot shut down.
    await resumeTree(postmaster);
    await sendSignal([postmaster], 'SIGINT');
    const left = await until({ limitMs: STOP_LIMIT_MS, everyMs: POLL_MS }, async () => {
      const { length } = await survivors(this.#lastSeen);
      return length || undefined;
    });
    if (left !== undefined) await this.kill();
    this.#ending =
      left === undefined ? 'shut down' : `killed, because a fast shutdown took more than ${STOP_LIMIT_MS / 1_000} s`;
  }

  async kill(): Promise<void> {
    if (!this.#postmaster || (await this.#processes()).length === 0) return;
    await killTree(this.#postmaster, this.#lastSeen);
    this.#ending = 'killed';
  }

  async pause(): Promise<void> {
    if (!this.#postmaster || (await this.#processes()).length === 0) {
      throw new EnvironmentError(`${this.name} is not running, so it cannot be paused`, { code: 'node-not-running' });
    }
    await pauseTree(this.#postmaster);
  }

  async resume(): Promise<void> {
    if (this.#postmaster) await resumeTree(this.#postmaster);
  }

  async start(): Promise<void> {
    if ((await this.#processes()).length > 0) return;
    const failure = await this.#launchUnlessRetired();
    if (failure !== undefined) throw this.#launchError(failure);
  }

  readonly backends: NodeBackends = {
    kill: async (pid) => {
      const [postmaster, ...others] = await this.#processes();
      const backend = others.find((info) => info.pid === pid && info.parent === postmaster?.pid);
      if (!backend) throw noSuchBackend(this.name, pid);
      await sendSignal([backend], 'SIGKILL');
    },
  };

  readonly data: NodeData = {
    copyFrom: async (source) => {
      if (!(source instanceof LocalServer)) return without(source.name, 'data-copy');
      await this.#refuseRunning();
      await copyDataFolder(source.dataFolder, this.dataFolder, this.#options.binaries.account);
      await this.#writeConfiguration();
    },
    write: async (files) => {
      await this.#refuseRunning();
      await writeDataFiles(this.dataFolder, files, this.#options.binaries.account);
    },
  };

  async #refuseRunning(): Promise<void> {
    if ((await this.#processes()).length === 0) return;
    throw new EnvironmentError(`${this.name} is running, so its data cannot be replaced`, { code: 'node-running' });
  }

  /** Kills it for good: waits for a launch in progress and kills that too, and refuses later ones. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#launching.catch(() => undefined);
    await this.kill().catch(async (error: unknown) => {
      if (!isShortOfDescriptors(error)) throw error;
      await this.#postmaster?.end();
    });
    await removeSharedMemory(this.dataFolder);
  }

  /** The end of its log, for an error message. */
  lastLogLines(): Promise<string> {
    return lastLines(this.#options.logFile);
  }

  /** All of its living processes, including children that outlive the postmaster. */
  async #processes(): Promise<ProcessInfo[]> {
    if (!this.#postmaster) return [];
    const tree = await processTree(this.#postmaster);
    if (tree.length === 0) return survivors(this.#lastSeen);
    this.#lastSeen = tree;
    return tree;
  }

  async #writeConfiguration(): Promise<void> {
    const { dataFolder, settings } = this.#options;
    const lines = Object.entries({ ...settings, port: String(this.#port) }).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    );
    // All settings are in this file, so that `postgres -D <folder>` starts the server again.
    await writeFile(`${dataFolder}/postgresql.conf`, lines.join(''));
  }

  #launchUnlessRetired(): Promise<string | undefined> {
    if (this.#retired) return Promise.resolve('its cluster was removed');
    const launching = this.#launch();
    this.#launching = launching;
    return launching;
  }

  /** @returns `undefined` once it listens, else its log. */
  async #launch(): Promise<string | undefined> {
    const { binaries, dataFolder, logFile } = this.#options;
    const logStart = await sizeOf(logFile);
    const command = [binaries.postgres, '-D', dataFolder] as const;
    let first: LaunchedProcess | undefined;
    try {
      first = await launch(command, { account: binaries.account, cwd: dirname(dataFolder), logFile });
    } catch (error) {
      const limit = atALimit(error);
      if (limit) throw limit;
      return errorText(error);
    }
    if (first) {
      this.#postmaster = first;
      this.#lastSeen = [first];
      this.#ending = 'ended by itself';
      // A full disk must not prevent the start: the processes are found by the cluster's folder too.
      await this.#options.onLaunch().catch(() => undefined);
      if (await this.#listens(this.#postmaster)) return undefined;
    }
    const written = await readFile(logFile).catch(() => Buffer.alloc(0));
    const text = written.subarray(logStart).toString('utf8').trim();
    return text === '' ? 'it ended without a message' : text;
  }

  /** Whether its lock file reports that it accepts connections, perhaps as a standby. */
  async saysReady(): Promise<boolean> {
    return ['ready', 'standby'].includes((await this.#lockLines())[7]?.trim() ?? '');
  }

  /** https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h */
  #lockLines(): Promise<string[]> {
    return readFile(`${this.dataFolder}/postmaster.pid`, 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    );
  }

  /** Waits until its lock file names its port. @returns false if it ended instead. */
  async #listens(postmaster: ProcessKey): Promise<boolean> {
    let listens = false;
    const missing = await until({ limitMs: LAUNCH_LIMIT_MS, everyMs: POLL_MS }, async () => {
      const lines = await this.#lockLines();
      // Line 6 is the listen address; line 1 tells the file from an earlier postmaster's.
      listens = lines[0]?.trim() === String(postmaster.pid) && lines[5]?.trim() === HOST && lines.length > 6;
      return listens || (await survivors([postmaster])).length === 0 ? undefined : 'its port';
    });
    if (missing !== undefined) await this.kill();
    return listens;
  }

  #launchError(log: string): EnvironmentError {
    return new EnvironmentError(`${this.name} did not start on port ${this.#port}: ${log}`, {
      code: 'server-not-started',
      hint: `the whole log is in ${this.#options.keptLog}`,
    });
  }
}
