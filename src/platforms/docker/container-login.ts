/** What a container's variables say of its server: who logs in, and where its data are. */

import type { Address } from '../../model/address.ts';
import type { DockerClient } from './client.ts';

export type Login = Omit<Address, 'host' | 'port'>;

/** The superuser that the official image makes, from the container's variables, `NAME=value`. */
export function loginOf(environment: readonly string[]): Login {
  const variables = variablesOf(environment);
  const user = variables.get('POSTGRES_USER') || 'postgres';
  return {
    user,
    password: variables.get('POSTGRES_PASSWORD') ?? '',
    database: variables.get('POSTGRES_DB') || user,
  };
}

/** The server's data folder, that of the official image by default. */
export function dataFolderOf(environment: readonly string[]): string {
  return variablesOf(environment).get('PGDATA') || '/var/lib/postgresql/data';
}

/** The password that a container's server was made with; empty where it has none. For `withoutPassword`. */
export async function passwordIn(client: DockerClient, containerId: string): Promise<string> {
  const { Config } = await client.inspect(`look at container ${containerId.slice(0, 12)}`, containerId);
  return loginOf(Config.Env).password;
}

/** Servers log statements that fail, and some statements hold the password. */
export function withoutPassword(text: string, password: string): string {
  return password === '' ? text : text.replaceAll(password, '********');
}

function variablesOf(environment: readonly string[]): ReadonlyMap<string | undefined, string> {
  return new Map(environment.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
}
