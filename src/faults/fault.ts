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

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds faults of all parameter types.
export interface Fault<P = any> {
  readonly name: string;
  readonly summary: string;
  /** Parameters beside `target`, `at` and `for`. */
  readonly params: z.ZodType<P>;
  readonly needs: readonly Capability[];
  /** What becomes of a node that it strikes, for the prediction. None: the node goes on serving. */
  readonly effect?: NodeEffect;
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
