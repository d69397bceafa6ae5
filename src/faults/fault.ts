/** What every fault is. One file per fault; its file, its `name` and its word in a scenario are the same. */

import type { z } from 'zod';
import type { Capability, NodeControl } from '../cluster/platform.ts';
import type { NodeEffect, NodeName } from '../model/topology.ts';

/** An undo as data, so that a journal on disk can replay it after pgquake itself was killed. */
export interface Undo {
  readonly action: 'start' | 'resume';
  readonly node: NodeName;
}

export interface FaultContext {
  /** Writes the undo to the journal and to disk. Call it BEFORE the act that it undoes. */
  defer(undo: Undo): Promise<void>;
  readonly signal: AbortSignal;
}

/** One of several strikes of a fault. */
export interface Strike {
  readonly targets: readonly NodeName[];
  /** From the strike before being healed until this one; 0 for the first. */
  readonly gapMs: number;
  /** From this strike in effect until its undo is asked for. */
  readonly forMs: number;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds faults of all parameter types.
export interface Fault<P = any> {
  readonly name: string;
  readonly summary: string;
  /** Parameters beside `target`, `at` and, without `strikes`, `for`. */
  readonly params: z.ZodType<P>;
  readonly needs: readonly Capability[];
  /** What becomes of a node that it strikes, for the prediction. None: the node goes on serving. */
  readonly effect?: NodeEffect;
  /**
   * For a fault that has an end of its own: its strikes, one after the other. Each becomes an act of the
   * plan, with a proof and an undo of its own, and begins only when the one before is healed. Such a fault
   * takes no `for`. Pure.
   */
  strikes?(targets: readonly NodeName[], params: P): Strike[];
  /**
   * Strikes all targets at once; returns when all are struck. What it did is undone by the caller, also
   * when it throws half-way.
   */
  inject(targets: readonly NodeControl[], params: P, context: FaultContext): Promise<void>;
  /**
   * Looks whether the targets are struck. Apart from `inject`, so that the stamp "in effect" does not
   * wait for the proof.
   * @returns the proof in words.
   * @throws EnvironmentError when the fault did not take effect.
   */
  prove(targets: readonly NodeControl[], params: P): Promise<string>;
}

export function defineFault<P>(fault: Fault<P>): Fault<P> {
  return fault;
}
