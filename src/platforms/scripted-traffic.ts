/**
 * Controls a node's traffic with scripts of iptables and tc, run beside a container or on a machine by ssh. The mark of an
 * act is the comment of its rules and decides its shaper's handle; nothing else is touched.
 */

import { createHash } from 'node:crypto';
import type { NodeNetwork, PacketRule, Shaping } from '../cluster/platform.ts';
import type { Address } from '../model/address.ts';
import { shellWord } from './shell-word.ts';

/** Longest burst, in bytes: several packets of the largest size. */
const BURST = 32_768;
/** The longest that a packet waits at the bottleneck before it is dropped. */
const QUEUE = '400ms';
/** The exit code of the program `timeout`. */
const TIMED_OUT = 124;

/** The scripts as commands for a person, who may need root. */
export const RULE_COMMANDS = {
  act: 'iptables -I ... -m comment --comment <mark>',
  undo: 'iptables -D <each rule with the mark>',
};
export const SHAPER_COMMANDS = {
  act: 'tc qdisc add dev <each> root handle <mark> ...',
  undo: 'tc qdisc del dev <each> root',
};

/** What a script is for. */
export interface TrafficTask {
  /** In words, to be followed by the node's name: `add 2 rules to`. */
  readonly what: string;
  readonly mark: string;
  /** For sh. */
  readonly script: string;
  /** The script that undoes this one, if it changes something. */
  readonly undo?: string;
}

export interface TrafficOptions {
  /** Runs a script to its end. @returns its output. @throws EnvironmentError when it fails. */
  readonly run: (task: TrafficTask) => Promise<string>;
  /** Prefix of commands that need root, with a space at its end: `sudo -n `. Empty by default. */
  readonly asRoot?: string;
  /** First matches of a chain, for traffic that must never be cut off; none by default. */
  readonly kept?: (chain: 'INPUT' | 'OUTPUT') => readonly string[];
  /** The addresses of another node's packets. */
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly connectTo: NodeNetwork['connectTo'];
  /** Called before the rules or shaper of a mark are removed. */
  readonly forget?: (mark: string) => Promise<void>;
  /** Called after that. */
  readonly removed?: (mark: string) => Promise<void>;
}

export class ScriptedTraffic implements NodeNetwork {
  readonly #options: TrafficOptions;
  /** Waits for its turn while another process changes rules. */
  readonly #iptables: string;
  readonly #tc: string;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#iptables = `${options.asRoot ?? ''}iptables -w 5`;
    this.#tc = `${options.asRoot ?? ''}tc`;
  }

  readonly countsRefusals = true;

  async addRules(mark: string, rules: readonly PacketRule[]): Promise<void> {
    const lines: string[] = [];
    for (const rule of rules) {
      const peers = rule.peer ? await this.#options.addressesOf(rule.peer.host) : [undefined];
      for (const peer of peers) lines.push(words(ruleArguments(rule, peer, mark)));
    }
    // Each line is inserted first, so that those that accept are added last.
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
   * Deletes exactly the listed rules, and all at once: if one direction were open before the other, an answer that a rule
   * refuses would look like a lost one.
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
    // Each qdisc is one line, with its counts indented below.
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

/** With bash, the script that opens a connection, for the program `timeout`. */
export function connectScript(host: string, port: number): string {
  return `: < /dev/tcp/${host}/${port}`;
}

/** @returns why that script could not connect; `undefined` if it could. */
export function connectRefusal(exitCode: number, output: string, limitMs: number): string | undefined {
  if (exitCode === 0) return undefined;
  if (exitCode === TIMED_OUT) return `no answer within ${limitMs} ms`;
  return /refused/i.test(output) ? 'refused' : output.trim().replace(/^.*: /s, '') || `exit code ${exitCode}`;
}

/** All except loopback. */
const DEVICES = "$(ls /sys/class/net | grep -v '^lo$')";

/** Without the verb: `INPUT -s 172.18.0.3 ... -j DROP`. */
function ruleArguments(rule: PacketRule, peer: string | undefined, mark: string): string[] {
  const { direction, verdict, share = 1, text, established = false, exceptFrom } = rule;
  const isIn = direction === 'in';
  const without = [
    // No part of a handshake: the server's half would be reset, and the client would hang.
    ...(established ? ['SYN'] : []),
    // The reset itself must pass: the rule for outgoing packets would catch the reset of the rule for incoming ones.
    ...(verdict === 'reset' ? ['RST'] : []),
  ];
  return [
    isIn ? 'INPUT' : 'OUTPUT',
    // The engine's name server is reached over loopback, which carries nothing else.
    ...(peer === undefined ? ['!', isIn ? '-i' : '-o', 'lo'] : [isIn ? '-s' : '-d', peer]),
    // Only TCP has resets.
    ...(verdict === 'reset' || established ? ['-p', 'tcp'] : []),
    ...(without.length > 0 ? ['-m', 'tcp', '--tcp-flags', without.join(','), 'NONE'] : []),
    ...(exceptFrom === undefined ? [] : ['!', '--sport', String(exceptFrom)]),
    ...(share < 1 ? ['-m', 'statistic', '--mode', 'random', '--probability', String(share)] : []),
    ...(text === undefined ? [] : ['-m', 'string', '--algo', 'bm', '--string', text]),
    ...['-m', 'comment', '--comment', mark],
    ...(verdict === 'drop' ? ['-j', 'DROP'] : ['-j', 'REJECT', '--reject-with', 'tcp-reset']),
  ];
}

function commentOf(mark: string): string {
  return `--comment ${mark} `;
}

/** Whether the line is a rule of the mark that does not accept. */
function strikes(line: string, mark: string): boolean {
  return line.includes(commentOf(mark)) && !line.includes('-j ACCEPT');
}

function packetsOf(line: string): number {
  return Number(/ -c (\d+) /.exec(line)?.[1] ?? 0);
}

function words(args: readonly string[]): string {
  return args.map(shellWord).join(' ');
}

/** `a3f1:`, never the kernel's `0:` or one that it assigns itself, from `8000:` on. */
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
