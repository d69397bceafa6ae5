/** The contract of every fault. One file per fault, with the fault's `name`, which is also its word in a scenario. */

import type { z } from 'zod';
import type { FormedCluster } from '../cluster/engine.ts';
import type { Manager } from '../cluster/manager.ts';
import type { Capability, NodeControl } from '../cluster/platform.ts';
import type { Taken } from '../model/loss.ts';
import type { NodeEffect, NodeName, NodeSpec } from '../model/topology.ts';

/** An undo as data, so that a journal on disk can replay it after pgquake itself was killed. */
export interface Undo {
  /** Chosen by the fault and understood by its `undo`. */
  readonly action: string;
  readonly node: NodeName;
  /** What else the undo needs, such as the former value of a setting; JSON. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Passed to acts and undos alike. */
interface Surroundings {
  /**
   * Unique to the act. Tags all that the fault leaves on a node (sessions, rules), so that its undo finds exactly that,
   * even from another process. Letters, digits and hyphens, at most 40 characters.
   */
  readonly mark: string;
  /** All nodes of the cluster, struck or not. */
  readonly nodes: readonly NodeControl[];
  /** Properties of the nodes that never change; none by default. */
  readonly specs?: readonly NodeSpec[];
  readonly signal: AbortSignal;
}

/** The parts of a cluster that a fault may use. */
export type StruckCluster = Pick<
  FormedCluster,
  'placementSources' | 'placementSettings' | 'encrypted' | 'roles' | 'manager'
>;

export interface FaultContext extends Surroundings {
  readonly cluster: StruckCluster;
  /** Syncs the undo to the journal on disk. Call it before the act. */
  defer(undo: Undo): Promise<void>;
  /**
   * Hands over a resource of this process, such as a session that holds a lock. The caller always closes it before the
   * undos run.
   */
  hold<T extends AsyncDisposable>(resource: T): T;
}

/** `signal` aborts only when the undo's time limit passes: healing is never skipped. */
export interface UndoContext extends Surroundings {
  /** Decides roles; absent if the cluster has no manager or the act was another process's. */
  readonly manager?: Manager;
}

/** What a fault on traffic met on each target: `{ counts: { worker1: 12 }, of: 'packets' }`. */
export interface Met {
  readonly counts: Readonly<Record<NodeName, number>>;
  /** A plural noun. */
  readonly of: string;
}

/** Shown in docs/faults.md. */
export interface FaultDocs {
  /** What the summary leaves out. */
  readonly note?: string;
  readonly proof: string;
  /** By default `proof` covers the undo too. */
  readonly undo?: string;
  /** Lines of a scenario, from its top level. */
  readonly example: readonly string[];
}

/** One of several strikes of a fault. */
export interface Strike {
  readonly targets: readonly NodeName[];
  /** From the healing of the previous strike to this one; 0 for the first. */
  readonly gapMs: number;
  /** From the moment in effect to the request for the undo. */
  readonly forMs: number;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds faults of all parameter and evidence types.
export interface Fault<P = any, E = any> {
  readonly name: string;
  readonly summary: string;
  /** Every shipped fault has them. */
  readonly docs?: FaultDocs;
  /** Parameters other than `target`, `at` and, without `strikes`, `for`. */
  readonly params: z.ZodType<P>;
  readonly needs: readonly Capability[];
  /** Only for clusters whose roles move. */
  readonly movingRoles?: true;
  /**
   * Why a node cannot be struck; asked before the first fault. (`needs` is about the platform.)
   * @returns the reason in words, or `undefined` if the node can be struck.
   */
  lacking?(node: NodeControl, params: P, cluster: StruckCluster): Promise<string | undefined>;
  /** What happens to a struck node, for the prediction; by default it keeps serving. */
  readonly effect?: NodeEffect;
  /**
   * What each target loses, for predictions from a cluster's settings. By default the whole node if there is an `effect`,
   * else nothing. Pure.
   */
  takes?(params: P): Taken | undefined;
  /** A word or two for a struck node in the chart, such as `killed`; by default the fault's name. */
  readonly state?: string;
  /**
   * For a fault that ends by itself: its strikes in order. Each becomes an act of the plan, with its own proof and undo,
   * and starts when the previous one is healed. Such a fault takes no `for`. Pure.
   */
  strikes?(targets: readonly NodeName[], params: P): Strike[];
  /**
   * Nodes that the parameters name besides the targets, with their path in the parameters. Each must exist; with `orSide`
   * it may be a word such as `primary`. Pure.
   */
  names?(
    params: P,
  ): readonly { readonly path: readonly PropertyKey[]; readonly node: NodeName; readonly orSide?: true }[];
  /**
   * Strikes all targets at once; returns when all are struck. The caller runs the deferred undos, even if this throws.
   * @returns what `prove` needs to know about the act.
   */
  inject(targets: readonly NodeControl[], params: P, context: FaultContext): Promise<E>;
  /**
   * Checks that the targets are struck. Separate from `inject`, so that the stamp "in effect" does not wait for it.
   * @returns the proof in words.
   * @throws EnvironmentError when the fault did not take effect.
   */
  prove(targets: readonly NodeControl[], params: P, evidence: E): Promise<string>;
  /**
   * For a fault that harms only the traffic that meets it: what it met, read just before the undo and without the traffic
   * of the proof. Zero means that nothing was tested.
   */
  met?(targets: readonly NodeControl[], params: P, evidence: E): Promise<Met>;
  /**
   * Undoes one act on one node and verifies that, perhaps in another process than the act's. Harmless on a healthy node
   * and when repeated. The caller checks that the node then runs and accepts SQL.
   * @returns the evidence, in words that follow the node's name.
   * @throws EnvironmentError when the undo failed.
   */
  undo(undo: Undo, node: NodeControl, context: UndoContext): Promise<string>;
}

export function defineFault<P, E = void>(fault: Fault<P, E>): Fault<P, E> {
  return fault;
}

/** What each target loses; `undefined` if the cluster's settings promise nothing about that. Pure. */
export function takenBy({ takes, effect }: Fault, params: unknown): Taken | undefined {
  if (takes) return takes(params);
  return effect && { what: 'node', how: effect === 'down' ? 'killed' : 'frozen' };
}
