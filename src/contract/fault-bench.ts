/** A small cluster on which faults strike without a run: two workers with a table each, which see each other. */

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { sqlRefusal } from '../cluster/health.ts';
import type { NodeControl, Nodes, Platform } from '../cluster/platform.ts';
import type { Fault, FaultContext, StruckCluster, Undo } from '../faults/fault.ts';
import { monotonicClock } from '../model/clock.ts';
import { InterruptedError } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import type { PlannedAct } from '../model/plan.ts';
import { undoAll } from '../run/healing.ts';
import { Injector, newMark } from '../run/injector.ts';
import { Recorder } from '../run/recorder.ts';
import { UndoJournal } from '../run/undo-journal.ts';
import { Session } from '../sql/session.ts';
import { farMessages, MESSAGES } from './clients.ts';
import { type RunFolder, runFolder } from './run-folder.ts';

const never = new AbortController().signal;
/** Servers that no engine has formed: every table is where it was made. */
const BARE: StruckCluster = { placementSources: () => [] };
const SQL_LIMIT_MS = 5_000;
/** A client's last statement may hold the table for a moment; what an act left would hold it for good. */
const LOCK = `DO $$ BEGIN
  PERFORM set_config('lock_timeout', '3s', true);
  LOCK TABLE messages IN ACCESS EXCLUSIVE MODE;
END $$`;
/** Few, because one fault takes them all. */
const MAX_CONNECTIONS = '40';

/** Its parameters as they are where a scenario names none. */
export function defaultsOf(fault: Fault): PlannedAct['params'] {
  return fault.params.parse({}) as PlannedAct['params'];
}

/** @param applicationName who the server takes the session for; nobody of pgquake's by default. */
export function connect(node: NodeControl, applicationName = 'contract'): Promise<Session> {
  return Session.connect(node.address(), { applicationName, connectTimeoutMs: SQL_LIMIT_MS });
}

export async function ask(node: NodeControl, text: string) {
  await using session = await connect(node);
  return await session.query(text, [], { timeoutMs: SQL_LIMIT_MS });
}

export interface InjectOptions {
  readonly signal?: AbortSignal;
  /** 200 ms by default. */
  readonly forMs?: number;
  /** One act on one worker by default. */
  readonly acts?: readonly PlannedAct[] | undefined;
  readonly onEvent?: (event: TimedEvent) => void;
}

/** Made before the tests of the suite that it is called in, removed after them. */
export class FaultBench {
  #folder: RunFolder | undefined;
  #nodes: Nodes | undefined;

  static of(platform: Platform, faults: readonly Fault[]): FaultBench {
    const bench = new FaultBench();
    beforeAll(() => bench.#make(platform, faults));
    afterAll(async () => {
      await bench.#nodes?.dispose();
      bench.#folder?.[Symbol.dispose]();
    });
    return bench;
  }

  /** The one that is struck. */
  get worker(): NodeControl {
    return this.#worker(0);
  }

  /** Its peer, which reads its table over a connection of its own. */
  get peer(): NodeControl {
    return this.#worker(1);
  }

  /** With a folder `run-…` for each call of `inject`. */
  get folder(): string {
    return (this.#folder as RunFolder).path;
  }

  #worker(index: number): NodeControl {
    return this.#nodes?.workers[index] as NodeControl;
  }

  async #make(platform: Platform, faults: readonly Fault[]): Promise<void> {
    this.#folder = runFolder();
    this.#nodes = await platform.provision({
      topology: { workers: 2, replication: 1, shards: 1 },
      settings: { max_connections: MAX_CONNECTIONS },
      sizedData: ['worker1'],
      runFolder: this.folder,
      needs: new Set(faults.flatMap(({ needs }) => needs)),
      signal: never,
    });
    for (const node of this.#nodes.workers) await ask(node, MESSAGES);
    await using session = await connect(this.peer);
    await session.execute(farMessages(this.worker, this.peer), 2 * SQL_LIMIT_MS);
  }

  /** Injects a schedule, heals it, and returns what was recorded. */
  async inject(
    fault: Fault,
    { signal = never, forMs = 200, acts, onEvent }: InjectOptions = {},
  ): Promise<TimedEvent[]> {
    const events: TimedEvent[] = [];
    const folder = mkdtempSync(join(this.folder, 'run-'));
    const clock = monotonicClock();
    const event = (heard: TimedEvent) => {
      events.push(heard);
      onEvent?.(heard);
    };
    using recorder = new Recorder(folder, clock, { load: [], probes: [] }, [{ event }]);
    using journal = new UndoJournal(folder);
    const injector = new Injector({
      nodes: this.#nodes as Nodes,
      cluster: BARE,
      faults: new Map([[fault.name, fault]]),
      journal,
      mark: newMark(),
      recorder,
      clock,
      signal,
    });
    const act = { index: 0, fault: fault.name, targets: [this.worker.name], atMs: 0, forMs, params: defaultsOf(fault) };
    try {
      await injector.run(acts ?? [act]);
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
    }
    expect(journal.pending()).toEqual([]);
    return events;
  }

  /**
   * Strikes the worker without an injector.
   * @param defer hears of the undo before it is remembered.
   */
  strike(fault: Fault, defer?: FaultContext['defer']) {
    const { all } = this.#nodes as Nodes;
    const undos: Undo[] = [];
    const held: AsyncDisposable[] = [];
    const mark = newMark();
    const injected: Promise<unknown> = fault.inject([this.worker], defaultsOf(fault), {
      defer: async (undo) => {
        await defer?.(undo);
        undos.push(undo);
      },
      hold: (resource) => {
        held.push(resource);
        return resource;
      },
      mark,
      nodes: all,
      cluster: BARE,
      signal: never,
    });
    const release = () => Promise.all(held.map((resource) => resource[Symbol.asyncDispose]()));
    /** Newest first, each of them as often as told. */
    const undo = async (times: number) => {
      const pending = undos.map((undo, id) => ({ id, act: 0, fault: fault.name, mark, undo })).reverse();
      const kept: number[] = [];
      const { failures, proofs } = await undoAll(Array.from({ length: times }, () => pending).flat(), {
        nodes: all,
        faults: new Map([[fault.name, fault]]),
        kept: (id) => kept.push(id),
      });
      expect(failures).toEqual([]);
      expect(kept).toHaveLength(times * undos.length);
      expect(proofs).toEqual([expect.stringMatching(`^${this.worker.name}: .*, accepts SQL$`)]);
      await this.#expectNothingLeft(fault, mark);
    };
    const heal = async (times: number) => {
      await release();
      await undo(times);
    };
    return { injected, release, undo, heal };
  }

  async #expectNothingLeft({ needs }: Fault, mark: string): Promise<void> {
    const { resources, network } = this.worker;
    if (needs.includes('resource-limits')) {
      const none = { cpuShare: Number.POSITIVE_INFINITY, memoryBytes: Number.POSITIVE_INFINITY };
      expect(await resources?.seen()).toMatchObject(none);
    }
    if (!needs.includes('network-rules')) return;
    expect(await network?.rulesOf(mark)).toEqual([]);
    expect(await network?.shapingOf(mark)).toBeUndefined();
  }

  /** The worker serves, and nothing of any act is left on it: no session, no lock, no setting. */
  async expectHealthy(): Promise<void> {
    expect(await this.worker.state()).toBe('running');
    expect(await sqlRefusal(this.worker)).toBeUndefined();
    const sessions = `SELECT application_name FROM pg_stat_activity WHERE application_name ~ '^pgquake-[0-9a-f]{8}'`;
    expect(await ask(this.worker, sessions)).toEqual([]);
    await ask(this.worker, LOCK);
    expect(await ask(this.worker, 'SHOW default_transaction_read_only')).toEqual([['off']]);
  }
}
