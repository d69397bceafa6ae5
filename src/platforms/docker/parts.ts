/** Parts of a node in a container: which of its processes are PostgreSQL's and which its agent's, and signals to them. */

import type { NodeParts, PartProcess } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { until } from '../../model/until.ts';
import type { ExecResult } from './exec.ts';

type Part = Parameters<NodeParts['kill']>[0];

/** Where a node's processes can be looked at and signalled. */
export interface PartsOptions {
  readonly name: string;
  /** The name of the agent's process. */
  readonly agent: string;
  /** Why the agent takes no connection now; `undefined` where it does. */
  readonly agentRefusal: () => Promise<string | undefined>;
  readonly run: (what: string, command: readonly string[]) => Promise<ExecResult>;
}

/** One process of the container, as the kernel has it. */
export interface SeenProcess extends PartProcess {
  readonly parent: number;
  readonly command: string;
}

/** `pid (command) state parent`, of every process; one that ends meanwhile is left out. */
const LIST = 'cat /proc/[0-9]*/stat 2>/dev/null; true';
const SERVER = 'postgres';
const STARTED_LIMIT_MS = 20_000;
const LOOK_AGAIN_MS = 50;

export function partsOf({ name, agent, agentRefusal, run }: PartsOptions): NodeParts {
  const seen = async (part: Part) => {
    const { output } = await run('look at processes', ['sh', '-c', LIST]);
    return processesOf(part, parseProcesses(output), agent);
  };
  const signal = async (word: string, part: Part) => {
    const found = await seen(part);
    if (found.length === 0) {
      throw new EnvironmentError(`${name}: its ${part} does not run`, { code: 'no-such-part' });
    }
    // The first has all others as its children: stopped first, it makes no more of them.
    await run(`signal the ${part}`, ['sh', '-c', `kill -${word} ${found.map(({ pid }) => pid).join(' ')}; true`]);
    return found;
  };
  return {
    seen,
    kill: (part) => signal('KILL', part),
    freeze: (part) => signal('STOP', part),
    async thaw(part) {
      const found = (await seen(part)).filter(({ state }) => state === 'T');
      if (found.length === 0) return;
      // Children first: their parent would think that they hang.
      const pids = found.map(({ pid }) => pid).reverse();
      await run(`let the ${part} go on`, ['sh', '-c', `kill -CONT ${pids.join(' ')}; true`]);
    },
    async startAgent() {
      if ((await seen('agent')).length === 0) await run('start the agent', ['sh', '-c', 'kill -USR1 1']);
      const refusal = await until({ limitMs: STARTED_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, agentRefusal);
      if (refusal === undefined) return;
      throw new EnvironmentError(
        `${name}: its agent takes no connection ${STARTED_LIMIT_MS / 1_000} s after it was started: ${refusal}`,
        { code: 'agent-not-started' },
      );
    },
  };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html Pure. */
export function parseProcesses(stats: string): SeenProcess[] {
  return stats.split('\n').flatMap((line) => {
    // A command may have spaces and brackets in it.
    const [, pid, command = '', state = '', parent] = /^(\d+) \((.*)\) (\S) (\d+) /.exec(line) ?? [];
    return pid === undefined || state === 'Z' ? [] : [{ pid: Number(pid), command, state, parent: Number(parent) }];
  });
}

/** Those of a part, a parent before its children. Pure. */
export function processesOf(part: Part, all: readonly SeenProcess[], agent: string): SeenProcess[] {
  if (part === 'agent') return all.filter(({ command }) => command === agent);
  const servers = all.filter(({ command }) => command === SERVER);
  const isChild = ({ parent }: SeenProcess) => servers.some(({ pid }) => pid === parent);
  const postmasters = servers.filter((one) => !isChild(one));
  return part === 'postmaster' ? postmasters : [...postmasters, ...servers.filter(isChild)];
}
