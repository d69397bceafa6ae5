/**
 * Looks at the state of every node through a run, and records changes that the run did not make: a container that
 * somebody stops, a server that dies by itself.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeControl } from '../cluster/platform.ts';
import type { Clock } from '../model/clock.ts';
import type { TimedEvent } from '../model/event.ts';
import type { NodeName, NodeState } from '../model/topology.ts';
import type { Recorder } from './recorder.ts';

/** The platform is asked about each node so often; a change that is undone sooner may be missed. */
const EVERY_MS = 1_000;
const STOP_LIMIT_MS = 2_000;

export interface NodeWatchOptions {
  readonly nodes: readonly NodeControl[];
  readonly recorder: Pick<Recorder, 'event' | 'follow'>;
  readonly clock: Clock;
  /** Between two looks; a second by default. */
  readonly everyMs?: number;
}

/** Watches until it is disposed of. A node is left alone while an act of the run is under way on it. */
export class NodeWatch implements AsyncDisposable {
  readonly #options: NodeWatchOptions;
  readonly #struck = new Map<number, readonly NodeName[]>();
  /** Counts the acts that began or ended on a node: a look that one of them fell into says nothing. */
  readonly #touched = new Map<NodeName, number>();
  readonly #known = new Map<NodeName, { readonly state: NodeState; readonly at: number }>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    options.recorder.follow({ event: (event) => this.#heard(event) });
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // A platform that does not answer keeps no run from its end.
    await Promise.race([this.#watching, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
  }

  #heard(event: TimedEvent): void {
    if (event.type === 'fault-asked') this.#struck.set(event.act, event.targets);
    else if (event.type !== 'healed') return;
    for (const node of this.#struck.get(event.act) ?? []) this.#touched.set(node, (this.#touched.get(node) ?? 0) + 1);
    if (event.type === 'healed') this.#struck.delete(event.act);
  }

  async #watch(): Promise<void> {
    const { nodes, everyMs = EVERY_MS } = this.#options;
    while (!this.#stop.signal.aborted) {
      await Promise.all(nodes.map((node) => this.#look(node)));
      await sleep(everyMs, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
    }
  }

  async #look(node: NodeControl): Promise<void> {
    const { recorder, clock } = this.#options;
    const touched = this.#touched.get(node.name);
    try {
      const state = await node.state();
      const known = this.#known.get(node.name);
      const at = clock.nowMs();
      // The state of a moment is seen from within: a server that is being started has no process for an instant.
      if (known !== undefined && known.state !== state && state !== (await node.state())) return;
      const detail = known === undefined || known.state === state ? '' : await node.describeState();
      const acting = [...this.#struck.values()].some((targets) => targets.includes(node.name));
      if (this.#stop.signal.aborted || acting || this.#touched.get(node.name) !== touched) return;
      this.#known.set(node.name, { state, at });
      if (known === undefined || known.state === state) return;
      recorder.event(
        { type: 'node-changed', node: node.name, from: known.state, to: state, sinceMs: known.at, detail },
        at,
      );
    } catch {
      // The platform does not answer: that is no change of a node.
    }
  }
}
