/** What every fault is. One file per fault; its file, its `name` and its word in a scenario are the same. */

import type { z } from 'zod';
import type { Capability, NodeControl } from '../cluster/platform.ts';
import type { NodeName } from '../model/topology.ts';

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
  /** Whether a node that it strikes counts as down for the prediction. */
  readonly takesDown: boolean;
  /**
   * Strikes all targets, and returns only when it has proved that they are struck.
   * @returns the proof in words.
   * @throws EnvironmentError when the fault did not take effect; what was done is undone by the caller.
   */
  inject(targets: readonly NodeControl[], params: P, context: FaultContext): Promise<string>;
}

export function defineFault<P>(fault: Fault<P>): Fault<P> {
  return fault;
}
