/**
 * Realtime priority for the load and probe threads, on request. It keeps the schedule on a busy machine, but takes
 * processors from the measured servers, so it is not the default.
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
  /** The user's id, if the platform has user ids. */
  readonly uid: number | undefined;
  /** Number of processors available to pgquake. */
  readonly processors: number;
}

/**
 * @throws EnvironmentError where threads cannot have realtime priority: not Linux, not root, or fewer than 4
 * processors.
 */
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
    hint: 'leave --realtime out: the load then runs at normal priority, and the report shows when it was late',
  });
}

/**
 * Gives the calling thread the lowest realtime priority (`SCHED_RR`, 1).
 * @throws EnvironmentError where the system refuses.
 */
export function goRealtime(): void {
  try {
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1) as string;
    // Processes that the thread starts stay at normal priority.
    execFileSync('chrt', ['--reset-on-fork', '--rr', '--pid', '1', thread], { stdio: 'pipe', timeout: LIMIT_MS });
  } catch (error) {
    throw new EnvironmentError(`cannot give the load thread realtime priority: ${errorText(error)}`, {
      code: 'realtime-refused',
      hint: 'install chrt (util-linux) and allow CAP_SYS_NICE, or leave --realtime out',
      cause: error,
    });
  }
}
