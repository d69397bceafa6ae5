/** What the Docker engine's kernel and the images at hand can do to the network; tried, not guessed. */

import type { Capability } from '../../cluster/platform.ts';
import { errorText } from '../../model/errors.ts';
import type { DockerClient } from './client.ts';
import { runHelper } from './helper.ts';

/** What is tried for each, in a container whose network leads nowhere and vanishes with it. */
const TRIALS: Partial<Record<Capability, { readonly script: string; readonly needs: string }>> = {
  'network-rules': {
    script: `iptables -w 5 -A INPUT -p tcp -m statistic --mode random --probability 0.5 -m string --algo bm --string x \
-m comment --comment trial -j REJECT --reject-with tcp-reset`,
    needs: 'an image with iptables, and a kernel with its statistic, string and comment matches',
  },
  'network-bandwidth': {
    script: 'tc qdisc add dev lo root tbf rate 1mbit burst 32768 latency 400ms',
    needs: 'an image with tc (iproute2), and a kernel with sch_tbf',
  },
  'network-latency': {
    script: 'tc qdisc add dev lo root netem delay 1ms',
    needs: 'an image with tc (iproute2), and a kernel with sch_netem',
  },
};

const seen = new Map<string, Promise<string | undefined>>();

/** @returns why it cannot be done with this image on this engine, and what it would need. Asked once for each. */
export function lackingHere(client: DockerClient, image: string, capability: Capability): Promise<string | undefined> {
  const key = `${client.endpoint.host} ${image} ${capability}`;
  const earlier = seen.get(key);
  if (earlier) return earlier;
  const trying = attempt(client, image, capability);
  seen.set(key, trying);
  return trying;
}

async function attempt(client: DockerClient, image: string, capability: Capability): Promise<string | undefined> {
  const trial = TRIALS[capability];
  if (!trial) return undefined;
  const needed = `it needs ${trial.needs} (tried with the image ${image}; PGQUAKE_HELPER_IMAGE names another)`;
  try {
    const what = `try what ${capability} needs`;
    const { exitCode, output } = await runHelper(client, { what, image, script: trial.script });
    return exitCode === 0 ? undefined : `${output.replace(/\s+/g, ' ')}; ${needed}`;
  } catch (error) {
    return `${errorText(error)}; ${needed}`;
  }
}
