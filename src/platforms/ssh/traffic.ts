/** What is special about the traffic of a machine that is reached by ssh: that way must stay open, and names are its own. */

import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { shellWord } from '../shell-word.ts';
import type { Machine } from './machine.ts';

const TIMED_OUT = 124;

/**
 * What lets the ssh client through, whatever else is dropped.
 * @param connection `SSH_CONNECTION` as the machine has it: the client's address and port, the server's address and port.
 */
export function keepsSsh(chain: 'INPUT' | 'OUTPUT', connection: string): string[] {
  const [client, , , port] = connection.split(' ');
  if (client === undefined || port === undefined || client.includes(':')) return [];
  return [chain === 'INPUT' ? `-s ${client} -p tcp --dport ${port}` : `-d ${client} -p tcp --sport ${port}`];
}

/**
 * Where another node is, as the machine resolves its name.
 * @throws EnvironmentError where it has no address that packets on a network carry.
 */
export async function addressesFrom(machine: Machine, node: string, host: string): Promise<string[]> {
  const script = `getent ahostsv4 ${shellWord(host)} | cut -d' ' -f1 | sort -u`;
  const addresses = (await machine.mustRun(`look up ${host}`, script)).split('\n').filter((line) => line !== '');
  if (addresses.length > 0 && !addresses.some((address) => address.startsWith('127.'))) return addresses;
  throw new EnvironmentError(
    `${node}: on its machine ${host} ${addresses.length === 0 ? 'is no IPv4 address' : 'is that machine itself'}, so the other node's packets cannot be told`,
    { code: 'no-network', hint: 'say in the inventory how nodes reach each other: peer: 10.0.0.6:5432' },
  );
}

/** @returns why the machine could not open a connection to another node, if so. */
export async function connectFrom(
  machine: Machine,
  { host, port }: Pick<Address, 'host' | 'port'>,
  limitMs: number,
): Promise<string | undefined> {
  // Bash opens the connection.
  const script = `timeout ${limitMs / 1_000} bash -c ${shellWord(`: < /dev/tcp/${host}/${port}`)}`;
  const { exitCode, errors } = await machine.run(`connect to ${host}`, script);
  if (exitCode === 0) return undefined;
  if (exitCode === TIMED_OUT) return `no answer within ${limitMs} ms`;
  return /refused/i.test(errors) ? 'refused' : errors.trim().replace(/^.*: /s, '') || `exit code ${exitCode}`;
}
