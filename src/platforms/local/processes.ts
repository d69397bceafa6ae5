/**
 * Finds, freezes and kills a PostgreSQL server with all its children.
 *
 * Every child of a postmaster calls setsid(), so a signal to the postmaster's process group reaches only the postmaster.
 * The children are therefore found by their parent's id, with the postmaster frozen first, so that it makes no new ones.
 * A process is identified by its id and its start time: an id that now belongs to another process is never touched.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { NodeState } from '../../cluster/platform.ts';
import { EnvironmentError, errorText, isShortOfDescriptors } from '../../model/errors.ts';
import { until } from '../../model/until.ts';

export interface ProcessKey {
  readonly pid: number;
  /** Only for comparison: clock ticks since boot on Linux, a date elsewhere. */
  readonly startTime: string;
}

export interface ProcessInfo extends ProcessKey {
  readonly parent: number;
  /** `T`: stopped by a signal. Dead processes (`Z`, `X`) are never listed. */
  readonly state: string;
}

const SIGNAL_LIMIT_MS = 10_000;
const POLL_MS = 5;
/** For one listing of processes. */
const PS_LIMIT_MS = 10_000;

/** One line of `/proc/<pid>/stat`; `undefined` for a process that is dead already. */
export function parseProcStat(line: string): ProcessInfo | undefined {
  // The command, in parentheses, may itself contain spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return alive({
    pid: Number.parseInt(line, 10),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    startTime: fields[19] ?? '',
  });
}

/** One line of `ps -o pid=,ppid=,stat=,lstart=`. */
export function parsePsLine(line: string): ProcessInfo | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s+(\S)\S*\s+(.*\S)\s*$/.exec(line);
  if (!match) return undefined;
  const [, pid, parent, state, startTime] = match as unknown as [string, string, string, string, string];
  return alive({ pid: Number(pid), parent: Number(parent), state, startTime });
}

function alive(info: ProcessInfo): ProcessInfo | undefined {
  return info.state === 'Z' || info.state === 'X' ? undefined : info;
}

let listing: Promise<readonly ProcessInfo[]> | undefined;

/**
 * All living processes of the machine. Calls in the same turn of the event loop share one listing, which starts after
 * them: stopping many servers together would otherwise block the thread for seconds.
 */
export function listProcesses(): Promise<readonly ProcessInfo[]> {
  if (process.platform !== 'linux') return ps(['-A']);
  listing ??= new Promise((resolve, reject) => {
    setImmediate(() => {
      listing = undefined;
      try {
        resolve(
          readdirSync('/proc')
            .filter((entry) => /^\d+$/.test(entry))
            .flatMap((pid) => procStat(Number(pid)) ?? []),
        );
      } catch (error) {
        reject(error);
      }
    });
  });
  return listing;
}

/** The living process with this id, of any user; `undefined` if there is none. */
export async function processOf(pid: number): Promise<ProcessInfo | undefined> {
  return process.platform === 'linux' ? procStat(pid) : (await ps(['-p', String(pid)]))[0];
}

/** A process whose working directory is known. */
export interface WorkingProcess extends ProcessInfo {
  /** The name of its program, truncated to 15 characters. */
  readonly command: string;
}

/**
 * Processes whose working directory is a folder or below it, even if it is deleted. Linux only; none elsewhere.
 * @param folder without links.
 * @param programs only these; all by default.
 */
export function processesWorkingIn(folder: string, programs?: readonly string[]): WorkingProcess[] {
  if (process.platform !== 'linux') return [];
  const inside = (cwd: string) => cwd === folder || cwd === `${folder} (deleted)` || cwd.startsWith(`${folder}/`);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        if (!inside(readlinkSync(`/proc/${pid}/cwd`))) return [];
        const command = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
        if (programs && !programs.includes(command)) return [];
        const info = procStat(Number(pid));
        return info ? { ...info, command } : [];
      } catch (error) {
        if (isShortOfDescriptors(error)) throw error;
        return []; // another user's process, a kernel thread, or one that has just ended
      }
    });
}

/** The state of a node with these processes. Pure. */
export function stateOf(processes: readonly ProcessInfo[]): NodeState {
  if (processes.length === 0) return 'stopped';
  return processes.every(isFrozen) ? 'paused' : 'running';
}

/** How many of a node's processes are frozen while others run. Pure. */
export function frozenAmong(processes: readonly ProcessInfo[]): number {
  const frozen = processes.filter(isFrozen).length;
  return frozen === processes.length ? 0 : frozen;
}

function isFrozen({ state }: ProcessInfo): boolean {
  return state === 'T';
}

/** The given processes that are still alive, in their current state. */
export async function survivors(keys: readonly ProcessKey[]): Promise<ProcessInfo[]> {
  const found = await Promise.all(keys.map((key) => processOf(key.pid)));
  return found.filter((info, i) => info !== undefined && isSame(info, keys[i] as ProcessKey)) as ProcessInfo[];
}

/** A process and all its descendants, itself first; empty if it is gone. */
export async function processTree(root: ProcessKey): Promise<ProcessInfo[]> {
  const all = await listProcesses();
  const tree = all.filter((info) => isSame(info, root));
  for (const member of tree) tree.push(...all.filter((info) => info.parent === member.pid));
  return tree;
}

/**
 * Freezes a process with all its descendants.
 * @throws EnvironmentError when one is still running after 10 s.
 */
export async function pauseTree(root: ProcessKey): Promise<void> {
  await sendSignal([root], 'SIGSTOP');
  await pauseAll(String(root.pid), () => processTree(root));
}

/** Undoes `pauseTree`: children first, so that the postmaster finds them running. */
export function resumeTree(root: ProcessKey): Promise<void> {
  return resumeAll(String(root.pid), () => processTree(root));
}

/** Lists the current processes of a node, parents before children. */
type Look = () => Promise<readonly ProcessInfo[]>;

/**
 * Freezes processes until a look finds none running.
 * @param whose for the error: `processes of pg1`.
 * @throws EnvironmentError when one is still running after 10 s.
 */
export async function pauseAll(whose: string, look: Look): Promise<void> {
  await repeat(`processes of ${whose} still run after SIGSTOP`, async () => {
    const running = (await look()).filter((info) => info.state !== 'T');
    await sendSignal(running, 'SIGSTOP');
    return running.length === 0;
  });
}

/** Undoes `pauseAll`. */
export async function resumeAll(whose: string, look: Look): Promise<void> {
  await repeat(`processes of ${whose} are still stopped after SIGCONT`, async () => {
    const stopped = (await look()).filter((info) => info.state === 'T');
    await sendSignal(stopped.reverse(), 'SIGCONT');
    return stopped.length === 0;
  });
}

/** Kills processes, frozen or not, until a look finds none. */
export async function killAll(whose: string, look: Look): Promise<void> {
  await pauseAll(whose, look);
  await repeat(`processes of ${whose} outlived SIGKILL`, async () => {
    const left = await look();
    await sendSignal([...left].reverse(), 'SIGKILL');
    return left.length === 0;
  });
}

/**
 * Kills a process and all its descendants, frozen or not; returns when they are gone.
 * @param strays its processes that may have lost their parent.
 */
export async function killTree(root: ProcessKey, strays: readonly ProcessKey[] = []): Promise<void> {
  // A frozen postmaster makes no new children, and does not react to the first death among them.
  await pauseTree(root);
  const doomed: ProcessKey[] = [...(await processTree(root)), ...strays].reverse();
  await sendSignal(doomed, 'SIGKILL');
  await repeat(`processes of ${root.pid} outlived SIGKILL`, async () => (await survivors(doomed)).length === 0);
}

/** Signals those of the processes that still exist. */
export async function sendSignal(keys: readonly ProcessKey[], name: NodeJS.Signals): Promise<void> {
  for (const { pid } of await survivors(keys)) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') continue;
      throw new EnvironmentError(`cannot send ${name} to process ${pid}: ${errorText(error)}`, {
        code: 'signal-refused',
        hint: 'run pgquake as the user who started the cluster',
        cause: error,
      });
    }
  }
}

function isSame(info: ProcessInfo, key: ProcessKey): boolean {
  return info.pid === key.pid && info.startTime === key.startTime;
}

function procStat(pid: number): ProcessInfo | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // It has ended. Any other error must not look like the end of a process.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function ps(selection: readonly string[]): Promise<ProcessInfo[]> {
  const args = [...selection, '-o', 'pid=,ppid=,stat=,lstart='];
  // `ps -p` exits with 1 if there is no such process.
  const { execa } = await import('execa');
  const { stdout } = await execa('ps', args, { env: { LC_ALL: 'C' }, timeout: PS_LIMIT_MS, reject: false });
  return stdout.split('\n').flatMap((line) => parsePsLine(line) ?? []);
}

async function repeat(complaint: string, done: () => Promise<boolean>): Promise<void> {
  const missing = await until({ limitMs: SIGNAL_LIMIT_MS, everyMs: POLL_MS }, async () =>
    (await done()) ? undefined : complaint,
  );
  if (missing !== undefined) throw new EnvironmentError(missing, { code: 'signal-without-effect' });
}
