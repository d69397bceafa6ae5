/**
 * Ports for servers, which keep theirs while they are down. So that the operating system does not give such a port to an
 * outgoing connection, they are outside of its ephemeral range; so that another run does not choose it, each run leases a
 * row of ports by listening on the first.
 */

import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { EnvironmentError } from '../../model/errors.ts';

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Below this, well-known services are common. */
const LOWEST_PORT = 10_240;
const HIGHEST_PORT = 65_535;
/** Recommended by IANA, and the range of macOS and Windows. */
const DEFAULT_EPHEMERAL: PortRange = { from: 49_152, to: HIGHEST_PORT };
const ATTEMPTS = 200;

/** All ports from 10240 to 65535 except the ephemeral ones; all of them if none is left. */
export function candidatePorts(ephemeral: PortRange): number[] {
  const all = Array.from({ length: HIGHEST_PORT - LOWEST_PORT + 1 }, (_, i) => LOWEST_PORT + i);
  const outside = all.filter((port) => port < ephemeral.from || port > ephemeral.to);
  return outside.length > 0 ? outside : all;
}

/** Parses Linux's ephemeral range: two numbers, `32768 60999`. */
export function parseEphemeralRange(text: string): PortRange | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s*$/.exec(text);
  return match ? { from: Number(match[1]), to: Number(match[2]) } : undefined;
}

/** Ports in a row: the first is the lease, the others are for servers. */
const ROW = 32;

/** Chooses free ports of the loopback interface, each once, and reserves them against other choosers until disposal. */
export class PortChooser implements Disposable {
  readonly #candidates: readonly number[];
  readonly #random: () => number;
  readonly #leases: Server[] = [];
  #row: number[] = [];
  /** Serialises choices, so that concurrent calls share a row. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(candidates: readonly number[], random: () => number) {
    this.#candidates = candidates;
    this.#random = random;
  }

  static async open(random: () => number = Math.random): Promise<PortChooser> {
    const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
    return new PortChooser(candidatePorts(parseEphemeralRange(text) ?? DEFAULT_EPHEMERAL), random);
  }

  /**
   * A port that was free a moment ago. Another program may still take it, so the caller must be ready to ask again.
   * @throws EnvironmentError after 200 attempts.
   */
  next(): Promise<number> {
    const port = this.#last.then(() => this.#choose());
    this.#last = port.catch(() => undefined);
    return port;
  }

  /** For when its servers are gone: releases their ports. */
  [Symbol.dispose](): void {
    for (const lease of this.#leases.splice(0)) lease.close();
    this.#row = [];
  }

  async #choose(): Promise<number> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.#row.length === 0) await this.#lease();
      const port = this.#row.shift();
      if (port !== undefined && (await canBind(port))) return port;
    }
    throw new EnvironmentError(`no free port on 127.0.0.1: ${ATTEMPTS} random ones are taken`, {
      code: 'no-free-port',
      hint: 'end programs that hold many ports, or allow this one to listen on 127.0.0.1',
    });
  }

  /** Leaves the row empty if another chooser has leased it. */
  async #lease(): Promise<void> {
    const rows = Math.ceil(this.#candidates.length / ROW);
    const start = Math.floor(this.#random() * rows) * ROW;
    const [first, ...row] = this.#candidates.slice(start, start + ROW);
    const lease = await listenAt(first as number);
    if (!lease) return;
    lease.on('connection', (socket) => socket.destroy()).unref();
    this.#leases.push(lease);
    this.#row = row;
  }
}

function listenAt(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

async function canBind(port: number): Promise<boolean> {
  const server = await listenAt(port);
  await new Promise((closed) => (server ? server.close(closed) : closed(undefined)));
  return server !== undefined;
}
