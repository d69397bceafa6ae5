/** The traffic of a machine reached by ssh: the ssh connection must stay open, and the machine itself resolves names. */

import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { connectRefusal, connectScript } from '../scripted-traffic.ts';
import { shellWord } from '../shell-word.ts';
import type { Machine } from './machine.ts';

/**
 * The match of packets of the ssh client, which must never be dropped.
 * @param connection the machine's `SSH_CONNECTION`: address and port of the client, address and port of the server.
 */
export function keepsSsh(chain: 'INPUT' | 'OUTPUT', connection: string): string[] {
  const [client, , , port] = connection.split(' ');
  if (client === undefined || port === undefined || client.includes(':')) return [];
  return [chain === 'INPUT' ? `-s ${client} -p tcp --dport ${port}` : `-d ${client} -p tcp --sport ${port}`];
}

/**
 * The addresses of another node, as the machine resolves its name.
 * @throws EnvironmentError when it has no IPv4 address on a network.
 */
export async function addressesFrom(machine: Machine, node: string, host: string): Promise<string[]> {
  const script = `getent ahostsv4 ${shellWord(host)} | cut -d' ' -f1 | sort -u`;
  const addresses = (await machine.mustRun(`look up ${host}`, script)).split('\n').filter((line) => line !== '');
  if (addresses.length > 0 && !addresses.some((address) => address.startsWith('127.'))) return addresses;
  throw new EnvironmentError(
    `${node}: on its machine ${host} ${addresses.length === 0 ? 'has no IPv4 address' : 'is that machine itself'}, so rules cannot match the other node's packets`,
    { code: 'no-network', hint: 'name in the inventory the address at which nodes reach it: peer: 10.0.0.6:5432' },
  );
}

/** @returns why the machine could not connect to another node; `undefined` if it could. */
export async function connectFrom(
  machine: Machine,
  { host, port }: Pick<Address, 'host' | 'port'>,
  limitMs: number,
): Promise<string | undefined> {
  const script = `timeout ${limitMs / 1_000} bash -c ${shellWord(connectScript(host, port))}`;
  const { exitCode, errors } = await machine.run(`connect to ${host}`, script);
  return connectRefusal(exitCode, errors, limitMs);
}
