/** Carries out the schedule of faults. Whatever happens, it undoes every act that it began. */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { everyNode, type NodeControl, type Nodes } from '../cluster/platform.ts';
import { type Fault, type StruckCluster, takenBy } from '../faults/fault.ts';
import type { Clock } from '../model/clock.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { type Lost, lostBy } from '../model/loss.ts';
import type { PlannedAct } from '../model/plan.ts';
import type { Roles } from '../model/roles.ts';
import { withSpareDescriptors } from '../model/spare-descriptors.ts';
import type { LostNodes, NodeEffect, NodeName, NodeSpec } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import { pickAtStrike } from '../plan/target.ts';
import { undoAll } from './healing.ts';
import type { Recorder } from './recorder.ts';
import { JournalError, type UndoJournal } from './undo-journal.ts';

/** For closing the resources that an act holds in this process. */
const RELEASE_LIMIT_MS = 10_000;
/** For counting what a fault has affected; healing waits for it. */
const LOOK_LIMIT_MS = 5_000;

export interface InjectorOptions {
  readonly nodes: Nodes;
  readonly specs?: readonly NodeSpec[];
  readonly cluster: StruckCluster;
  readonly faults: ReadonlyMap<string, Fault>;
  readonly journal: UndoJournal;
  /** For a cluster whose roles move: the current roles, what a loss then means, and how a node comes back. */
  readonly moving?: MovingRoles | undefined;
  /** Prefix of every act's mark; must be unique to this run. */
  readonly mark: string;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface MovingRoles {
  roles(): Promise<Roles>;
  /**
   * Called before an act strikes, with everything that will be lost at once, and the current roles.
   * @param lost the nodes, if the act takes any, and everything that each node will have lost.
   */
  expect(act: number, lost: { readonly nodes?: LostNodes; readonly things: readonly Lost[] }, roles: Roles): void;
  comeBack(node: NodeControl, undo: () => Promise<string>): Promise<string>;
}

export class Injector {
  readonly #options: InjectorOptions;
  /** The nodes picked by role for the first strike of a fault. */
  readonly #pools = new Map<number, readonly NodeName[]>();
  /** The acts under way, with the nodes that they strike. */
  readonly #struck = new Map<
    number,
    { readonly targets: readonly NodeName[]; readonly effect: NodeEffect | undefined; readonly lost: readonly Lost[] }
  >();
  #acts: readonly PlannedAct[] = [];
  /** Aborted when the journal cannot record an undo: then no act may follow. */
  readonly #unpromised = new AbortController();

  constructor(options: InjectorOptions) {
    this.#options = { ...options, signal: AbortSignal.any([options.signal, this.#unpromised.signal]) };
  }

  /**
   * Runs all acts in parallel, each at its time from now or after the act that it follows. Returns when every act is
   * healed, or has failed to heal (event `heal-failed`).
   * @throws after healing: the signal's reason when aborted, `JournalError` when an undo could not be recorded.
   */
  async run(acts: readonly PlannedAct[]): Promise<void> {
    this.#acts = acts;
    const performed = new Map<number, Promise<boolean>>();
    const perform = (act: PlannedAct): Promise<boolean> => {
      const begun =
        performed.get(act.index) ?? this.#perform(act, acts.filter((other) => comesBefore(other, act)).map(perform));
      performed.set(act.index, begun);
      return begun;
    };
    await Promise.all(acts.map(perform));
    this.#options.signal.throwIfAborted();
  }

  /**
   * @param before the acts that this one follows.
   * @returns whether nothing is left to heal. An act does not begin if one that it follows is not healed.
   */
  async #perform(planned: PlannedAct, before: readonly Promise<boolean>[]): Promise<boolean> {
    const { recorder, signal, clock } = this.#options;
    const startedAt = clock.nowMs();
    let act = planned;
    if ((await Promise.all(before)).includes(false)) return false;
    try {
      await pause(act.after?.gapMs ?? Math.max(0, act.atMs - (clock.nowMs() - startedAt)), signal);
    } catch {
      return true; // aborted before it began: nothing to heal
    }
    const held: AsyncDisposable[] = [];
    try {
      act = await this.#resolve(planned);
      const { effectAtMs, evidence } = await this.#strike(act, held);
      await pause(effectAtMs + act.forMs - clock.nowMs(), signal);
      await this.#lookAtEnd(act, evidence);
    } catch (error) {
      if (!signal.aborted) recorder.event({ type: 'fault-failed', act: act.index, error: errorText(error) });
      if (error instanceof JournalError) this.#unpromised.abort(error);
    }
    try {
      return await this.#heal(act, held);
    } finally {
      this.#struck.delete(act.index);
    }
  }

  /** Picks the nodes that have the act's role now, and tells `expect` what their loss means. */
  async #resolve(act: PlannedAct): Promise<PlannedAct> {
    const { moving, faults, nodes } = this.#options;
    const fault = faults.get(act.fault);
    const effect = fault?.effect;
    if (!moving) return act;
    const roles = await moving.roles();
    const first = act.after ? this.#firstOf(act) : act.index;
    let { targets } = act;
    if (act.atStrike) {
      const busy = new Set([...this.#struck.values()].flatMap((other) => other.targets));
      const free = Object.fromEntries(Object.entries(roles).filter(([name]) => !busy.has(name)));
      const picked = pickAtStrike(act.atStrike, free, this.#pools.get(first));
      this.#pools.set(first, picked.pool);
      targets = picked.targets;
    }
    const taken = fault && takenBy(fault, act.params);
    const sides = { nodes: everyNode(nodes).map(({ name }) => ({ name, part: this.#partOf(name) })), roles };
    const ofAct = taken ? targets.map((node) => lostBy(taken, node, sides)) : [];
    this.#struck.set(act.index, { targets, effect, lost: ofAct });
    const struck = [...this.#struck.values()];
    const lost = (which: NodeEffect) => struck.flatMap((one) => (one.effect === which ? one.targets : [])).sort();
    if (effect || ofAct.length > 0) {
      const together = effect ? { nodes: { down: lost('down'), frozen: lost('frozen') } } : {};
      moving.expect(act.index, { ...together, things: struck.flatMap((one) => one.lost) }, roles);
    }
    return { ...act, targets };
  }

  #partOf(name: NodeName): NodeSpec['part'] | undefined {
    return this.#options.specs?.find((spec) => spec.name === name)?.part;
  }

  #firstOf({ index, after }: PlannedAct): number {
    const before = after && this.#acts.find((act) => act.index === after.act);
    return before ? this.#firstOf(before) : index;
  }

  /** @returns when the fault was in effect, and the evidence for its proof. */
  async #strike(act: PlannedAct, held: AsyncDisposable[]): Promise<{ effectAtMs: number; evidence: unknown }> {
    const { recorder, clock, faults } = this.#options;
    const fault = faults.get(act.fault);
    if (!fault) throw new Error(`no fault "${act.fault}" in the catalogue`);
    const targets = act.targets.map((name) => this.#node(name));
    const effect = fault.effect === undefined ? {} : { effect: fault.effect };
    const state = fault.state === undefined ? {} : { state: fault.state };
    const picked = act.picked === undefined ? {} : { picked: act.picked };
    recorder.event({
      type: 'fault-asked',
      act: act.index,
      fault: act.fault,
      targets: act.targets,
      ...picked,
      ...effect,
      ...state,
    });
    const evidence = await this.#inject(fault, targets, act, held);
    const effectAtMs = clock.nowMs();
    const proof = await fault.prove(targets, act.params, evidence);
    recorder.event({ type: 'fault-in-effect', act: act.index, proof }, effectAtMs);
    return { effectAtMs, evidence };
  }

  /** @returns the evidence for the fault's `prove`. */
  #inject(
    fault: Fault,
    targets: readonly NodeControl[],
    { index, params }: PlannedAct,
    held: AsyncDisposable[],
  ): Promise<unknown> {
    const { journal, nodes, specs = [], cluster, signal } = this.#options;
    const mark = `${this.#options.mark}-${index}`;
    return fault.inject(targets, params, {
      defer: async (undo) => journal.promise({ act: index, fault: fault.name, mark, undo }),
      hold: (resource) => {
        held.push(resource);
        return resource;
      },
      mark,
      nodes: everyNode(nodes),
      specs,
      cluster,
      signal,
    });
  }

  /** Counts what the fault has affected. Never throws, so the act is always healed. */
  async #lookAtEnd(act: PlannedAct, evidence: unknown): Promise<void> {
    const { recorder, faults } = this.#options;
    const fault = faults.get(act.fault);
    if (!fault?.met) return;
    try {
      const looking = fault.met(
        act.targets.map((name) => this.#node(name)),
        act.params,
        evidence,
      );
      const late = new EnvironmentError('no answer in time', { code: 'look-at-end' });
      const met = await Promise.race([looking, sleep(LOOK_LIMIT_MS, undefined, { ref: false })]);
      if (!met) throw late;
      recorder.event({ type: 'fault-met', act: act.index, ...met });
    } catch (error) {
      recorder.event({ type: 'fault-met-failed', act: act.index, error: errorText(error) });
    }
  }

  /** @returns whether the act is healed. */
  async #heal(act: PlannedAct, held: readonly AsyncDisposable[]): Promise<boolean> {
    const { recorder, journal, nodes, faults, moving, cluster } = this.#options;
    const pending = journal.pending(act.index);
    if (pending.length === 0 && held.length === 0) return true;
    recorder.event({ type: 'heal-asked', act: act.index });
    await release(held);
    const options = {
      nodes: everyNode(nodes),
      faults,
      manager: cluster.manager,
      kept: (id: number) => journal.kept(id),
      ...(moving ? { comeBack: (node: NodeControl, undo: () => Promise<string>) => moving.comeBack(node, undo) } : {}),
    };
    const { proofs, failures } = await withSpareDescriptors(() => undoAll(pending, options));
    if (failures.length > 0) recorder.event({ type: 'heal-failed', act: act.index, error: failures.join('; ') });
    else recorder.event({ type: 'healed', act: act.index, proof: proofs.join('; ') });
    return failures.length === 0;
  }

  #node(name: string): NodeControl {
    const node = everyNode(this.#options.nodes).find((candidate) => candidate.name === name);
    if (!node) throw new EnvironmentError(`the cluster has no node ${name}`, { code: 'no-such-node' });
    return node;
  }
}

/** Whether an act waits for another: the last strike of its fault, or an earlier act on one of its nodes. */
function comesBefore(other: PlannedAct, act: PlannedAct): boolean {
  if (act.after) return act.after.act === other.index;
  if (other.atMs + other.forMs >= act.atMs) return false;
  // An act by role may strike any node.
  return Boolean(act.atStrike ?? other.atStrike) || other.targets.some((node) => act.targets.includes(node));
}

/** A mark that no other run has. */
export function newMark(): string {
  return `pgquake-${randomBytes(4).toString('hex')}`;
}

/** Closes everything in parallel. The undo finds by its mark what does not close in time. */
export async function release(held: readonly AsyncDisposable[]): Promise<void> {
  const closing = Promise.allSettled(held.map((resource) => resource[Symbol.asyncDispose]()));
  await Promise.race([closing, sleep(RELEASE_LIMIT_MS, undefined, { ref: false })]);
}
