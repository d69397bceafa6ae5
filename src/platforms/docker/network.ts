/** Controls the traffic of a container by helpers in its network namespace, so that the container needs no privileges. */

import { isIP } from 'node:net';
import type { NodeNetwork } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { connectRefusal, connectScript, ScriptedTraffic } from '../scripted-traffic.ts';
import type { DockerClient } from './client.ts';
import type { ExecResult } from './exec.ts';
import { mustRun, removeHelpers } from './helper.ts';

export interface NetworkOptions {
  readonly client: DockerClient;
  readonly containerId: string;
  /** Has iptables and tc. */
  readonly image: () => Promise<string>;
  readonly project: () => string | undefined;
  readonly containerName: () => string;
  readonly run: (what: string, command: readonly string[], limitMs: number) => Promise<ExecResult>;
}

export function dockerNetwork({
  client,
  containerId,
  image,
  project,
  containerName,
  run,
}: NetworkOptions): NodeNetwork {
  return new ScriptedTraffic({
    run: async ({ what, mark, script }) => {
      const options = { containerId, image: await image(), project: project(), mark };
      return await mustRun(client, { ...options, what: `${what} ${containerName()}`, script });
    },
    addressesOf: (host) => addressesOf(client, host),
    forget: (mark) => removeHelpers(client, mark),
    connectTo: async ({ host, port }, limitMs) => {
      const [ip = host] = await addressesOf(client, host);
      const seconds = limitMs / 1_000;
      // Every Debian-based PostgreSQL image has both programs.
      const command = ['timeout', String(seconds), 'bash', '-c', connectScript(ip, port)];
      const { exitCode, output } = await run(`connect to ${host}`, command, limitMs + 10_000);
      return connectRefusal(exitCode, output, limitMs);
    },
  });
}

/** The addresses of a host: itself if it is an address, else those of the container with this name. */
async function addressesOf(client: DockerClient, host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const { NetworkSettings } = await client.inspect(`look at container ${host}`, host);
  const addresses = Object.values(NetworkSettings.Networks).flatMap(({ IPAddress }) => IPAddress || []);
  if (addresses.length > 0) return addresses;
  throw new EnvironmentError(`container ${host} has no network`, { code: 'no-network' });
}
