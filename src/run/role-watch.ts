/** Records changes of roles, and the steps of the manager, in a cluster whose roles move. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FormedCluster } from '../cluster/engine.ts';
import { type Roles, rolesDiffer } from '../model/roles.ts';
import type { Recorder } from './recorder.ts';

export const ROLES_EVERY_MS = 500;
/** On servers that are in use, where the witness already asks each node more than twice a second. */
export const LIGHT_ROLES_EVERY_MS = 2_000;
const STOP_LIMIT_MS = 2_000;

export interface RoleWatchOptions {
  readonly cluster: Pick<FormedCluster, 'roles' | 'manager'>;
  readonly recorder: Pick<Recorder, 'event' | 'follow'>;
  readonly everyMs: number;
}

/** Watches until disposed; does nothing where roles never move. */
export class RoleWatch implements AsyncDisposable {
  readonly #options: RoleWatchOptions;
  readonly #stop = new AbortController();
  /** Ends the pause before the next question. */
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
      // Half a second is long while two nodes may accept writes.
      if (step.step === 'promoted') void this.#look();
    });
    recorder.follow({
      event: ({ type }) => {
        if (type === 'witness-saw') this.#wake.abort();
      },
    });
    this.#watching = cluster.roles ? this.#watch() : Promise.resolve();
  }

  /** Returns after asking every node once. */
  static async start(options: RoleWatchOptions): Promise<RoleWatch> {
    return new RoleWatch(options, await options.cluster.roles?.(new AbortController().signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Looks once more for a node that came back since the last question.
    await Promise.race([this.#look(), sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
    this.#stop.abort();
    await this.#manager?.[Symbol.asyncDispose]();
    // A node that does not answer must not block the end of the run.
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
      // Stopped, or the roles are unknown: not a change of roles.
    }
  }

  #note(roles: Roles | undefined): void {
    if (!roles || !rolesDiffer(this.#known, roles)) return;
    this.#known = roles;
    this.#options.recorder.event({ type: 'roles-seen', roles });
  }
}
