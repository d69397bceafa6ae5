/** Checks and kills the server process of one session from within its container. */

import { noSuchBackend } from '../../cluster/platform.ts';
import type { NodeName } from '../../model/topology.ts';
import type { ExecResult } from './exec.ts';

type Run = (what: string, command: readonly string[]) => Promise<ExecResult>;

/** @throws the error of `noSuchBackend` if the process serves no session. */
export async function killBackend(node: NodeName, pid: number, run: Run): Promise<void> {
  // The postmaster need not be the container's first process. `kill` is the shell's: few images have the program.
  const script = `parent=$(cut -d' ' -f4 /proc/${Math.trunc(pid)}/stat)
case "$(cat /proc/$parent/comm)" in postgres|postmaster) kill -9 ${Math.trunc(pid)};; *) exit 1;; esac`;
  const { exitCode } = await run(`kill process ${pid}`, ['sh', '-c', script]);
  if (exitCode !== 0) throw noSuchBackend(node, pid);
}

/**
 * Whether the process serves the session of a client's port. False if the container has no shell.
 * @param clientPort `null` for a session over a socket.
 */
export async function isBackend(
  { pid, clientPort }: { readonly pid: number; readonly clientPort: number | null },
  run: Run,
): Promise<boolean> {
  const script = `tr '\\0' ' ' < /proc/${Math.trunc(pid)}/cmdline`;
  const { exitCode, output } = await run(`look at process ${pid}`, ['sh', '-c', script]);
  const port = clientPort === null ? '[local]' : `(${clientPort})`;
  return exitCode === 0 && output.includes('postgres') && output.includes(port);
}
