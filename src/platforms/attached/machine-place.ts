/** The machine of a node, and the server's service there. */

import { openSession } from '../../cluster/open-session.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { MachinePlace } from '../../model/inventory.ts';
import type { NodeName } from '../../model/topology.ts';
import { Machine } from '../ssh/machine.ts';

const ASK_LIMIT_MS = 5_000;

export function machineOf({ to, config }: MachinePlace): Machine {
  return new Machine({ to, config });
}

/**
 * The service to which the server's processes belong, according to the machine's kernel.
 * @throws EnvironmentError when the server does not answer, or is not a service of that machine.
 */
export async function findService(machine: Machine, node: NodeName, address: Address): Promise<string> {
  await using session = await openSession(address, 'standing', { limitMs: ASK_LIMIT_MS });
  const [row] = await session.query('SELECT pg_backend_pid()', [], { timeoutMs: ASK_LIMIT_MS });
  const { output } = await machine.run(`look at process ${row?.[0]}`, `cat /proc/${Number(row?.[0])}/cgroup`);
  const service = serviceIn(output);
  if (service !== undefined) return service;
  throw new EnvironmentError(`${node}: its server does not belong to a systemd service on ${machine.to}`, {
    code: 'no-such-service',
    hint: 'name it in the inventory: ssh: { to: ops@10.0.0.5, service: postgresql@17-main }',
  });
}

/** The service in a process's `/proc/<pid>/cgroup`: `0::/system.slice/.../postgresql@17-main.service`. Pure. */
export function serviceIn(cgroup: string): string | undefined {
  return /\/([^/\n]+)\.service(?:\/|$)/m.exec(cgroup)?.[1];
}
