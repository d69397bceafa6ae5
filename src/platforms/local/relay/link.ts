/** Where one side reaches another one's server: a port of its own, so that the relay knows who comes. */

import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeName } from '../../../model/topology.ts';
import { RelayedConnection, type Ways, watchDrops } from './connection.ts';
import type { PacketFilter } from './packet-filter.ts';
import { type Rule, shareDropped } from './rules.ts';

const HOST = '127.0.0.1';
/** For a port to be listened on again: somebody may be trying whether it is free. */
const LISTEN_LIMIT_MS = 2_000;
const LISTEN_SPACING_MS = 20;

/** Who comes from outside of the cluster: pgquake and its load. */
export const OUTSIDE = 'outside';

export interface LinkOptions {
  readonly from: NodeName | typeof OUTSIDE;
  readonly to: NodeName;
  readonly port: number;
  /** Of the server. */
  readonly serverPort: number;
}

export class Link {
  readonly from: LinkOptions['from'];
  readonly to: NodeName;
  readonly ways: Ways = { forth: { rules: [], shaper: undefined }, back: { rules: [], shaper: undefined } };
  readonly #options: LinkOptions;
  readonly #filter: PacketFilter;
  readonly #connections = new Set<RelayedConnection>();
  /** Who has come and has not reached the server yet: what breaks him off. */
  readonly #arriving = new Set<() => void>();
  #listener: Server | undefined;
  #serverRuns = true;

  private constructor(options: LinkOptions, filter: PacketFilter) {
    this.#options = options;
    this.#filter = filter;
    this.from = options.from;
    this.to = options.to;
  }

  /** @throws the system's error where the port is taken. */
  static async open(options: LinkOptions, filter: PacketFilter): Promise<Link> {
    const link = new Link(options, filter);
    await link.#listen();
    return link;
  }

  /** Whether the server runs: where it does not, who comes is refused, as by its own port. */
  async serve(runs: boolean): Promise<void> {
    this.#serverRuns = runs;
    await this.apply();
  }

  /** Puts into force what holds now. */
  async apply(): Promise<void> {
    const { forth, back } = this.ways;
    for (const connection of this.#connections) connection.applyRules();
    const refuses = forth.rules.some((rule) => rule.verdict === 'reset' && isForNew(rule));
    if (!this.#serverRuns || refuses) return this.#close();
    const giveUpAt = performance.now() + LISTEN_LIMIT_MS;
    while (!this.#listener) {
      try {
        await this.#listen();
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await sleep(LISTEN_SPACING_MS);
      }
    }
    const forNew = [...forth.rules, ...back.rules].filter(isForNew);
    // The answer to who comes is lost, and that he comes is all that is seen of him.
    const silent = forNew.some(({ verdict }) => verdict === 'reset');
    this.#filter.drop(this.#listener, silent ? 1 : shareDropped(forNew));
    // One packet that is lost is lost for one of them.
    const forthNew = forth.rules.filter(isForNew);
    watchDrops(this.#listener, forthNew.length > 0 ? forthNew : back.rules.filter(isForNew));
  }

  /** Breaks all connections and lets nobody in any more. */
  dispose(): void {
    this.#close();
    for (const breakOff of this.#arriving) breakOff();
    for (const connection of this.#connections) connection.reset();
  }

  async #listen(): Promise<void> {
    // A side that has said all may still listen.
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
    listener.listen({ port: this.#options.port, host: HOST, exclusive: true });
    await once(listener, 'listening');
    listener.on('error', () => undefined);
    this.#listener = listener;
  }

  #close(): void {
    const listener = this.#listener;
    if (!listener) return;
    for (const rule of [...this.ways.forth.rules, ...this.ways.back.rules]) rule.unwatch(listener);
    listener.close();
    this.#listener = undefined;
  }

  #accept(client: Socket): void {
    const server = dial({ port: this.#options.serverPort, host: HOST, allowHalfOpen: true, noDelay: true });
    const breakOff = () => {
      this.#arriving.delete(breakOff);
      client.resetAndDestroy();
      server.destroy();
    };
    this.#arriving.add(breakOff);
    client.once('error', breakOff);
    server.once('error', breakOff);
    server.once('connect', () => {
      this.#arriving.delete(breakOff);
      client.off('error', breakOff);
      server.off('error', breakOff);
      const connection = new RelayedConnection(client, server, this.ways, this.#filter, () =>
        this.#connections.delete(connection),
      );
      this.#connections.add(connection);
    });
  }
}

/** Whether a rule strikes a connection that is being made. */
function isForNew({ text, established }: Rule): boolean {
  return text === undefined && !established;
}
