/** What a benchmark asks of the machine: how busy it is with other work, and how much memory a process has had. */

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 2_000;
/** Of the processors, in per cent. */
const CALM = { busyBefore: 10, stolen: 2 };

/** Ticks of all processors since the machine started. https://man7.org/linux/man-pages/man5/proc_stat.5.html */
interface Ticks {
  readonly idle: number;
  readonly stolen: number;
  readonly all: number;
}

export interface MachineState {
  /** Share of the processors that others used just before, in per cent. */
  readonly busyBefore: number;
  /** Share of the processors that the host took away meanwhile, in per cent. */
  readonly stolen: number;
  /** Tasks that ran or waited for a processor just before, this one included. */
  readonly runQueue: number;
  readonly processors: number;
  readonly calm: boolean;
}

function ticks(): Ticks {
  const line = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, stolen = 0] = line
    .split(' ')
    .map(Number);
  return { idle: idle + wait, stolen, all: user + nice + system + idle + wait + irq + soft + stolen };
}

/** Looks for two seconds, then lets `work` run. */
export async function beside<T>(work: () => T | Promise<T>): Promise<{ result: T; state: MachineState }> {
  const first = ticks();
  await sleep(LOOK_MS);
  const before = ticks();
  const runQueue = Number(/^procs_running (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0);
  const result = await work();
  const after = ticks();
  const busyBefore = 100 * (1 - (before.idle - first.idle) / (before.all - first.all));
  const stolen = (100 * (after.stolen - before.stolen)) / (after.all - before.all);
  const calm = busyBefore <= CALM.busyBefore && stolen <= CALM.stolen;
  return { result, state: { busyBefore, stolen, runQueue, processors: availableParallelism(), calm } };
}

/**
 * The most memory that this process has had, in MB. Not `maxRSS` of getrusage, which begins with what the parent had when it
 * forked: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */
export function peakMb(): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1_024;
}

/** Of a second, in `/proc`: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS = 100;

/**
 * Processor time of the processes below this one that run a program, and of all that have ended there, in seconds.
 * @param program its name.
 */
export function descendantsCpuS(program: string): number {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [command, rest] = [stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), stat.lastIndexOf(')') + 2];
        const fields = stat.slice(rest).split(' ').map(Number);
        const [user = 0, system = 0, waitedUser = 0, waitedSystem = 0] = fields.slice(11);
        const waitedTicks = waitedUser + waitedSystem;
        return [{ pid: Number(pid), command, parent: fields[1], ticks: user + system + waitedTicks, waitedTicks }];
      } catch {
        return []; // It has ended meanwhile.
      }
    });
  const below = [process.pid];
  for (const parent of below) below.push(...all.filter((one) => one.parent === parent).map(({ pid }) => pid));
  const live = all.filter(({ pid, command }) => command === program && below.includes(pid));
  const ended = all.find(({ pid }) => pid === process.pid)?.waitedTicks ?? 0;
  return live.reduce((sum, { ticks }) => sum + ticks, ended) / TICKS;
}
