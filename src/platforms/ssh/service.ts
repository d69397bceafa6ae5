/** A server that is a systemd service of a machine; each act on it is a command that a person could type. */

import type { ActCommands, Capability, NodeBackends, NodeNetwork, NodeState } from '../../cluster/platform.ts';
import { noSuchBackend } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';
import { RULE_COMMANDS, ScriptedTraffic, SHAPER_COMMANDS } from '../scripted-traffic.ts';
import { shellWord } from '../shell-word.ts';
import { DeadMan } from './dead-man.ts';
import type { Machine } from './machine.ts';
import { addressesFrom, connectFrom, keepsSsh } from './traffic.ts';
import { RIGHTS, TRIALS } from './trials.ts';

export interface ServiceOptions {
  readonly machine: Machine;
  readonly name: NodeName;
  /** `postgresql@17-main` */
  readonly service: string;
  /** The machine undoes an act after this time without contact. */
  readonly undoAfterMs: number;
}

/** The current state of the service. */
interface Look {
  /** `ActiveState` of systemd. */
  readonly active: string;
  readonly main: number;
  /** `ExecMainStartTimestamp` of systemd. */
  readonly since: string;
  /** Those in its control group; without one, the main process and its children. */
  readonly processes: readonly { readonly pid: number; readonly state: string }[];
}

const DOWN = ['inactive', 'failed'];

export class Service {
  readonly name: NodeName;
  readonly service: string;
  readonly network: NodeNetwork;
  readonly #machine: Machine;
  readonly #deadMan: DeadMan;
  /** Prefix of commands that need root. */
  readonly #asRoot: string;
  readonly #lacks = new Map<Capability, Promise<string | undefined>>();

  private constructor(
    { machine, name, service, undoAfterMs }: ServiceOptions,
    { asRoot, ssh }: { readonly asRoot: string; readonly ssh: string },
  ) {
    this.name = name;
    this.service = service;
    this.#machine = machine;
    this.#asRoot = asRoot;
    this.#deadMan = new DeadMan(machine, undoAfterMs);
    this.network = new ScriptedTraffic({
      asRoot,
      run: async ({ what, mark, script, undo }) => {
        const ran = () => machine.mustRun(`${what} ${name}`, script);
        return undo === undefined ? ran() : this.#act(`${what} ${name}`, { switchName: mark, act: script, undo });
      },
      kept: (chain) => keepsSsh(chain, ssh),
      addressesOf: (host) => addressesFrom(machine, name, host),
      connectTo: (peer, limitMs) => connectFrom(machine, peer, limitMs),
      removed: (mark) => this.#deadMan.disarm(mark),
    });
  }

  /** @throws EnvironmentError when the machine cannot be reached or has no such service. */
  static async of(options: ServiceOptions): Promise<Service> {
    const { machine, name, service } = options;
    const script = `id -u; echo "$SSH_CONNECTION"; systemctl show --property=LoadState --value ${shellWord(service)}`;
    const { exitCode, output, errors } = await machine.run(`look at ${service}`, script);
    const [user, ssh = '', loaded = ''] = output.split('\n');
    if (exitCode !== 0 || loaded !== 'loaded') {
      throw new EnvironmentError(
        `${name}: ${machine.to} has no service ${service}${errors === '' ? '' : `: ${errors.trim()}`}`,
        {
          code: 'no-such-service',
          hint: `"${machine.command} systemctl list-units '*postgres*'" lists its services`,
        },
      );
    }
    return new Service(options, { asRoot: user === '0' ? '' : 'sudo -n ', ssh });
  }

  async state(): Promise<NodeState> {
    return stateOf(await this.#look());
  }

  async startedAt(): Promise<string> {
    const { main, since } = await this.#look();
    return `${since}, process ${main}`;
  }

  async stoppedProcesses(): Promise<number> {
    const look = await this.#look();
    return stateOf(look) === 'running' ? look.processes.filter(isStopped).length : 0;
  }

  async describeState(): Promise<string> {
    const look = await this.#look();
    const { active, main, processes } = look;
    const state = stateOf(look);
    const words = `${this.service} on ${this.#machine.to} is ${active}`;
    if (state === 'stopped') return `${words}, without a process`;
    const children = formatCount(processes.length - 1, 'child', 'children');
    return state === 'paused'
      ? `${words}, process ${main} and ${children} stopped by a signal`
      : `${words}, process ${main} and ${children}`;
  }

  /** Whether a session's process belongs to the service. */
  async serves(backend: number, clientPort: number | null): Promise<boolean> {
    const { processes } = await this.#look();
    const pid = Math.trunc(backend);
    const { output } = await this.#machine.run(`look at process ${pid}`, `tr '\\0' ' ' < /proc/${pid}/cmdline`);
    const port = clientPort === null ? '[local]' : `(${clientPort})`;
    return processes.some((one) => one.pid === pid) && output.includes('postgres') && output.includes(port);
  }

  async stop(): Promise<void> {
    await this.#act(`stop ${this.service}`, { ...this.#whileDown(), act: this.#script(['stop']) });
  }

  async kill(): Promise<void> {
    await this.#act(`kill ${this.service}`, { ...this.#whileDown(), act: this.#script(['kill', 'stop']) });
  }

  async pause(): Promise<void> {
    const undo = this.#command('thaw');
    await this.#act(`freeze ${this.service}`, {
      switchName: `thaw-${this.service}`,
      act: this.#command('freeze'),
      undo,
    });
  }

  async resume(): Promise<void> {
    await this.#machine.mustRun(`thaw ${this.service}`, this.#command('thaw'));
    await this.#deadMan.disarm(`thaw-${this.service}`);
  }

  async start(): Promise<void> {
    await this.#machine.mustRun(
      `start ${this.service}`,
      `case $(${this.#show('ActiveState')}) in ${DOWN.join('|')}) ${this.#command('reset')} 2>/dev/null; ${this.#command('start')};; esac
${this.#until(`[ "$(${this.#show('MainPID')})" != 0 ]`)}`,
    );
    await this.#deadMan.disarm(this.#whileDown().switchName);
  }

  readonly backends: NodeBackends = {
    kill: async (pid) => {
      const { processes, main } = await this.#look();
      if (pid === main || !processes.some((one) => one.pid === pid)) throw noSuchBackend(this.name, pid);
      await this.#machine.mustRun(`kill process ${pid}`, `${this.#asRoot}kill -9 ${pid}`);
    },
  };

  /** Why the capability is missing, and what it needs. Tried once, by commands that change nothing. */
  lacks(capability: Capability): Promise<string | undefined> {
    const known = this.#lacks.get(capability);
    if (known) return known;
    const trying = this.#try(capability);
    this.#lacks.set(capability, trying);
    return trying;
  }

  async #try(capability: Capability): Promise<string | undefined> {
    const trial = TRIALS[capability];
    if (!trial)
      return `by ssh pgquake can only stop, kill and freeze a service and filter its packets, so there is no ${capability}`;
    const script = trial.script(this.#asRoot, shellWord(this.service));
    const { exitCode, output, errors } = await this.#machine.run(`try what ${capability} needs`, script);
    if (exitCode === 0) return undefined;
    const reason = `${output} ${errors}`.trim().replace(/\s+/g, ' ');
    return `${this.#machine.to}: ${reason}; it needs ${trial.needs}${this.#asRoot === '' ? '' : `, and ${RIGHTS}`}`;
  }

  /** The act and its undo as a person would type them, without the waiting. */
  commands(capability: Capability): ActCommands {
    const there = (...commands: string[]) => `${this.#machine.command} ${shellWord(commands.join('; '))}`;
    const both = (acts: string[], undo: string) => ({
      act: there(...acts),
      undo: there(undo),
      switch: there(this.#deadMan.inWords(undo)),
    });
    const root = this.#asRoot;
    const asRoot = ({ act, undo }: typeof RULE_COMMANDS) => both([`${root}${act}`], `${root}${undo}`);
    switch (capability) {
      case 'node-stop':
        return both([this.#command('stop')], this.#command('start'));
      case 'node-kill':
        return both([this.#command('kill'), this.#command('stop')], this.#command('start'));
      case 'node-pause':
        return both([this.#command('freeze')], this.#command('thaw'));
      case 'network-rules':
        return asRoot(RULE_COMMANDS);
      case 'network-bandwidth':
      case 'network-latency':
        return asRoot(SHAPER_COMMANDS);
      case 'backend-kill':
        return { act: there(`${root}kill -9 <the server process of one session>`) };
      default:
        return { act: 'nothing' };
    }
  }

  /** Arms the dead man before the act. */
  async #act(
    what: string,
    { switchName, act, undo }: { readonly switchName: string; readonly act: string; readonly undo: string },
  ): Promise<string> {
    this.#deadMan.arm(switchName);
    return await this.#machine.mustRun(what, `set -e\n${this.#deadMan.starting(switchName, undo)}\n${act}`);
  }

  #whileDown(): { readonly switchName: string; readonly undo: string } {
    return { switchName: `start-${this.service}`, undo: this.#command('start') };
  }

  #command(act: 'stop' | 'kill' | 'freeze' | 'thaw' | 'start' | 'reset'): string {
    const words = {
      stop: 'stop --no-block',
      kill: 'kill --signal=SIGKILL',
      freeze: 'kill --signal=SIGSTOP',
      thaw: 'kill --signal=SIGCONT',
      start: 'start --no-block',
      reset: 'reset-failed',
    };
    return `${this.#asRoot}systemctl ${words[act]} ${shellWord(this.service)}`;
  }

  #show(property: string): string {
    return `systemctl show --property=${property} --value ${shellWord(this.service)}`;
  }

  /** `stop` after `kill` keeps systemd from restarting the service because of `Restart=`. */
  #script(acts: readonly ('stop' | 'kill')[]): string {
    const down = `case $(${this.#show('ActiveState')}) in ${DOWN.join('|')}) true;; *) false;; esac`;
    return [...acts.map((act) => this.#command(act)), this.#until(down, this.#command('kill'))].join('\n');
  }

  /** Waits up to 10 s; with a command for then, up to 5 s more. */
  #until(holds: string, then = ''): string {
    return `n=0
until ${holds}; do
  n=$((n + 1))
  if [ "$n" -eq 100 ]; then ${then || 'echo "it has not started after 10 s" >&2; exit 1'}; fi
  if [ "$n" -ge 150 ]; then echo 'it does not stop' >&2; exit 1; fi
  sleep 0.1
done`;
  }

  async #look(): Promise<Look> {
    const service = shellWord(this.service);
    const script = `systemctl show --property=ActiveState --property=MainPID --property=ExecMainStartTimestamp ${service}
main=$(systemctl show --property=MainPID --value ${service})
group=$(systemctl show --property=ControlGroup --value ${service})
listed=$(ls /sys/fs/cgroup$group/cgroup.procs /sys/fs/cgroup/systemd$group/cgroup.procs 2>/dev/null)
if [ -n "$group" ] && [ -n "$listed" ]; then cat $(sed 's#.*#/proc/&/stat#' $listed) 2>/dev/null
elif [ "\${main:-0}" != 0 ]; then grep -hsE "^$main \\(|\\) [A-Za-z] $main " /proc/[0-9]*/stat; fi
exit 0`;
    return lookFrom(await this.#machine.mustRun(`look at ${this.service}`, script));
  }
}

/** Pure. */
export function lookFrom(output: string): Look {
  const property = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(output)?.[1] ?? '';
  const main = Number(property('MainPID')) || 0;
  const processes = [...output.matchAll(/^(\d+) \(.*\) ([A-Za-z]) (\d+) /gm)]
    .map(([, pid, state = '']) => ({ pid: Number(pid), state }))
    .filter(({ state }) => state !== 'Z');
  return {
    active: property('ActiveState'),
    main,
    since: property('ExecMainStartTimestamp'),
    processes,
  };
}

/** Pure. */
export function stateOf({ active, main, processes }: Look): NodeState {
  if (DOWN.includes(active) || !processes.some(({ pid }) => pid === main)) return 'stopped';
  return processes.every(isStopped) ? 'paused' : 'running';
}

function isStopped({ state }: { readonly state: string }): boolean {
  return state === 'T';
}
