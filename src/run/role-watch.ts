/**
 * Who does what, in a cluster whose roles move: asked again and again, and at once when the witness sees a change; recorded
 * when it changes. And its manager at work.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FormedCluster } from '../cluster/engine.ts';
import { type Roles, rolesDiffer } from '../model/roles.ts';
import type { Recorder } from './recorder.ts';

export const ROLES_EVERY_MS = 500;
/** Beside servers that others need: the witness asks each of them more than twice a second. */
export const LIGHT_ROLES_EVERY_MS = 2_000;
const STOP_LIMIT_MS = 2_000;

export interface RoleWatchOptions {
  readonly cluster: Pick<FormedCluster, 'roles' | 'manager'>;
  readonly recorder: Pick<Recorder, 'event' | 'follow'>;
  /** Between two looks. */
  readonly everyMs: number;
}

/** Watches until it is disposed of; does nothing where roles never move. */
export class RoleWatch implements AsyncDisposable {
  readonly #options: RoleWatchOptions;
  readonly #stop = new AbortController();
  /** Ends the pause before the next look. */
  #wake = new AbortController();
  readonly #manager: AsyncDisposable | undefined;
  readonly #watching: Promise<void>;
  #known: Roles | undefined;

  private constructor(options: RoleWatchOptions, known: Roles | undefined) {
    this.#options = options;
    const { cluster, recorder } = options;
    this.#note(known);
    this.#manager = cluster.manager?.watch((step) => {
      recorder.event({ type: 'failover', ...step });
      // Once a second node takes writes, half a second is long.
      if (step.step === 'promoted') void this.#look();
    });
    recorder.follow({
      event: ({ type }) => {
        if (type === 'witness-saw') this.#wake.abort();
      },
    });
    this.#watching = cluster.roles ? this.#watch() : Promise.resolve();
  }

  /** Returns when every node was asked once. */
  static async start(options: RoleWatchOptions): Promise<RoleWatch> {
    return new RoleWatch(options, await options.cluster.roles?.(new AbortController().signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A node that came back between two looks is seen as well.
    await Promise.race([this.#look(), sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
    this.#stop.abort();
    await this.#manager?.[Symbol.asyncDispose]();
    // A node that does not answer keeps no run from its end.
    await Promise.race([this.#watching, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
  }

  async #watch(): Promise<void> {
    const { everyMs } = this.#options;
    while (!this.#stop.signal.aborted) {
      const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
      this.#wake = new AbortController();
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#stop;
    try {
      const roles = await this.#options.cluster.roles?.(signal);
      if (!signal.aborted) this.#note(roles);
    } catch {
      // Ended, or nobody can tell: that is no change of a role.
    }
  }

  #note(roles: Roles | undefined): void {
    if (!roles || !rolesDiffer(this.#known, roles)) return;
    this.#known = roles;
    this.#options.recorder.event({ type: 'roles-seen', roles });
  }
}
