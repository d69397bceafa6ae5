/** Several oracles watch one node at the same time. */

import type { NodeControl } from '../cluster/platform.ts';
import { until } from '../model/until.ts';
import { type Attempt, Clients, type Kind } from './clients.ts';
import { type Oracle, seenBy } from './oracle.ts';
import { type Memory, type Past, pastSince, remember } from './past.ts';

const SERVED_LIMIT_MS = 5_000;
const LOOK_AGAIN_MS = 10;

export class Watch implements AsyncDisposable {
  readonly #node: NodeControl;
  readonly #others: readonly NodeControl[];
  readonly #memory: Memory;
  /** Oracles share clients, except those with their own statements. */
  readonly #clients: ReadonlyMap<Oracle, Clients>;
  #looked: ReadonlyMap<Oracle, string | undefined> = new Map();
  #past: Past = 'ran on';

  private constructor(memory: Memory, [node, ...others]: readonly NodeControl[], oracles: readonly Oracle[]) {
    this.#memory = memory;
    this.#node = node as NodeControl;
    this.#others = others;
    const [peer] = others as [NodeControl];
    const shared = new Clients(this.#node, peer, kindsOf(oracles.filter(({ statements }) => !statements)));
    this.#clients = new Map(
      oracles.map((oracle) => {
        const { kinds, statements } = oracle;
        return [oracle, statements ? new Clients(this.#node, peer, kinds, statements) : shared];
      }),
    );
  }

  /**
   * @param nodes the watched node, then the others.
   * @throws if not every kind of client is served within 5 s.
   */
  static async begin(nodes: readonly NodeControl[], oracles: readonly Oracle[]): Promise<Watch> {
    const watch = new Watch(await remember(nodes[0] as NodeControl), nodes, oracles);
    try {
      for (const [{ kinds }, clients] of watch.#clients) await untilServed(clients, kinds);
    } catch (error) {
      await watch[Symbol.asyncDispose]();
      throw error;
    }
    return watch;
  }

  /** Lets oracles with `looks` look now, in the middle of a fault. */
  async look(): Promise<void> {
    const looked = [...this.#clients.keys()].map(
      async (oracle) => [oracle, await oracle.looks?.(this.#node, this.#others)] as const,
    );
    this.#looked = new Map(await Promise.all(looked));
  }

  /** Asks the server what happened to it. */
  async lookBack(): Promise<void> {
    this.#past = await pastSince(this.#node, this.#memory);
  }

  /** @returns what an oracle has seen so far; `undefined` if nothing. */
  seen(oracle: Oracle): string | undefined {
    const clients = this.#clients.get(oracle) as Clients;
    return seenBy(oracle, { clients, looked: this.#looked.get(oracle), past: this.#past });
  }

  /** What the server and its clients met, for error messages. */
  get met(): string {
    const failures = this.#attempts.filter(({ code }) => code !== undefined);
    const ways = Map.groupBy(failures, ({ kind, code }) => `${kind} ${code}`);
    const words = [...ways].map(([way, all]) => `${way} (${all.length} times, at most ${longest(all)} ms)`);
    return `the server ${this.#past}, its clients met ${words.join(', ') || 'no failure'}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...new Set(this.#clients.values())].map((clients) => clients[Symbol.asyncDispose]()));
  }

  get #attempts(): Attempt[] {
    return [...new Set(this.#clients.values())].flatMap(({ attempts }) => attempts);
  }
}

function longest(attempts: readonly Attempt[]): number {
  return Math.round(Math.max(...attempts.map(({ tookMs }) => tookMs)));
}

/** Waits until every kind of client has been answered once. */
export async function untilServed(clients: Clients, kinds: readonly Kind[]): Promise<void> {
  const unserved = await until({ limitMs: SERVED_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () =>
    kinds.find((kind) => !clients.of(kind).some(({ code }) => code === undefined)),
  );
  if (unserved !== undefined) throw new Error('the clients are not served');
}

/** Each kind as often as the oracle that needs it most often. */
function kindsOf(oracles: readonly Oracle[]): Kind[] {
  const often = new Map<Kind, number>();
  for (const { kinds } of oracles) {
    for (const kind of kinds) {
      often.set(kind, Math.max(often.get(kind) ?? 0, kinds.filter((one) => one === kind).length));
    }
  }
  return [...often].flatMap(([kind, times]) => Array<Kind>(times).fill(kind));
}
