/** The port for managers, which decide which node accepts writes in a cluster whose roles move. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeName } from '../model/topology.ts';

/** A step of a manager that replaces a primary, after losing it or on request. */
export interface FailoverStep {
  /**
   * `noticed`: the primary is silent, or its lease has ended. `elected`: a standby is chosen to replace it. `promoted`:
   * that standby accepts writes. `gave-up`: no standby can.
   */
  readonly step: 'noticed' | 'elected' | 'promoted' | 'gave-up';
  /** The primary that is replaced. */
  readonly from: NodeName;
  /** Its successor, once it is elected. */
  readonly to?: NodeName;
  /** Why, in words. */
  readonly detail: string;
}

export interface Manager {
  /** `none`: an operator would have to decide. `by-hand`: pgquake follows an operator's runbook. */
  readonly name: string;
  /** Whether it replaces a primary by itself. */
  readonly failsOver: boolean;
  /** Why it does not change roles on request, in words. Absent where it does. */
  readonly refuses?: string;
  /**
   * Watches the primary from now on, and replaces it if it fails over by itself.
   * @param onStep called after each step.
   * @returns a handle that stops watching, after any failover under way.
   */
  watch(onStep: (step: FailoverStep) => void): AsyncDisposable;
  /**
   * Promotes a standby at once, without fencing the current primary.
   * @throws EnvironmentError where the node is not a standby, or does not become primary.
   */
  promote(node: NodeName): Promise<void>;
  /**
   * Hands over in order: stops the primary, promotes a standby that has all of its WAL, and brings the old primary back
   * as a standby.
   * @param to by default the standby that has received most.
   * @returns the new primary.
   * @throws EnvironmentError where there is no primary, or no standby that has all of its WAL.
   */
  switchover?(to?: NodeName): Promise<NodeName>;
  /**
   * Pauses or resumes failover; returns when every member that answers knows. Harmless twice. Absent where the manager
   * cannot pause.
   * @throws EnvironmentError where it refuses, or a member does not know in time.
   */
  pause?(on: boolean): Promise<void>;
  /** The members that report that they are paused. */
  paused?(): Promise<readonly NodeName[]>;
}

/**
 * Calls `look` repeatedly, with a pause of `everyMs()` between calls, until disposed.
 * @param look must not throw.
 * @returns a handle that stops, after a look under way.
 */
export function watchEvery(everyMs: () => number, look: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController();
  const { signal } = stop;
  const watch = async () => {
    for (;;) {
      await sleep(everyMs(), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await look(signal);
    }
  };
  const watching = watch();
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
}
