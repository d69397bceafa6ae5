/**
 * Watches every node during a run and records changes that the run did not cause: stopped or restarted containers,
 * crashed servers, stopped postmasters.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isSilent } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import type { Clock } from '../model/clock.ts';
import type { TimedEvent } from '../model/event.ts';
import type { NodeName, NodeState } from '../model/topology.ts';
import { formatCount } from '../model/units.ts';
import type { Recorder } from './recorder.ts';

/** How often to ask the platform about each node. A freeze that ends between two checks goes unnoticed. */
const EVERY_MS = 1_000;
/** How often to ask each node for a new session, and how long to wait for it. */
const ASK_EVERY_MS = 2_000;
const ASK_LIMIT_MS = 2_000;
/** Two attempts without an answer are silence if processes of the node are stopped; else it may just be busy. */
const SILENT_MS = 2 * ASK_LIMIT_MS;
const STOP_LIMIT_MS = 2_000;

export interface NodeWatchOptions {
  readonly nodes: readonly NodeControl[];
  readonly recorder: Pick<Recorder, 'event' | 'follow'>;
  readonly clock: Clock;
  /** Whether this fault may end or freeze a server. During any other fault, changes of a node are recorded. */
  readonly mayEnd: (fault: string) => boolean;
  /** Counts the beginnings and ends of restarts outside of acts, as `FormedCluster.restarts`; 0 by default. */
  readonly restarts?: (node: NodeName) => number;
  /** Between two checks; a second by default. The other times scale with it. */
  readonly everyMs?: number;
  /** Whether a node gives a new connection no answer within the limit; `isSilent` by default. */
  readonly silent?: typeof isSilent;
}

interface Known {
  readonly state: NodeState;
  readonly at: number;
  /** Of the container or process; unknown after an act of the run, which may have restarted it. */
  readonly startedAt: string | undefined;
  /** The count of restarts at that time. */
  readonly restarts: number;
}

/** Watches until disposed. Ignores a node while an act of the run is under way on it. */
export class NodeWatch implements AsyncDisposable {
  readonly #options: NodeWatchOptions;
  readonly #acts = new Map<number, { readonly targets: readonly NodeName[]; readonly mayEnd: boolean }>();
  /** Counts beginnings and ends of acts on each node, to discard a check that overlapped with one. */
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
    // A platform that does not answer must not block the end of the run.
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

  /** @param any whether every act counts, or only those that may end a server. */
  #isStruck(node: NodeName, any: boolean): boolean {
    return [...this.#acts.values()].some(({ targets, mayEnd }) => (any || mayEnd) && targets.includes(node));
  }

  /** @param work returns `true` to be repeated at once. */
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
      // Checks a new state twice, because a starting server briefly has no process.
      if (known !== undefined && known.state !== state && state !== (await node.state())) return;
      const detail = known === undefined || known.state === state ? '' : await node.describeState();
      const struck = this.#isStruck(node.name, false) || this.#touched.get(node.name) !== touched;
      if (this.#stop.signal.aborted || struck || restarts !== this.#restartsOf(node)) return;
      this.#known.set(node.name, { state, at, startedAt, restarts });
      if (known === undefined || known.restarts !== restarts || restarts % 2 === 1) return;
      if (known.state !== state) this.#tell(node, { from: known.state, to: state, sinceMs: known.at, detail }, at);
      else if (known.startedAt !== undefined && startedAt !== undefined && known.startedAt !== startedAt) {
        const detail = `restarted at ${startedAt}`;
        this.#tell(node, { from: state, to: 'stopped', sinceMs: known.at, detail }, known.at);
        this.#tell(node, { from: 'stopped', to: state, sinceMs: known.at, detail }, at);
      }
    } catch {
      // A platform that does not answer is not a change of the node.
    }
  }

  /** @returns whether the node gave no answer. */
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
      const detail = `${formatCount(stopped, 'process', 'processes')} stopped by a signal; new connections get no answer`;
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

/** Tracks how long a node has not answered. */
class Silence {
  readonly #limitMs: number;
  #sinceMs: number | undefined;
  #told = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /**
   * @param quietSinceMs when a question without an answer was asked; `undefined` where the node answered, or the check
   * does not count.
   * @returns the change to record, if any.
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
