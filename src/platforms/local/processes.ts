/**
 * PostgreSQL's processes as the operating system sees them: finding, freezing and killing a server with
 * all its children.
 *
 * Every child of a postmaster calls setsid(), so a signal to the postmaster's process group reaches the
 * postmaster alone. The children are therefore found by their parent's id, with the postmaster frozen
 * first, so that it cannot make new ones meanwhile. A process is known by its id AND its start time:
 * an id that was given to somebody else's process is never touched.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import { until } from '../../model/until.ts';

export interface ProcessKey {
  readonly pid: number;
  /** Only good for comparing: clock ticks since boot on Linux, a date elsewhere. */
  readonly startTime: string;
}

export interface ProcessInfo extends ProcessKey {
  readonly parent: number;
  /** `T` is stopped by a signal. The dead (`Z`, `X`) are never listed. */
  readonly state: string;
}

const SIGNAL_LIMIT_MS = 10_000;
const POLL_MS = 5;
/** For a look at the table of processes. */
const PS_LIMIT_MS = 10_000;

/** One line of `/proc/<pid>/stat`; `undefined` for a process that is dead already. */
export function parseProcStat(line: string): ProcessInfo | undefined {
  // The command, in brackets, may itself hold blanks and brackets.
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
 * All processes of the machine that are not dead. Whoever asks in the same turn of the event loop shares one listing,
 * which begins after the question: many servers that are stopped together would else block the thread for seconds.
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

/** The process of this id, whoever it belongs to; `undefined` when there is none or it is dead. */
export async function processOf(pid: number): Promise<ProcessInfo | undefined> {
  return process.platform === 'linux' ? procStat(pid) : (await ps(['-p', String(pid)]))[0];
}

/** A process whose working directory is known. */
export interface WorkingProcess extends ProcessInfo {
  /** The name of its program, cut off after 15 characters. */
  readonly command: string;
}

/**
 * Processes that work in a folder or below it, also when the folder is gone. Linux only; none elsewhere.
 * @param folder without links.
 * @param programs of these alone; of any by default.
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
      } catch {
        return []; // somebody else's, a kernel thread, or it ended meanwhile
      }
    });
}

/** Those of the given processes that still live, as they are now. */
export async function survivors(keys: readonly ProcessKey[]): Promise<ProcessInfo[]> {
  const found = await Promise.all(keys.map((key) => processOf(key.pid)));
  return found.filter((info, i) => info !== undefined && isSame(info, keys[i] as ProcessKey)) as ProcessInfo[];
}

/** A process and all its descendants, itself first; empty when it is gone. */
export async function processTree(root: ProcessKey): Promise<ProcessInfo[]> {
  const all = await listProcesses();
  const tree = all.filter((info) => isSame(info, root));
  for (const member of tree) tree.push(...all.filter((info) => info.parent === member.pid));
  return tree;
}

/**
 * Freezes a process with all its descendants.
 * @throws EnvironmentError when one of them still runs after ten seconds.
 */
export async function pauseTree(root: ProcessKey): Promise<void> {
  await sendSignal([root], 'SIGSTOP');
  await pauseAll(String(root.pid), () => processTree(root));
}

/** Undoes `pauseTree`: children first, so that the postmaster finds them as it left them. */
export function resumeTree(root: ProcessKey): Promise<void> {
  return resumeAll(String(root.pid), () => processTree(root));
}

/** All processes of something as they are now, a parent before its children. */
type Look = () => Promise<readonly ProcessInfo[]>;

/**
 * Freezes whatever is found, until no look finds one that runs.
 * @param whose for the error: `processes of pg1`.
 * @throws EnvironmentError when one of them still runs after ten seconds.
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

/** Kills whatever is found, frozen or not, and returns when a look finds nothing. */
export async function killAll(whose: string, look: Look): Promise<void> {
  await pauseAll(whose, look);
  await repeat(`processes of ${whose} outlived SIGKILL`, async () => {
    const left = await look();
    await sendSignal([...left].reverse(), 'SIGKILL');
    return left.length === 0;
  });
}

/**
 * Kills a process with all its descendants, frozen or not, and returns when they are gone.
 * @param strays processes known to belong to it that may have lost their parent.
 */
export async function killTree(root: ProcessKey, strays: readonly ProcessKey[] = []): Promise<void> {
  // Frozen, it can neither make new children nor tell the others of the death of the first.
  await pauseTree(root);
  const doomed: ProcessKey[] = [...(await processTree(root)), ...strays].reverse();
  await sendSignal(doomed, 'SIGKILL');
  await repeat(`processes of ${root.pid} outlived SIGKILL`, async () => (await survivors(doomed)).length === 0);
}

/** Sends a signal to those of the processes that are still the same. */
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
    // It ended meanwhile. Anything else must not pass for the end of a process.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function ps(selection: readonly string[]): Promise<ProcessInfo[]> {
  const args = [...selection, '-o', 'pid=,ppid=,stat=,lstart='];
  // `ps -p` exits with 1 when there is no such process.
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
