/**
 * Lets a measuring thread go before everybody else on the machine. Where the servers run beside pgquake they compete
 * for its processors, and by the scheduler's rules a server that wakes goes before the client that woke it: what the
 * client sees late then, it would report as the servers' delay.
 */

import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';

const LIMIT_MS = 2_000;

/**
 * Makes the calling thread a realtime one of the lowest such priority, as tools that measure a machine's latency do.
 * Only root on Linux may; elsewhere, or where `chrt` (util-linux) is not there, the thread stays as it is. It is
 * for threads that mostly sleep: the kernel stops a realtime thread that uses more than 95 % of a processor.
 */
export function goBeforeOthers(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  try {
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1) as string;
    // No process that the thread starts is to be one.
    execFileSync('chrt', ['--reset-on-fork', '--rr', '--pid', '1', thread], { stdio: 'ignore', timeout: LIMIT_MS });
  } catch {
    // Refused, as in a container without the capability: then as for everybody else who is not root.
  }
}
