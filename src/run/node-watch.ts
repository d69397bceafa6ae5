/**
 * Looks at every node through a run, and records changes that the run did not make: a container that somebody stops or
 * restarts, a server that dies by itself, one whose postmaster alone was stopped, so that new connections wait.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isSilent } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import type { Clock } from '../model/clock.ts';
import type { TimedEvent } from '../model/event.ts';
import type { NodeName, NodeState } from '../model/topology.ts';
import { formatCount } from '../model/units.ts';
import type { Recorder } from './recorder.ts';

/** The platform is asked about each node so often; what is frozen and thawed between two looks is missed. */
const EVERY_MS = 1_000;
/** Each node is asked for a new session so often, and has so long to answer. */
const ASK_EVERY_MS = 2_000;
const ASK_LIMIT_MS = 2_000;
/** Twice in a row without an answer is silence, where processes of the node are stopped as well: a busy one is slow. */
const SILENT_MS = 2 * ASK_LIMIT_MS;
const STOP_LIMIT_MS = 2_000;

export interface NodeWatchOptions {
  readonly nodes: readonly NodeControl[];
  readonly recorder: Pick<Recorder, 'event' | 'follow'>;
  readonly clock: Clock;
  /** Whether a server may end or stand still for this fault. What befalls a node under any other one is told. */
  readonly mayEnd: (fault: string) => boolean;
  /**
   * How often the run has begun or ended to stop and start a node beside its acts: an odd number while it does. Never by
   * default.
   */
  readonly restarts?: (node: NodeName) => number;
  /** Between two looks; a second by default, and for the other times as long as it is to that. */
  readonly everyMs?: number;
  /** Whether a node answers a new connection nothing within the limit; by SQL by default. */
  readonly silent?: typeof isSilent;
}

interface Known {
  readonly state: NodeState;
  readonly at: number;
  /** Of the container or process; unknown after an act of the run, which may have started it anew. */
  readonly startedAt: string | undefined;
  /** When this was seen. */
  readonly restarts: number;
}

/** Watches until it is disposed of. A node is left alone while an act of the run is under way on it. */
export class NodeWatch implements AsyncDisposable {
  readonly #options: NodeWatchOptions;
  readonly #acts = new Map<number, { readonly targets: readonly NodeName[]; readonly mayEnd: boolean }>();
  /** Counts the acts that began or ended on a node: a look that one of them fell into says nothing. */
  readonly #touched = new Map<NodeName, number>();
  readonly #known = new Map<NodeName, Known>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<unknown>;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    const { nodes, everyMs = EVERY_MS } = options;
    options.recorder.follow({ event: (event) => this.#heard(event) });
    const askEveryMs = ASK_EVERY_MS * (everyMs / EVERY_MS);
    this.#watching = Promise.all([
      this.#again(everyMs, () => Promise.all(nodes.map((node) => this.#look(node)))),
      ...nodes.map((node) => {
        const silence = new Silence(SILENT_MS * (everyMs / EVERY_MS));
        return this.#again(askEveryMs, () => this.#ask(node, silence, ASK_LIMIT_MS * (everyMs / EVERY_MS)));
      }),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // A platform that does not answer keeps no run from its end.
    await Promise.race([this.#watching, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
  }

  #heard(event: TimedEvent): void {
    if (event.type === 'fault-asked') {
      this.#acts.set(event.act, { targets: event.targets, mayEnd: this.#options.mayEnd(event.fault) });
    } else if (event.type !== 'healed') return;
    const { targets = [], mayEnd = false } = this.#acts.get(event.act) ?? {};
    for (const node of targets) {
      this.#touched.set(node, (this.#touched.get(node) ?? 0) + 1);
      const known = this.#known.get(node);
      if (known && mayEnd) this.#known.set(node, { ...known, startedAt: undefined });
    }
    if (event.type === 'healed') this.#acts.delete(event.act);
  }

  /** @param any whether every act counts, or those alone for which a server may end. */
  #isStruck(node: NodeName, any: boolean): boolean {
    return [...this.#acts.values()].some(({ targets, mayEnd }) => (any || mayEnd) && targets.includes(node));
  }

  /** @param work says `true` where it is to be done again at once. */
  async #again(everyMs: number, work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const atOnce = (await work()) === true;
      await sleep(atOnce ? 0 : everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #restartsOf({ name }: NodeControl): number {
    return this.#options.restarts?.(name) ?? 0;
  }

  async #look(node: NodeControl): Promise<void> {
    const touched = this.#touched.get(node.name);
    const restarts = this.#restartsOf(node);
    try {
      const [state, startedAt] = await Promise.all([node.state(), node.startedAt?.()]);
      const known = this.#known.get(node.name);
      const at = this.#options.clock.nowMs();
      // The state of a moment is seen from within: a server that is being started has no process for an instant.
      if (known !== undefined && known.state !== state && state !== (await node.state())) return;
      const detail = known === undefined || known.state === state ? '' : await node.describeState();
      const struck = this.#isStruck(node.name, false) || this.#touched.get(node.name) !== touched;
      if (this.#stop.signal.aborted || struck || restarts !== this.#restartsOf(node)) return;
      this.#known.set(node.name, { state, at, startedAt, restarts });
      if (known === undefined || known.restarts !== restarts || restarts % 2 === 1) return;
      if (known.state !== state) this.#tell(node, { from: known.state, to: state, sinceMs: known.at, detail }, at);
      else if (known.startedAt !== undefined && startedAt !== undefined && known.startedAt !== startedAt) {
        const detail = `it was started anew, at ${startedAt}`;
        this.#tell(node, { from: state, to: 'stopped', sinceMs: known.at, detail }, known.at);
        this.#tell(node, { from: 'stopped', to: state, sinceMs: known.at, detail }, at);
      }
    } catch {
      // The platform does not answer: that is no change of a node.
    }
  }

  /** @returns whether it answered nothing. */
  async #ask(node: NodeControl, silence: Silence, limitMs: number): Promise<boolean> {
    const { clock, silent = isSilent } = this.#options;
    const touched = this.#touched.get(node.name);
    const askedAt = clock.nowMs();
    const restarts = this.#restartsOf(node);
    const isQuiet = await silent(node, limitMs);
    const stopped = isQuiet ? await node.stoppedProcesses().catch(() => 0) : 0;
    if (this.#stop.signal.aborted) return false;
    const struck = this.#isStruck(node.name, true) || this.#touched.get(node.name) !== touched;
    const runs = this.#known.get(node.name)?.state === 'running';
    const now = clock.nowMs();
    const counts = stopped > 0 && runs && !struck && restarts === this.#restartsOf(node);
    const change = silence.heard(counts ? askedAt : undefined, now);
    if (change?.to === 'silent') {
      const detail = `${formatCount(stopped, 'process', 'processes')} of it stopped by a signal; new connections are not answered`;
      this.#tell(node, { from: 'running', ...change, detail }, change.sinceMs);
    } else if (change) this.#tell(node, { from: 'silent', ...change, detail: 'it answers again' }, now);
    return counts;
  }

  #tell(
    { name }: NodeControl,
    change: { from: NodeState | 'silent'; to: NodeState | 'silent'; sinceMs: number; detail: string },
    at: number,
  ): void {
    this.#options.recorder.event({ type: 'node-changed', node: name, ...change }, at);
  }
}

/** How long a node has answered nothing. */
class Silence {
  readonly #limitMs: number;
  #sinceMs: number | undefined;
  #told = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /**
   * @param quietSinceMs when it was asked and did not answer; `undefined` where it did, or where that says nothing.
   * @returns what is to be told of it.
   */
  heard(
    quietSinceMs: number | undefined,
    nowMs: number,
  ): { readonly to: 'silent' | 'running'; readonly sinceMs: number } | undefined {
    const since = this.#sinceMs ?? quietSinceMs;
    if (quietSinceMs === undefined || since === undefined) {
      const wasTold = this.#told;
      this.#sinceMs = undefined;
      this.#told = false;
      return wasTold && since !== undefined ? { to: 'running', sinceMs: since } : undefined;
    }
    this.#sinceMs = since;
    if (this.#told || nowMs - since < this.#limitMs) return undefined;
    this.#told = true;
    return { to: 'silent', sinceMs: since };
  }
}
