/**
 * A local node that runs a program of its engine and all that this starts. These processes are known by their working
 * directory, the node's folder: a server started by Patroni is not its child.
 */

import { chown, writeFile } from 'node:fs/promises';
import { type NodeBackends, type NodeControl, type NodeState, noSuchBackend } from '../../cluster/platform.ts';
import { type NodeProgram, PASSWORD_HERE } from '../../cluster/program.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';
import { until } from '../../model/until.ts';
import { partsOf, processesOf } from '../parts.ts';
import { connectionRefusal, healthCheck } from '../program-health.ts';
import type { Account } from './account.ts';
import { type LaunchedProcess, launch } from './launch.ts';
import type { LocalNode } from './local-cluster.ts';
import { lastLines } from './log.ts';
import {
  frozenAmong,
  killAll,
  type ProcessKey,
  pauseAll,
  processesWorkingIn,
  resumeAll,
  sendSignal,
  stateOf,
  survivors,
  type WorkingProcess,
} from './processes.ts';
import { removeSharedMemory } from './shared-memory.ts';
import { SUPERUSER } from './template.ts';

/** For a clean shutdown; then the remaining processes are killed. */
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 5;
const AGENT_LIMIT_MS = 1_000;
const SIGNAL_LIMIT_MS = 1_000;

export interface ProgramNodeOptions {
  readonly name: NodeName;
  readonly program: NodeProgram;
  /** Processes with this working directory belong to the node. Without links. */
  readonly folder: string;
  /** Where it listens for a port of its program. */
  readonly portOf: (port: number) => Omit<Address, 'user' | 'password' | 'database'>;
  readonly password: string;
  readonly account: Account | undefined;
  /** PATH of its programs. */
  readonly path: string;
  readonly logFile: string;
  /** The same for a user to read. */
  readonly keptLog: string;
  /** Called when it runs as a new process. */
  readonly onLaunch: () => Promise<void>;
}

export class ProgramNode implements LocalNode {
  readonly name: NodeName;
  readonly dataFolder: string;
  readonly health: NodeControl['health'];
  readonly parts: NodeControl['parts'];
  readonly #options: ProgramNodeOptions;
  #first: LaunchedProcess | undefined;
  #launching: Promise<unknown> = Promise.resolve();
  #retired = false;

  constructor(options: ProgramNodeOptions) {
    const { name, folder, program } = options;
    const { agent } = program;
    this.#options = options;
    this.name = name;
    this.dataFolder = program.dataFolder ?? folder;
    this.health = program.health === undefined ? undefined : healthCheck(this, program.health);
    this.parts =
      agent &&
      partsOf({
        name,
        agent: agent.process,
        agentRefusal: () => connectionRefusal(this.addressAt(agent.port), AGENT_LIMIT_MS),
        look: async () => this.#processes(),
        signal: (word, processes) => this.#signal(word, processes),
        wakeAgent: async () => {
          if (this.#first) await sendSignal([this.#first], 'SIGUSR1');
        },
      });
  }

  get identity(): { readonly port: number; readonly process: ProcessKey | undefined } {
    return { port: this.address().port, process: this.#first };
  }

  address(): Address {
    return this.addressAt(this.#options.program.ports[0]);
  }

  addressAt(port: number): Address {
    const { portOf, password } = this.#options;
    return { ...portOf(port), user: SUPERUSER, password, database: 'postgres' };
  }

  peerAddress(_from: NodeName): Address {
    return this.address();
  }

  async state(): Promise<NodeState> {
    return stateOf(this.#processes());
  }

  async stoppedProcesses(): Promise<number> {
    return frozenAmong(this.#processes());
  }

  async describeState(): Promise<string> {
    const processes = this.#processes();
    const first = `process ${this.#first?.pid ?? '(none)'}`;
    if (processes.length === 0) return `${first} and all that it started are gone`;
    const stopped = processes.filter(({ state }) => state === 'T').length;
    const all = `${formatCount(processes.length, 'process', 'processes')} (${programsIn(processes)})`;
    if (stopped === 0) return `${all} ${processes.length === 1 ? 'is running' : 'are running'}`;
    return stopped === processes.length ? `${all} stopped (T)` : `${stopped} of ${all} are stopped (T)`;
  }

  async stop(): Promise<void> {
    if (!this.#first || this.#processes().length === 0) return;
    // A frozen process cannot shut down.
    await this.resume();
    await sendSignal([this.#first], 'SIGTERM');
    // As in a container, processes that outlive the first one are killed.
    await until({ limitMs: STOP_LIMIT_MS, everyMs: POLL_MS }, async () => (await this.#lives()) || undefined);
    await this.kill();
  }

  kill(): Promise<void> {
    return killAll(this.name, async () => this.#processes());
  }

  async pause(): Promise<void> {
    if (this.#processes().length === 0) {
      throw new EnvironmentError(`${this.name} is not running, so it cannot be paused`, { code: 'node-not-running' });
    }
    await pauseAll(this.name, async () => this.#processes());
  }

  resume(): Promise<void> {
    return resumeAll(this.name, async () => this.#processes());
  }

  async start(): Promise<void> {
    if (this.#processes().length > 0) return;
    if (this.#retired) throw this.#launchError('its cluster was removed');
    const launching = this.#launch();
    this.#launching = launching;
    await launching;
  }

  readonly backends: NodeBackends = {
    kill: async (pid) => {
      const all = this.#processes();
      const [postmaster] = processesOf('postmaster', all, '');
      const backend = all.find((info) => info.pid === pid && info.parent === postmaster?.pid);
      if (!backend) throw noSuchBackend(this.name, pid);
      await sendSignal([backend], 'SIGKILL');
    },
  };

  /** Writes the configuration and starts the program for the first time. */
  async launch(): Promise<void> {
    const { program, password, account } = this.#options;
    for (const [file, text] of Object.entries(program.files)) {
      await writeFile(file, text.replaceAll(PASSWORD_HERE, password), { mode: 0o600 });
      if (account) await chown(file, account.uid, account.gid);
    }
    await this.start();
  }

  /** Why it can never serve, in words; `undefined` while it may. */
  async ended(): Promise<string | undefined> {
    const { agent, command } = this.#options.program;
    if (!(await this.#lives())) return `${command[0]} has ended`;
    const gone = agent && !this.#processes().some(({ command }) => command === agent.process);
    return gone ? `${agent.process} has ended` : undefined;
  }

  /** The end of its log, for an error message. */
  lastLogLines(): Promise<string> {
    return lastLines(this.#options.logFile);
  }

  async retire(): Promise<void> {
    this.#retired = true;
    await this.#launching.catch(() => undefined);
    await this.kill();
    await removeSharedMemory(this.dataFolder);
  }

  /** Parents before children, unless process ids have wrapped around. */
  #processes(): WorkingProcess[] {
    return processesWorkingIn(this.#options.folder).sort((a, b) => a.pid - b.pid);
  }

  /** Waits until the signal has taken effect, for 1 s at most. */
  async #signal(word: 'KILL' | 'STOP' | 'CONT', processes: readonly ProcessKey[]): Promise<void> {
    await sendSignal(processes, `SIG${word}`);
    await until({ limitMs: SIGNAL_LIMIT_MS, everyMs: POLL_MS }, async () => {
      const left = await survivors(processes);
      return left.find(({ state }) => word === 'KILL' || (state === 'T') !== (word === 'STOP'));
    });
  }

  async #lives(): Promise<boolean> {
    return this.#first !== undefined && (await survivors([this.#first])).length > 0;
  }

  async #launch(): Promise<void> {
    const { program, folder, account, path, logFile, onLaunch } = this.#options;
    try {
      const first = await launch(program.command, { account, cwd: folder, path, logFile });
      if (!first) throw new Error('it ended at once');
      this.#first = first;
    } catch (error) {
      throw this.#launchError(errorText(error));
    }
    // A full disk must not prevent the start: the processes are found by the cluster's folder too.
    await onLaunch().catch(() => undefined);
  }

  #launchError(reason: string): EnvironmentError {
    return new EnvironmentError(`${this.name}: ${this.#options.program.command[0]} did not start: ${reason}`, {
      code: 'server-not-started',
      hint: `the whole log is in ${this.#options.keptLog}`,
    });
  }
}

/** `1 patroni, 9 postgres`. */
function programsIn(processes: readonly WorkingProcess[]): string {
  const counted = Map.groupBy(processes, ({ command }) => command);
  return [...counted].map(([command, all]) => `${all.length} ${command}`).join(', ');
}
