/** Parts of a node in a container: lists and signals its processes from within. */

import type { NodeParts } from '../../cluster/platform.ts';
import { type PartsOptions, partsOf, type SeenProcess } from '../parts.ts';
import type { ExecResult } from './exec.ts';

/** `pid (command) state parent` of every process, except those that end meanwhile. */
const LIST = 'cat /proc/[0-9]*/stat 2>/dev/null; true';

export interface ContainerParts extends Pick<PartsOptions, 'name' | 'agent' | 'agentRefusal'> {
  readonly run: (what: string, command: readonly string[]) => Promise<ExecResult>;
}

export function partsInContainer({ run, ...node }: ContainerParts): NodeParts {
  return partsOf({
    ...node,
    look: async () => parseProcesses((await run('look at processes', ['sh', '-c', LIST])).output),
    signal: async (name, processes) => {
      const pids = processes.map(({ pid }) => pid).join(' ');
      await run('signal processes', ['sh', '-c', `kill -${name} ${pids}; true`]);
    },
    wakeAgent: async () => {
      await run('start the agent', ['sh', '-c', 'kill -USR1 1']);
    },
  });
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html Pure. */
export function parseProcesses(stats: string): SeenProcess[] {
  return stats.split('\n').flatMap((line) => {
    // A command may contain spaces and parentheses.
    const [, pid, command = '', state = '', parent] = /^(\d+) \((.*)\) (\S) (\d+) /.exec(line) ?? [];
    return pid === undefined || state === 'Z' ? [] : [{ pid: Number(pid), command, state, parent: Number(parent) }];
  });
}
