/** The process of one session of a server, looked at and killed from within its container. */

import { noSuchBackend } from '../../cluster/platform.ts';
import type { NodeName } from '../../model/topology.ts';
import type { ExecResult } from './exec.ts';

type Run = (what: string, command: readonly string[]) => Promise<ExecResult>;

/** @throws what `noSuchBackend` makes where the process is no session's. */
export async function killBackend(node: NodeName, pid: number, run: Run): Promise<void> {
  // A child of the postmaster, which need not be the container's first process. The shell's own `kill`, as few
  // images bring another.
  const script = `parent=$(cut -d' ' -f4 /proc/${Math.trunc(pid)}/stat)
case "$(cat /proc/$parent/comm)" in postgres|postmaster) kill -9 ${Math.trunc(pid)};; *) exit 1;; esac`;
  const { exitCode } = await run(`kill process ${pid}`, ['sh', '-c', script]);
  if (exitCode !== 0) throw noSuchBackend(node, pid);
}

/**
 * Whether the process is that of a session, by its server's words. False where the container has no shell to look with.
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
