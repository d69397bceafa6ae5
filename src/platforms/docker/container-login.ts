/** Reads a server's login and data folder from its container's variables. */

import type { Address } from '../../model/address.ts';
import type { DockerClient } from './client.ts';

export type Login = Omit<Address, 'host' | 'port'>;

/** The superuser that the official image creates, from variables `NAME=value`. */
export function loginOf(environment: readonly string[]): Login {
  const variables = variablesOf(environment);
  const user = variables.get('POSTGRES_USER') || 'postgres';
  return {
    user,
    password: variables.get('POSTGRES_PASSWORD') ?? '',
    database: variables.get('POSTGRES_DB') || user,
  };
}

/** The server's data folder; by default that of the official image. */
export function dataFolderOf(environment: readonly string[]): string {
  return variablesOf(environment).get('PGDATA') || '/var/lib/postgresql/data';
}

/** The initial password of a container's server; empty if it has none. For `withoutPassword`. */
export async function passwordIn(client: DockerClient, containerId: string): Promise<string> {
  const { Config } = await client.inspect(`look at container ${containerId.slice(0, 12)}`, containerId);
  return loginOf(Config.Env).password;
}

/** Hides the password in logs: servers log failed statements, and some contain it. */
export function withoutPassword(text: string, password: string): string {
  return password === '' ? text : text.replaceAll(password, '********');
}

function variablesOf(environment: readonly string[]): ReadonlyMap<string | undefined, string> {
  return new Map(environment.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
}
