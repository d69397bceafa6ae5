/**
 * Carries out the schedule of faults: asks, proves, waits, heals, verifies. Whatever happens, every act
 * that was begun is undone before it returns.
 */

import { untilAcceptsSql } from '../cluster/health.ts';
import type { NodeControl, Nodes } from '../cluster/platform.ts';
import type { Fault, Undo } from '../faults/fault.ts';
import type { Clock } from '../model/clock.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import type { PlannedAct } from '../model/plan.ts';
import type { Recorder } from './recorder.ts';
import type { UndoJournal } from './undo-journal.ts';
import { pause } from './wait.ts';

/** For one node to run and accept SQL again. Crash recovery of a busy server takes seconds. */
const HEAL_LIMIT_MS = 60_000;

export interface InjectorOptions {
  readonly nodes: Nodes;
  readonly faults: ReadonlyMap<string, Fault>;
  readonly journal: UndoJournal;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export class Injector {
  readonly #options: InjectorOptions;

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  /**
   * Runs all acts, side by side, each at its time from now or after the act that it follows. Returns when
   * every act is healed, or could not be (the event `heal-failed` says so).
   * @throws the signal's reason when aborted, after healing.
   */
  async run(acts: readonly PlannedAct[]): Promise<void> {
    const performed = new Map<number, Promise<boolean>>();
    for (const act of acts) performed.set(act.index, this.#perform(act, performed.get(act.after?.act ?? -1)));
    await Promise.all(performed.values());
    this.#options.signal.throwIfAborted();
  }

  /**
   * @param before the act that this one follows.
   * @returns whether nothing of it is left to heal; an act that follows one that is not healed is not begun.
   */
  async #perform(act: PlannedAct, before: Promise<boolean> | undefined): Promise<boolean> {
    const { recorder, signal, clock } = this.#options;
    if (before && !(await before)) return false;
    try {
      await pause(act.after?.gapMs ?? act.atMs, signal);
    } catch {
      return true; // aborted before it began: nothing to heal
    }
    try {
      const effectAt = await this.#strike(act);
      await pause(effectAt + act.forMs - clock.nowMs(), signal);
    } catch (error) {
      if (!signal.aborted) recorder.event({ type: 'fault-failed', act: act.index, error: errorText(error) });
    }
    return this.#heal(act);
  }

  /** @returns when the fault was in effect. */
  async #strike(act: PlannedAct): Promise<number> {
    const { recorder, journal, clock, signal, faults } = this.#options;
    const fault = faults.get(act.fault);
    if (!fault) throw new Error(`no fault "${act.fault}" in the catalogue`);
    const targets = act.targets.map((name) => this.#node(name));
    const effect = fault.effect === undefined ? {} : { effect: fault.effect };
    recorder.event({ type: 'fault-asked', act: act.index, fault: act.fault, targets: act.targets, ...effect });
    await fault.inject(targets, act.params, {
      defer: async (undo) => journal.promise(act.index, undo),
      signal,
    });
    const effectAt = clock.nowMs();
    const proof = await fault.prove(targets, act.params);
    recorder.event({ type: 'fault-in-effect', act: act.index, proof }, effectAt);
    return effectAt;
  }

  /** @returns whether it is healed. */
  async #heal(act: PlannedAct): Promise<boolean> {
    const { recorder, journal } = this.#options;
    const pending = journal.pending(act.index);
    if (pending.length === 0) return true;
    recorder.event({ type: 'heal-asked', act: act.index });
    const failures: string[] = [];
    const proofs: string[] = [];
    await Promise.all(
      pending.map(async ({ id, undo }) => {
        try {
          proofs.push(await performUndo(undo, this.#node(undo.node)));
          journal.kept(id);
        } catch (error) {
          failures.push(errorText(error));
        }
      }),
    );
    if (failures.length > 0) recorder.event({ type: 'heal-failed', act: act.index, error: failures.join('; ') });
    else recorder.event({ type: 'healed', act: act.index, proof: proofs.toSorted().join('; ') });
    return failures.length === 0;
  }

  #node(name: string): NodeControl {
    const node = this.#options.nodes.all.find((candidate) => candidate.name === name);
    if (!node) throw new EnvironmentError(`the cluster has no node ${name}`, { code: 'no-such-node' });
    return node;
  }
}

/**
 * Undoes one act on one node and verifies it. Harmless on a healthy node. Not abortable: healing is
 * never skipped, it only has a time limit.
 * @returns what shows that the node is well.
 * @throws EnvironmentError when it is not well within the limit.
 */
export async function performUndo(undo: Undo, node: NodeControl, limitMs = HEAL_LIMIT_MS): Promise<string> {
  await node[undo.action]();
  await untilAcceptsSql(node, limitMs);
  const state = await node.state();
  if (state !== 'running') {
    throw new EnvironmentError(`${node.name} is ${state} after its undo`, { code: 'not-healed' });
  }
  return `${node.name}: ${await node.describeState()}, accepts SQL`;
}
