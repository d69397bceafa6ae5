/**
 * Ports for servers that keep theirs while they are down. The operating system must not give such a
 * port to somebody's outgoing connection meanwhile, so they are chosen outside of the range from which
 * it takes those.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { EnvironmentError } from '../../model/errors.ts';

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Below this, well-known services are common. */
const LOWEST_PORT = 10_240;
const HIGHEST_PORT = 65_535;
/** What IANA recommends, and what macOS and Windows use. */
const DEFAULT_EPHEMERAL: PortRange = { from: 49_152, to: HIGHEST_PORT };
const ATTEMPTS = 200;

/** The ports that may be chosen: all from 10240 to 65535 but for the ephemeral ones; all, if those leave none. */
export function candidatePorts(ephemeral: PortRange): number[] {
  const all = Array.from({ length: HIGHEST_PORT - LOWEST_PORT + 1 }, (_, i) => LOWEST_PORT + i);
  const outside = all.filter((port) => port < ephemeral.from || port > ephemeral.to);
  return outside.length > 0 ? outside : all;
}

/** The range for outgoing connections in the words of Linux: two numbers, `32768 60999`. */
export function parseEphemeralRange(text: string): PortRange | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s*$/.exec(text);
  return match ? { from: Number(match[1]), to: Number(match[2]) } : undefined;
}

/** Hands out free ports of the loopback interface, each once. */
export class PortChooser {
  readonly #candidates: readonly number[];
  readonly #given = new Set<number>();
  readonly #random: () => number;

  private constructor(candidates: readonly number[], random: () => number) {
    this.#candidates = candidates;
    this.#random = random;
  }

  static async open(random: () => number = Math.random): Promise<PortChooser> {
    const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
    return new PortChooser(candidatePorts(parseEphemeralRange(text) ?? DEFAULT_EPHEMERAL), random);
  }

  /**
   * A port that was free a moment ago. Somebody else may still take it first: whoever binds it must be
   * ready to ask again.
   * @throws EnvironmentError when 200 random ones were all taken.
   */
  async next(): Promise<number> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const port = this.#candidates[Math.floor(this.#random() * this.#candidates.length)] as number;
      if (this.#given.has(port)) continue;
      this.#given.add(port);
      if (await canBind(port)) return port;
    }
    throw new EnvironmentError(`no free port on 127.0.0.1: ${ATTEMPTS} random ones are taken`, {
      code: 'no-free-port',
      hint: 'end programs that hold many ports, or allow this one to listen on 127.0.0.1',
    });
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
