/** Tries what the Docker engine's kernel and an image can do to network traffic. */

import type { Capability } from '../../cluster/platform.ts';
import { errorText } from '../../model/errors.ts';
import type { DockerClient } from './client.ts';
import { runHelper } from './helper.ts';

/** A trial for each capability, in a container without a network. */
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

/** Removes what a trial added, before the next one. */
const CLEAN_UP = 'iptables -F INPUT 2>/dev/null; tc qdisc del dev lo root 2>/dev/null';
const TRIED = 'pgquake tried';

/** One container runs all trials: its start is by far the slowest part. */
const SCRIPT = Object.entries(TRIALS)
  .map(([capability, { script }]) => `said=$(${script} 2>&1)\necho "${TRIED} ${capability} $? $said"\n${CLEAN_UP}`)
  .concat('true')
  .join('\n');

/** Reasons by missing capability; available ones are absent. */
type Lacking = ReadonlyMap<string, string>;

const seen = new Map<string, Promise<Lacking>>();

/** @returns why this image on this engine lacks the capability, and what that needs. Tried once for each image. */
export async function lackingHere(
  client: DockerClient,
  image: string,
  capability: Capability,
): Promise<string | undefined> {
  const trial = TRIALS[capability];
  if (!trial) return undefined;
  const key = `${client.endpoint.host} ${image}`;
  const trying = seen.get(key) ?? tryAll(client, image);
  seen.set(key, trying);
  const reason = (await trying).get(capability);
  return reason === undefined
    ? undefined
    : `${reason}; it needs ${trial.needs} (tried with the image ${image}; PGQUAKE_HELPER_IMAGE names another)`;
}

async function tryAll(client: DockerClient, image: string): Promise<Lacking> {
  const capabilities = Object.keys(TRIALS);
  const allFor = (reason: string) => new Map(capabilities.map((capability) => [capability, reason]));
  try {
    const { exitCode, output } = await runHelper(client, {
      what: 'try what network faults need',
      image,
      script: SCRIPT,
    });
    const tried = output.split(`${TRIED} `).slice(1);
    if (exitCode !== 0 || tried.length < capabilities.length) return allFor(output.replace(/\s+/g, ' '));
    return new Map(
      tried.flatMap((line) => {
        const [capability = '', code, ...said] = line.trim().split(/\s+/);
        return code === '0' ? [] : [[capability, said.join(' ').replace(/\.$/, '')] as const];
      }),
    );
  } catch (error) {
    return allFor(errorText(error));
  }
}
