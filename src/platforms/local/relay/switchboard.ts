/** All links of a cluster, with the rules and shapers of its nodes. Lives in the relay's thread. */

import type { Shaping } from '../../../cluster/platform.ts';
import { EnvironmentError } from '../../../model/errors.ts';
import type { NodeName } from '../../../model/topology.ts';
import type { Way } from './connection.ts';
import { Link, type LinkOptions } from './link.ts';
import type { PacketFilter } from './packet-filter.ts';
import { Shaper } from './pipe.ts';
import { type NamedRule, Rule } from './rules.ts';

interface Ordered {
  readonly mark: string;
  readonly node: NodeName;
}

interface Placed extends Ordered {
  readonly rule: Rule;
  readonly ways: readonly Way[];
}

interface Shaped extends Ordered {
  readonly shaper: Shaper;
}

export class Switchboard {
  readonly #filter: PacketFilter;
  readonly #links: Link[] = [];
  #rules: Placed[] = [];
  #shapers: Shaped[] = [];

  constructor(filter: PacketFilter) {
    this.#filter = filter;
  }

  /** @throws the system's error if the port is taken. */
  async open(options: LinkOptions): Promise<void> {
    this.#links.push(await Link.open(options, this.#filter));
  }

  /** @param runs whether the node's server is running. */
  async serve(node: NodeName, runs: boolean): Promise<void> {
    await Promise.all(this.#links.filter(({ to }) => to === node).map((link) => link.serve(runs)));
  }

  async addRules(mark: string, node: NodeName, rules: readonly NamedRule[]): Promise<void> {
    for (const named of rules) {
      const rule = new Rule(named, this.#filter);
      const ways = this.#waysOf(node, named.direction, named.peer);
      for (const way of ways) way.rules.push(rule);
      this.#rules.push({ mark, node, rule, ways });
    }
    await this.#apply();
  }

  /** How many packets each of the rules has met. */
  rulesOf(mark: string, node: NodeName): number[] {
    return this.#rules.filter(isOf(mark, node)).map(({ rule }) => rule.met);
  }

  /** @returns how many packets the rules met. */
  async removeRules(mark: string, node: NodeName): Promise<number> {
    const isRemoved = isOf(mark, node);
    const removed = this.#rules.filter(isRemoved);
    this.#rules = this.#rules.filter((placed) => !isRemoved(placed));
    for (const { rule, ways } of removed) {
      rule.inForce = false;
      for (const way of ways) way.rules.splice(way.rules.indexOf(rule), 1);
    }
    const met = removed.reduce((sum, { rule }) => sum + rule.met, 0);
    if (removed.length > 0) await this.#apply();
    return met;
  }

  async shape(mark: string, node: NodeName, shaping: Shaping): Promise<void> {
    if (this.#shapers.some((shaped) => shaped.node === node)) {
      throw new EnvironmentError(`${node}: its traffic is already shaped`, { code: 'shaped-already' });
    }
    const shaper = new Shaper(shaping);
    this.#shapers.push({ mark, node, shaper });
    for (const way of this.#waysOf(node, 'out')) way.shaper = shaper;
    await this.#apply();
  }

  shapingOf(mark: string, node: NodeName): string | undefined {
    const shaping = this.#shapers.find(isOf(mark, node))?.shaper.shaping;
    if (!shaping) return undefined;
    const { bytesPerSecond, delayMs = 0, jitterMs = 0 } = shaping;
    return bytesPerSecond === undefined
      ? `relay delay ${delayMs} ms, jitter ${jitterMs} ms`
      : `relay rate ${Math.round(bytesPerSecond)} bytes/s`;
  }

  packetsShaped(mark: string, node: NodeName): number {
    return this.#shapers.find(isOf(mark, node))?.shaper.passed ?? 0;
  }

  async unshape(mark: string, node: NodeName): Promise<void> {
    const shaped = this.#shapers.find(isOf(mark, node));
    if (!shaped) return;
    this.#shapers = this.#shapers.filter((candidate) => candidate !== shaped);
    for (const way of this.#waysOf(node, 'out')) way.shaper = undefined;
    await this.#apply();
  }

  dispose(): void {
    for (const link of this.#links) link.dispose();
  }

  /** The directions of links in which packets reach a node, or leave it. */
  #waysOf(node: NodeName, direction: NamedRule['direction'], peer?: NodeName): Way[] {
    const isPeer = (name: string) => peer === undefined || name === peer;
    return this.#links.flatMap(({ from, to, ways }) => {
      if (to === node && isPeer(from)) return direction === 'in' ? [ways.forth] : [ways.back];
      if (from === node && isPeer(to)) return direction === 'in' ? [ways.back] : [ways.forth];
      return [];
    });
  }

  async #apply(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.apply()));
  }
}

function isOf(mark: string, node: NodeName): (ordered: Ordered) => boolean {
  return (ordered) => ordered.mark === mark && ordered.node === node;
}
