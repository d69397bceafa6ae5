/**
 * The traffic of a node by iptables and tc, wherever their scripts run: beside a container, or on a machine by ssh. Rules
 * carry their mark as a comment, a shaper has a handle that follows from its mark; nothing else is touched.
 */

import { createHash } from 'node:crypto';
import type { NodeNetwork, PacketRule, Shaping } from '../cluster/platform.ts';
import type { Address } from '../model/address.ts';
import { shellWord } from './shell-word.ts';

/** Longest burst, in bytes: some packets of the largest size. */
const BURST = 32_768;
/** How long a packet waits at most for its turn at the bottleneck. */
const QUEUE = '400ms';

/** What a script is for. */
export interface TrafficTask {
  /** In words, with a place for the node's name after them: `add 2 rules to`. */
  readonly what: string;
  readonly mark: string;
  /** For sh. */
  readonly script: string;
  /** Of a script that changes something for a while: what takes that back. */
  readonly undo?: string;
}

export interface TrafficOptions {
  /** Runs a script to its end. @returns what it printed. @throws EnvironmentError where it fails. */
  readonly run: (task: TrafficTask) => Promise<string>;
  /** What comes before a command that needs root, with a space after it: `sudo -n `. Nothing by default. */
  readonly asRoot?: string;
  /** First lines of a chain that let through what must never be cut off; none by default. */
  readonly kept?: (chain: 'INPUT' | 'OUTPUT') => readonly string[];
  /** The addresses that packets of another node come from and go to. */
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly connectTo: NodeNetwork['connectTo'];
  /** Called before what carries a mark is taken away. */
  readonly forget?: (mark: string) => Promise<void>;
  /** Called once it is taken away. */
  readonly removed?: (mark: string) => Promise<void>;
}

export class ScriptedTraffic implements NodeNetwork {
  readonly #options: TrafficOptions;
  /** Waits for its turn where somebody else changes rules at the same time. */
  readonly #iptables: string;
  readonly #tc: string;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#iptables = `${options.asRoot ?? ''}iptables -w 5`;
    this.#tc = `${options.asRoot ?? ''}tc`;
  }

  async addRules(mark: string, rules: readonly PacketRule[]): Promise<void> {
    const lines: string[] = [];
    for (const rule of rules) {
      const peers = rule.peer ? await this.#options.addressesOf(rule.peer.host) : [undefined];
      for (const peer of peers) lines.push(words(ruleArguments(rule, peer, mark)));
    }
    // Each goes before the ones that are there, so that those which let through come last.
    const kept = (['INPUT', 'OUTPUT'] as const).flatMap((chain) =>
      (this.#options.kept?.(chain) ?? []).map(
        (match) => `${chain} ${match} -m comment --comment ${shellWord(mark)} -j ACCEPT`,
      ),
    );
    const script = ['set -e', ...[...lines, ...kept].map((line) => `${this.#iptables} -I ${line}`)].join('\n');
    const undo = this.#removal(mark);
    await this.#options.run({ what: `add ${lines.length} rules to`, mark, script, undo });
  }

  async rulesOf(mark: string): Promise<number[]> {
    const script = `${this.#iptables} -v -S`;
    const output = await this.#options.run({ what: 'look at the rules of', mark, script });
    return output.split('\n').flatMap((line) => (strikes(line, mark) ? [packetsOf(line)] : []));
  }

  async removeRules(mark: string): Promise<number> {
    await this.#options.forget?.(mark);
    const output = await this.#options.run({ what: 'remove the rules from', mark, script: this.#removal(mark) });
    await this.#options.removed?.(mark);
    return sum(output.split('\n').map((line) => (strikes(line, mark) ? packetsOf(line) : 0)));
  }

  /**
   * As they are listed, so that exactly these are deleted, and all at one moment: were one way open before the other, an
   * answer that a rule refuses would look like one that was lost.
   */
  #removal(mark: string): string {
    const iptables = this.#iptables;
    const comment = shellWord(commentOf(mark));
    return `set -e
${iptables} -v -S | grep -F -- ${comment} || true
{ echo '*filter'; ${iptables} -S | grep -F -- ${comment} | sed 's/^-A /-D /'; echo COMMIT; } | ${this.#options.asRoot ?? ''}iptables-restore -w 5 --noflush
if ${iptables} -S | grep -q -F -- ${comment}; then echo 'rules are left'; exit 1; fi`;
  }

  async shape(mark: string, shaping: Shaping): Promise<void> {
    const script = `set -e
for device in ${DEVICES}; do
  if ${this.#tc} qdisc show dev "$device" root | grep -qv -e noqueue -e ' 0: '; then echo "$device has a shaper already"; exit 1; fi
  ${this.#tc} qdisc add dev "$device" root handle ${handleOf(mark)} ${shaperWords(shaping)}
done`;
    await this.#options.run({ what: 'shape the traffic of', mark, script, undo: this.#unshaping(mark) });
  }

  async shapingOf(mark: string): Promise<string | undefined> {
    const script = `${this.#tc} qdisc show`;
    const output = await this.#options.run({ what: 'look at the shaping of', mark, script });
    const line = output.split('\n').find((candidate) => candidate.includes(` ${handleOf(mark)} `));
    return line?.replace(/^qdisc /, '').trim();
  }

  async packetsShaped(mark: string): Promise<number> {
    const script = `${this.#tc} -s qdisc show`;
    const output = await this.#options.run({ what: 'count what is shaped of', mark, script });
    // Each qdisc has a line of its own and, indented below it, its counts.
    const [, counts = ''] = output.split(new RegExp(`^qdisc \\S+ ${handleOf(mark)} .*$`, 'm'));
    return Number(/Sent \d+ bytes (\d+) pkt/.exec(counts.split(/^qdisc /m)[0] ?? '')?.[1] ?? 0);
  }

  async unshape(mark: string): Promise<void> {
    await this.#options.forget?.(mark);
    await this.#options.run({ what: 'unshape the traffic of', mark, script: this.#unshaping(mark) });
    await this.#options.removed?.(mark);
  }

  #unshaping(mark: string): string {
    const [tc, handle] = [this.#tc, handleOf(mark)];
    return `set -e
for device in ${DEVICES}; do
  if ${tc} qdisc show dev "$device" root | grep -q -F ' ${handle} '; then ${tc} qdisc del dev "$device" root; fi
done
if ${tc} qdisc show | grep -q -F ' ${handle} '; then echo 'the shaper is still there'; exit 1; fi`;
  }

  connectTo(peer: Address, limitMs: number): Promise<string | undefined> {
    return this.#options.connectTo(peer, limitMs);
  }
}

/** All but the one that only leads back. */
const DEVICES = "$(ls /sys/class/net | grep -v '^lo$')";

/** Without the verb: `INPUT -s 172.18.0.3 ... -j DROP`. */
function ruleArguments(rule: PacketRule, peer: string | undefined, mark: string): string[] {
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

/** Whether it carries the mark, and lets nothing through. */
function strikes(line: string, mark: string): boolean {
  return line.includes(commentOf(mark)) && !line.includes('-j ACCEPT');
}

function packetsOf(line: string): number {
  return Number(/ -c (\d+) /.exec(line)?.[1] ?? 0);
}

function words(args: readonly string[]): string {
  return args.map(shellWord).join(' ');
}

/** `a3f1:`, never the kernel's own `0:` or one of those that it gives away from `8000:` on. */
function handleOf(mark: string): string {
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
