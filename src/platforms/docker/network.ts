/**
 * The traffic of a container: packet filter rules and traffic shaping in its network namespace. Rules carry
 * their mark as a comment, a shaper has a handle that follows from its mark; nothing else is touched.
 */

import { createHash } from 'node:crypto';
import type { NodeNetwork, PacketRule, Shaping } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { DockerClient } from './client.ts';
import type { ExecResult } from './exec.ts';
import { mustRun, removeHelpers, shellWord } from './helper.ts';

/** Waits for its turn where somebody else changes rules at the same time. */
const IPTABLES = 'iptables -w 5';
/** Longest burst, in bytes: some packets of the largest size. */
const BURST = 32_768;
/** How long a packet waits at most for its turn at the bottleneck. */
const QUEUE = '400ms';

export interface NetworkOptions {
  readonly client: DockerClient;
  readonly containerId: string;
  /** Has iptables and tc. */
  readonly image: () => Promise<string>;
  readonly project: () => string | undefined;
  readonly containerName: () => string;
  readonly run: (what: string, command: readonly string[], limitMs: number) => Promise<ExecResult>;
}

export class DockerNetwork implements NodeNetwork {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  async addRules(mark: string, rules: readonly PacketRule[]): Promise<void> {
    const lines: string[] = [];
    for (const rule of rules) {
      const peers = rule.peer ? await this.#addressesOf(rule.peer) : [undefined];
      for (const peer of peers) lines.push(ruleArguments(rule, peer, mark).map(shellWord).join(' '));
    }
    const script = ['set -e', ...lines.map((line) => `${IPTABLES} -I ${line}`)].join('\n');
    await this.#script(`add ${lines.length} rules to`, mark, script);
  }

  async rulesOf(mark: string): Promise<number[]> {
    const output = await this.#script('look at the rules of', mark, `${IPTABLES} -v -S`);
    return output.split('\n').flatMap((line) => (isMarked(line, mark) ? [Number(/ -c (\d+) /.exec(line)?.[1])] : []));
  }

  async removeRules(mark: string): Promise<number> {
    await removeHelpers(this.#options.client, mark);
    // As they are listed, so that exactly these are deleted, and all at one moment: were one way open before the other, an
    // answer that a rule refuses would look like one that was lost.
    const script = `set -e
${IPTABLES} -v -S | grep -F -- ${shellWord(commentOf(mark))} || true
{ echo '*filter'; ${IPTABLES} -S | grep -F -- ${shellWord(commentOf(mark))} | sed 's/^-A /-D /'; echo COMMIT; } | iptables-restore -w 5 --noflush
if ${IPTABLES} -S | grep -q -F -- ${shellWord(commentOf(mark))}; then echo 'rules are left'; exit 1; fi`;
    const output = await this.#script('remove the rules from', mark, script);
    return sum(output.split('\n').map((line) => Number(/ -c (\d+) /.exec(line)?.[1] ?? 0)));
  }

  async shape(mark: string, shaping: Shaping): Promise<void> {
    const handle = handleOf(mark);
    const script = `set -e
for device in ${DEVICES}; do
  if tc qdisc show dev "$device" root | grep -qv -e noqueue -e ' 0: '; then echo "$device has a shaper already"; exit 1; fi
  tc qdisc add dev "$device" root handle ${handle} ${shaperWords(shaping)}
done`;
    await this.#script('shape the traffic of', mark, script);
  }

  async shapingOf(mark: string): Promise<string | undefined> {
    const output = await this.#script('look at the shaping of', mark, 'tc qdisc show');
    const line = output.split('\n').find((candidate) => candidate.includes(` ${handleOf(mark)} `));
    return line?.replace(/^qdisc /, '').trim();
  }

  async packetsShaped(mark: string): Promise<number> {
    const output = await this.#script('count what is shaped of', mark, 'tc -s qdisc show');
    // Each qdisc has a line of its own and, indented below it, its counts.
    const [, counts = ''] = output.split(new RegExp(`^qdisc \\S+ ${handleOf(mark)} .*$`, 'm'));
    return Number(/Sent \d+ bytes (\d+) pkt/.exec(counts.split(/^qdisc /m)[0] ?? '')?.[1] ?? 0);
  }

  async unshape(mark: string): Promise<void> {
    await removeHelpers(this.#options.client, mark);
    const handle = handleOf(mark);
    const script = `set -e
for device in ${DEVICES}; do
  if tc qdisc show dev "$device" root | grep -q -F ' ${handle} '; then tc qdisc del dev "$device" root; fi
done
if tc qdisc show | grep -q -F ' ${handle} '; then echo 'the shaper is still there'; exit 1; fi`;
    await this.#script('unshape the traffic of', mark, script);
  }

  async connectTo({ host, port }: Address, limitMs: number): Promise<string | undefined> {
    const [ip = host] = await this.#addressesOf({ host });
    const seconds = limitMs / 1_000;
    // Bash opens the connection; the two come with every PostgreSQL image that is based on Debian.
    const command = ['timeout', String(seconds), 'bash', '-c', `: < /dev/tcp/${ip}/${port}`];
    const { exitCode, output } = await this.#options.run(`connect to ${host}`, command, limitMs + 10_000);
    if (exitCode === 0) return undefined;
    if (exitCode === 124) return `no answer within ${limitMs} ms`;
    return /refused/i.test(output) ? 'refused' : output.replace(/^.*: /s, '') || `exit code ${exitCode}`;
  }

  /** Where a container, known to others by its name, has its place in their networks. */
  async #addressesOf({ host }: Pick<Address, 'host'>): Promise<string[]> {
    const { NetworkSettings } = await this.#options.client.call(`look at container ${host}`, (docker, abortSignal) =>
      docker.getContainer(host).inspect({ abortSignal }),
    );
    const addresses = Object.values(NetworkSettings.Networks).flatMap(({ IPAddress }) => IPAddress || []);
    if (addresses.length > 0) return addresses;
    throw new EnvironmentError(`container ${host} is in no network`, { code: 'no-network' });
  }

  async #script(what: string, mark: string, script: string): Promise<string> {
    const { client, containerId, containerName, image, project } = this.#options;
    const options = { containerId, image: await image(), project: project(), mark };
    return await mustRun(client, { ...options, what: `${what} ${containerName()}`, script });
  }
}

/** All but the one that only leads back. */
const DEVICES = "$(ls /sys/class/net | grep -v '^lo$')";

/** Without the verb: `INPUT -s 172.18.0.3 ... -j DROP`. */
export function ruleArguments(rule: PacketRule, peer: string | undefined, mark: string): string[] {
  const { direction, verdict, share = 1, text, established = false } = rule;
  const isIn = direction === 'in';
  const without = [
    // Neither half of a handshake: the answer to it would be reset at the server, and the client would hang.
    ...(established ? ['SYN'] : []),
    // The reset itself must pass: the rule for the way out would take the answer of the one for the way in.
    ...(verdict === 'reset' ? ['RST'] : []),
  ];
  return [
    isIn ? 'INPUT' : 'OUTPUT',
    // The engine's name server is reached over the loopback device, which belongs to nobody else.
    ...(peer === undefined ? ['!', isIn ? '-i' : '-o', 'lo'] : [isIn ? '-s' : '-d', peer]),
    // Only TCP can be told that a connection does not exist.
    ...(verdict === 'reset' || established ? ['-p', 'tcp'] : []),
    ...(without.length > 0 ? ['-m', 'tcp', '--tcp-flags', without.join(','), 'NONE'] : []),
    ...(share < 1 ? ['-m', 'statistic', '--mode', 'random', '--probability', String(share)] : []),
    ...(text === undefined ? [] : ['-m', 'string', '--algo', 'bm', '--string', text]),
    ...['-m', 'comment', '--comment', mark],
    ...(verdict === 'drop' ? ['-j', 'DROP'] : ['-j', 'REJECT', '--reject-with', 'tcp-reset']),
  ];
}

function commentOf(mark: string): string {
  return `--comment ${mark} `;
}

function isMarked(line: string, mark: string): boolean {
  return line.includes(commentOf(mark));
}

/** `a3f1:`, never the kernel's own `0:` or one of those that it gives away from `8000:` on. */
export function handleOf(mark: string): string {
  const number = createHash('sha256').update(mark).digest().readUInt16BE(0) % 0x7000;
  return `${(number + 0x100).toString(16)}:`;
}

function shaperWords({ bytesPerSecond, delayMs, jitterMs = 0 }: Shaping): string {
  if (bytesPerSecond !== undefined)
    return `tbf rate ${Math.round(bytesPerSecond * 8)}bit burst ${BURST} latency ${QUEUE}`;
  return `netem delay ${delayMs ?? 0}ms ${jitterMs}ms`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
