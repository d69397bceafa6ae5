/** The port to who decides which node takes writes, in a cluster whose roles move. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeName } from '../model/topology.ts';

/** What a manager has just done about a primary that it lost, or was told to replace. */
export interface FailoverStep {
  /**
   * - `noticed`: the primary is silent, or its lease has ended. `elected`: which standby takes its place. `promoted`: that
   *   one takes writes. `gave-up`: none can.
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
  /** `none`: a person would decide, and none does. `by-hand`: pgquake acts as an operator's runbook would. */
  readonly name: string;
  /** Whether it replaces a primary by itself. */
  readonly failsOver: boolean;
  /** Why it changes no roles when it is asked to, in words. Absent where it does. */
  readonly refuses?: string;
  /**
   * Watches the primary from now on, and replaces it where it fails over by itself.
   * @param onStep hears each step when it is done.
   * @returns what ends that, once nothing is under way any more.
   */
  watch(onStep: (step: FailoverStep) => void): AsyncDisposable;
  /**
   * Makes a standby a primary at once, whatever the one before does. Nothing is fenced.
   * @throws EnvironmentError where it is none, or does not become one.
   */
  promote(node: NodeName): Promise<void>;
  /**
   * Hands over in order: the primary stops, a standby that has all of its log is promoted, the primary comes back as a standby.
   * @param to the standby that has received most by default.
   * @returns the new primary.
   * @throws EnvironmentError where there is no primary, or no standby that has it all.
   */
  switchover?(to?: NodeName): Promise<NodeName>;
  /**
   * Stops replacing primaries, or goes on with it; returns when every member that answers knows. Harmless twice. Absent
   * where it cannot be paused.
   * @throws EnvironmentError where it refuses, or a member does not know it in time.
   */
  pause?(on: boolean): Promise<void>;
  /** The members that say that they are paused. */
  paused?(): Promise<readonly NodeName[]>;
}

/**
 * Looks again and again, each time so long after the look before, until it is disposed of.
 * @param look must not throw; what it does after the signal has nobody to hear of it.
 * @returns what ends that, once nothing is under way any more.
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
