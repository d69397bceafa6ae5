/** A server behind a relay, for runs that break the network: clients and nodes reach it only through the relay. */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { NodeAttachments, NodeNetwork } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import type { NodeName } from '../../model/topology.ts';
import type { PortChooser } from './ports.ts';
import type { Relay } from './relay/relay.ts';
import { LocalServer, type ServerOptions } from './server.ts';

/** The mark of the rules that detach a node, and the only network. */
const DETACHED = 'detached';
const ATTACHMENT = { network: 'loopback' };

export class RelayedServer extends LocalServer {
  readonly #relay: Relay;

  constructor(options: ServerOptions, relay: Relay) {
    super(options);
    this.#relay = relay;
  }

  override address(): Address {
    return { ...super.address(), port: this.#relay.portOf(this.name) };
  }

  override peerAddress(from: NodeName): Address {
    return from === this.name ? super.address() : { ...super.address(), port: this.#relay.portOf(this.name, from) };
  }

  override async launchOnFreePort(ports: Pick<PortChooser, 'next'>, abort: AbortSignal): Promise<void> {
    await super.launchOnFreePort(ports, abort);
    await this.#relay.open(this.name, this.identity.port);
  }

  override stop(): Promise<void> {
    return this.#ending(() => super.stop());
  }

  override kill(): Promise<void> {
    return this.#ending(() => super.kill());
  }

  override async start(): Promise<void> {
    await super.start();
    await this.#relay.serve(this.name, true);
  }

  /** Refuses new connections first: a client that the relay accepted would take a stopped node for a broken one. */
  async #ending(end: () => Promise<void>): Promise<void> {
    try {
      await this.#relay.serve(this.name, false);
    } finally {
      await end();
    }
  }

  readonly attachments: NodeAttachments = {
    list: async () => ((await this.#relay.ask('rulesOf', DETACHED, this.name)).length > 0 ? [] : [ATTACHMENT]),
    detach: async () => {
      const everybody = (['in', 'out'] as const).map((direction) => ({ direction, verdict: 'drop' as const }));
      await this.#relay.ask('addRules', DETACHED, this.name, everybody);
    },
    attach: async () => {
      await this.#relay.ask('removeRules', DETACHED, this.name);
    },
  };

  readonly network: NodeNetwork = {
    addRules: async (mark, rules) => {
      const named = rules.map(({ peer, ...rule }) => (peer ? { ...rule, peer: this.#relay.nodeAt(peer) } : rule));
      await this.#relay.ask('addRules', mark, this.name, named);
    },
    // A refused connection meets a closed port.
    countsRefusals: false,
    rulesOf: (mark) => this.#relay.ask('rulesOf', mark, this.name),
    removeRules: (mark) => this.#relay.ask('removeRules', mark, this.name),
    shape: (mark, shaping) => this.#relay.ask('shape', mark, this.name, shaping),
    shapingOf: (mark) => this.#relay.ask('shapingOf', mark, this.name),
    packetsShaped: (mark) => this.#relay.ask('packetsShaped', mark, this.name),
    unshape: (mark) => this.#relay.ask('unshape', mark, this.name),
    connectTo: attempt,
  };
}

/** @returns why no connection could be opened; `undefined` if one could. */
async function attempt({ host, port }: Address, limitMs: number): Promise<string | undefined> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(limitMs) });
    return undefined;
  } catch (error) {
    if ((error as Error).name === 'AbortError') return `no answer within ${limitMs} ms`;
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ECONNREFUSED' ? 'refused' : message;
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
