/**
 * Realtime priority for the threads of the load and of the probes, where a run asks for it. It keeps the schedule on
 * a busy machine, and takes processors from the servers that are measured: so it is never the default.
 */

import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { EnvironmentError, errorText } from '../model/errors.ts';

const LIMIT_MS = 2_000;
/** One for the load, one for the probes, one for pgquake's main thread, and one for the servers. */
const LEAST_PROCESSORS = 4;

export interface RealtimeHost {
  /** As `process.platform`. */
  readonly platform: string;
  /** The user's id, where the platform has such ids. */
  readonly uid: number | undefined;
  /** Processors that pgquake may use. */
  readonly processors: number;
}

/** @throws EnvironmentError where measuring threads may not be realtime: not Linux, not root, or fewer than 4 processors. */
export function refuseRealtime(
  { platform, uid, processors }: RealtimeHost = {
    platform: process.platform,
    uid: process.getuid?.(),
    processors: availableParallelism(),
  },
): void {
  const reason = [
    ...(platform === 'linux' ? [] : ['it needs Linux']),
    ...(uid === 0 ? [] : ['it needs root']),
    ...(processors >= LEAST_PROCESSORS
      ? []
      : [`it needs ${LEAST_PROCESSORS} processors, found ${processors}: its threads would starve the servers`]),
  ];
  if (reason.length === 0) return;
  throw new EnvironmentError(`--realtime cannot be used here: ${reason.join('; ')}`, {
    code: 'realtime-refused',
    hint: 'leave --realtime out: the load then runs at normal priority, and the report says when it was late',
  });
}

/**
 * Makes the calling thread a realtime one of the lowest such priority (`SCHED_RR`, 1).
 * @throws EnvironmentError where the system refuses it.
 */
export function goRealtime(): void {
  try {
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1) as string;
    // Processes that the thread starts stay at normal priority.
    execFileSync('chrt', ['--reset-on-fork', '--rr', '--pid', '1', thread], { stdio: 'pipe', timeout: LIMIT_MS });
  } catch (error) {
    throw new EnvironmentError(`the load's thread cannot be made a realtime one: ${errorText(error)}`, {
      code: 'realtime-refused',
      hint: 'install chrt (util-linux) and allow CAP_SYS_NICE, or leave --realtime out',
      cause: error,
    });
  }
}
