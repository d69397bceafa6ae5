/** What every fault is. One file per fault; its file, its `name` and its word in a scenario are the same. */

import type { z } from 'zod';
import type { FormedCluster } from '../cluster/engine.ts';
import type { Manager } from '../cluster/manager.ts';
import type { Capability, NodeControl } from '../cluster/platform.ts';
import type { Taken } from '../model/loss.ts';
import type { NodeEffect, NodeName, NodeSpec } from '../model/topology.ts';

/** An undo as data, so that a journal on disk can replay it after pgquake itself was killed. */
export interface Undo {
  /** A word of the fault's own: its `undo` knows what to do. */
  readonly action: string;
  readonly node: NodeName;
  /** What the undo must know beside that, such as the value of a setting before; as JSON. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** What acts and undos alike have at hand. */
interface Surroundings {
  /**
   * Unique to the act: tags whatever the fault leaves on a node (sessions, rules), so that its undo finds
   * just that, also from another process. Letters, digits and hyphens, at most 40.
   */
  readonly mark: string;
  /** All nodes of the cluster, struck or not. */
  readonly nodes: readonly NodeControl[];
  /** What nodes are for good; nothing by default. */
  readonly specs?: readonly NodeSpec[];
  readonly signal: AbortSignal;
}

/** What a fault may ask of the cluster that it strikes. */
export type StruckCluster = Pick<
  FormedCluster,
  'placementSources' | 'placementSettings' | 'encrypted' | 'roles' | 'manager'
>;

export interface FaultContext extends Surroundings {
  readonly cluster: StruckCluster;
  /** Writes the undo to the journal and to disk. Call it BEFORE the act that it undoes. */
  defer(undo: Undo): Promise<void>;
  /**
   * Hands over what lives in this process alone, such as a session that holds a lock. It is closed before
   * the undos run, whatever happened; should the process die, it dies with it.
   */
  hold<T extends AsyncDisposable>(resource: T): T;
}

/** Aborted by `signal` when the undo's time limit passes, by nothing else: healing is never skipped. */
export interface UndoContext extends Surroundings {
  /** Who decides roles; absent where nobody does, and in another process than that of the act. */
  readonly manager?: Manager;
}

/** What a fault on traffic met on each target: `{ counts: { worker1: 12 }, of: 'packets' }`. */
export interface Met {
  readonly counts: Readonly<Record<NodeName, number>>;
  /** In the plural. */
  readonly of: string;
}

/** How a fault is proven and undone, for its reader; docs/faults.md shows it. */
export interface FaultDocs {
  /** What its summary leaves out. */
  readonly note?: string;
  readonly proof: string;
  /** As for the proof where it is absent. */
  readonly undo?: string;
  /** Lines of a scenario, from the top. */
  readonly example: readonly string[];
}

/** One of several strikes of a fault. */
export interface Strike {
  readonly targets: readonly NodeName[];
  /** From the strike before being healed until this one; 0 for the first. */
  readonly gapMs: number;
  /** From this strike in effect until its undo is asked for. */
  readonly forMs: number;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds faults of all parameter and evidence types.
export interface Fault<P = any, E = any> {
  readonly name: string;
  readonly summary: string;
  /** Shipped faults have it. */
  readonly docs?: FaultDocs;
  /** Parameters beside `target`, `at` and, without `strikes`, `for`. */
  readonly params: z.ZodType<P>;
  readonly needs: readonly Capability[];
  /** It is for clusters whose roles move; for all of them where it is absent. */
  readonly movingRoles?: true;
  /**
   * Why it cannot be done to a node; looked at before anything is broken. `needs` is about the platform.
   * @returns the reason in words, `undefined` where it can.
   */
  lacking?(node: NodeControl, params: P, cluster: StruckCluster): Promise<string | undefined>;
  /** What becomes of a node that it strikes, for the prediction. None: the node goes on serving. */
  readonly effect?: NodeEffect;
  /**
   * What it takes away from each target, for what the settings of a cluster promise. By default the whole node where it has
   * an effect, killed or frozen; else nothing. Pure.
   */
  takes?(params: P): Taken | undefined;
  /** What a node that it strikes is meanwhile, in a word or two for the picture: `killed`. The fault's name by default. */
  readonly state?: string;
  /**
   * For a fault that has an end of its own: its strikes, one after the other. Each becomes an act of the
   * plan, with a proof and an undo of its own, and begins only when the one before is healed. Such a fault
   * takes no `for`. Pure.
   */
  strikes?(targets: readonly NodeName[], params: P): Strike[];
  /**
   * Nodes that its parameters name beside the targets, with where in the parameters: they must exist, or be a word for
   * those that have a role, where `orSide` allows that. Pure.
   */
  names?(
    params: P,
  ): readonly { readonly path: readonly PropertyKey[]; readonly node: NodeName; readonly orSide?: true }[];
  /**
   * Strikes all targets at once; returns when all are struck. What it did is undone by the caller, also
   * when it throws half-way.
   * @returns what `prove` needs to know of the act.
   */
  inject(targets: readonly NodeControl[], params: P, context: FaultContext): Promise<E>;
  /**
   * Looks whether the targets are struck. Apart from `inject`, so that the stamp "in effect" does not
   * wait for the proof.
   * @returns the proof in words.
   * @throws EnvironmentError when the fault did not take effect.
   */
  prove(targets: readonly NodeControl[], params: P, evidence: E): Promise<string>;
  /**
   * For a fault that harms nothing unless traffic meets it: what had met it, looked at just before it is undone. What
   * pgquake sent for its own proof does not count. Nothing met means that nothing was tested.
   */
  met?(targets: readonly NodeControl[], params: P, evidence: E): Promise<Met>;
  /**
   * Takes one act back on one node and verifies it, perhaps in another process than the one that did it.
   * Harmless on a healthy node, and twice. That the node runs and accepts SQL afterwards is looked at by
   * the caller.
   * @returns what shows it, in words that follow on the node's name.
   * @throws EnvironmentError when it could not be taken back.
   */
  undo(undo: Undo, node: NodeControl, context: UndoContext): Promise<string>;
}

export function defineFault<P, E = void>(fault: Fault<P, E>): Fault<P, E> {
  return fault;
}

/** What a fault takes away from each target; `undefined` where that is nothing that settings promise about. Pure. */
export function takenBy({ takes, effect }: Fault, params: unknown): Taken | undefined {
  if (takes) return takes(params);
  return effect && { what: 'node', how: effect === 'down' ? 'killed' : 'frozen' };
}
