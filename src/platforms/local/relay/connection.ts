/** One relayed connection: two sockets and a pipe in each direction. */

import type { Socket } from 'node:net';
import type { Filtered, PacketFilter } from './packet-filter.ts';
import { Pipe, type Shaper } from './pipe.ts';
import { type Rule, shareDropped } from './rules.ts';

/** Rules and shaper of one direction between two sides. */
export interface Way {
  readonly rules: Rule[];
  shaper: Shaper | undefined;
}

/** `forth` is from the client to the server, `back` the other direction. */
export interface Ways {
  readonly forth: Way;
  readonly back: Way;
}

export class RelayedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #ways: Ways;
  readonly #filter: PacketFilter;
  readonly #forth: Pipe;
  readonly #back: Pipe;

  /** @param onClosed called once, when both sockets are closed. */
  constructor(client: Socket, server: Socket, ways: Ways, filter: PacketFilter, onClosed: () => void) {
    this.#client = client;
    this.#server = server;
    this.#ways = ways;
    this.#filter = filter;
    this.#forth = this.#pipe(client, server, ways.forth);
    this.#back = this.#pipe(server, client, ways.back);
    let open = 2;
    for (const socket of [client, server]) {
      // If one side breaks the connection, it breaks for the other too.
      socket.on('error', () => this.reset());
      // Last look: a closed socket has no count of dropped packets.
      socket.on('end', () => {
        for (const rule of this.#rules) rule.look();
      });
      socket.on('close', () => {
        this.#unwatch(socket);
        if (--open === 0) onClosed();
      });
    }
    this.applyRules();
  }

  /** Applies the current rules and shapers. */
  applyRules(): void {
    this.#put(this.#client, this.#ways.forth, this.#forth);
    this.#put(this.#server, this.#ways.back, this.#back);
    this.#forth.pump();
    this.#back.pump();
  }

  /** Breaks the connection for both sides at once. Harmless twice. */
  reset(): void {
    this.#forth.close();
    this.#back.close();
    for (const socket of [this.#client, this.#server]) {
      this.#unwatch(socket);
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  #unwatch(socket: Socket): void {
    for (const rule of this.#rules) rule.unwatch(socket);
  }

  get #rules(): readonly Rule[] {
    return [...this.#ways.forth.rules, ...this.#ways.back.rules];
  }

  #pipe(from: Socket, to: Socket, way: Way): Pipe {
    const pipe: Pipe = new Pipe({
      from,
      to,
      rules: () => way.rules,
      shaper: () => way.shaper,
      onReset: () => this.reset(),
      onHeld: () => this.#put(from, way, pipe),
    });
    return pipe;
  }

  #put(socket: Socket, way: Way, pipe: Pipe): void {
    watchDrops(socket, way.rules);
    // While a packet is missing, nothing behind it arrives or is acknowledged.
    this.#filter.drop(socket, pipe.held ? 1 : shareDropped(way.rules));
  }
}

/** Makes the rules that drop packets count the packets dropped at a socket. */
export function watchDrops(socket: Filtered, rules: readonly Rule[]): void {
  for (const rule of rules) if (rule.dropped > 0) rule.watch(socket);
}
