/** Where one side reaches another's server: one port for each pair, so that the relay knows which side connects. */

import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeName } from '../../../model/topology.ts';
import { RelayedConnection, type Ways, watchDrops } from './connection.ts';
import type { PacketFilter } from './packet-filter.ts';
import { type Rule, shareDropped } from './rules.ts';

const HOST = '127.0.0.1';
/** For listening on the port again: another program may be testing whether it is free. */
const LISTEN_LIMIT_MS = 2_000;
const LISTEN_SPACING_MS = 20;

/** The side outside of the cluster: pgquake and its load. */
export const OUTSIDE = 'outside';

export interface LinkOptions {
  readonly from: NodeName | typeof OUTSIDE;
  readonly to: NodeName;
  readonly port: number;
  /** Where the server listens. */
  readonly serverPort: number;
}

export class Link {
  readonly from: LinkOptions['from'];
  readonly to: NodeName;
  readonly ways: Ways = { forth: { rules: [], shaper: undefined }, back: { rules: [], shaper: undefined } };
  readonly #options: LinkOptions;
  readonly #filter: PacketFilter;
  readonly #connections = new Set<RelayedConnection>();
  /** Break off the clients that have not reached the server yet. */
  readonly #arriving = new Set<() => void>();
  #listener: Server | undefined;
  #serverRuns = true;

  private constructor(options: LinkOptions, filter: PacketFilter) {
    this.#options = options;
    this.#filter = filter;
    this.from = options.from;
    this.to = options.to;
  }

  /** @throws the system's error if the port is taken. */
  static async open(options: LinkOptions, filter: PacketFilter): Promise<Link> {
    const link = new Link(options, filter);
    await link.#listen();
    return link;
  }

  /** @param runs whether the server is running; if not, new connections are refused, as by its own port. */
  async serve(runs: boolean): Promise<void> {
    this.#serverRuns = runs;
    await this.apply();
  }

  /** Applies the current rules. */
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
    // The SYN-ACK is dropped; only the SYN is counted.
    const silent = forNew.some(({ verdict }) => verdict === 'reset');
    this.#filter.drop(this.#listener, silent ? 1 : shareDropped(forNew));
    // A lost packet counts for one direction only.
    const forthNew = forth.rules.filter(isForNew);
    watchDrops(this.#listener, forthNew.length > 0 ? forthNew : back.rules.filter(isForNew));
  }

  /** Breaks all connections and refuses new ones. */
  dispose(): void {
    this.#close();
    for (const breakOff of this.#arriving) breakOff();
    for (const connection of this.#connections) connection.reset();
  }

  async #listen(): Promise<void> {
    // A side that has finished sending may still receive.
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

/** Whether a rule applies to new connections. */
function isForNew({ text, established }: Rule): boolean {
  return text === undefined && !established;
}
