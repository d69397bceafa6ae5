/**
 * A small cluster on which faults strike outside of a run: two servers that see each other, with a table each; or one
 * cluster whose roles move, with one table for all members.
 */

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Engine, FormedCluster, FormOptions } from '../cluster/engine.ts';
import { sqlRefusal } from '../cluster/health.ts';
import type { NodeControl, Nodes, Platform } from '../cluster/platform.ts';
import type { Fault, FaultContext, Undo } from '../faults/fault.ts';
import { monotonicClock } from '../model/clock.ts';
import { InterruptedError } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import type { PlannedAct } from '../model/plan.ts';
import { type MovingRole, nodesInRole, type Roles } from '../model/roles.ts';
import type { NodeSpec } from '../model/topology.ts';
import { until } from '../model/until.ts';
import { type HealOptions, undoAll } from '../run/healing.ts';
import { Injector, newMark } from '../run/injector.ts';
import { Recorder } from '../run/recorder.ts';
import { type PendingUndo, UndoJournal } from '../run/undo-journal.ts';
import { bareCluster } from './bare-cluster.ts';
import { farMessages, MESSAGES } from './clients.ts';
import { ask, connect, SQL_LIMIT_MS } from './contract-session.ts';
import { type RunFolder, runFolder } from './run-folder.ts';

const never = new AbortController().signal;
/** Time for a healed cluster to have one primary, from which all others stream. */
const WHOLE_LIMIT_MS = 15_000;
const LOOK_AGAIN_MS = 50;
/** A client's last statement may lock the table for a moment; a lock that an act leaves would stay. */
const LOCK = `DO $$ BEGIN
  PERFORM set_config('lock_timeout', '3s', true);
  LOCK TABLE messages IN ACCESS EXCLUSIVE MODE;
END $$`;
const ENTRY = 'entry';
/** An entry, which nothing strikes, and two workers behind it. */
const NODES: readonly NodeSpec[] = [
  { name: ENTRY, role: 'entry', part: 'entry' },
  { name: 'worker1', role: 'worker', part: 'data' },
  { name: 'worker2', role: 'worker', part: 'data' },
];
/** Few, because one fault uses up all connections. */
const MAX_CONNECTIONS = '40';

/** The parameters of a fault if a scenario sets none. */
export function defaultsOf(fault: Fault): PlannedAct['params'] {
  return fault.params.parse({}) as PlannedAct['params'];
}

/** A cluster whose roles move: at least three members, and a manager that replaces no primary by itself. */
export interface RoleCluster {
  readonly engine: Engine;
  readonly topology: FormOptions['topology'];
}

export interface InjectOptions {
  readonly signal?: AbortSignal;
  /** 200 ms by default. */
  readonly forMs?: number;
  /** One act on the target by default. */
  readonly acts?: readonly PlannedAct[] | undefined;
  readonly onEvent?: (event: TimedEvent) => void;
}

/** Created before the tests of the calling suite, removed after them. */
export class FaultBench {
  #folder: RunFolder | undefined;
  #nodes: Nodes | undefined;
  #formed: FormedCluster | undefined;
  #target: NodeControl | undefined;
  #aimedAt: Roles | undefined;
  /** The undos that were pending when the last act was in effect, newest first. */
  #injected: readonly PendingUndo[] = [];

  static of(platform: Platform, faults: readonly Fault[], cluster?: RoleCluster): FaultBench {
    const bench = new FaultBench();
    beforeAll(() => bench.#make(platform, faults, cluster));
    afterAll(async () => {
      await bench.#nodes?.dispose();
      bench.#folder?.[Symbol.dispose]();
    });
    return bench;
  }

  /** The node that is struck. */
  get target(): NodeControl {
    return this.#target ?? (this.all[0] as NodeControl);
  }

  /** Another node. On servers that no engine has formed, it reads the target's table over its own connection. */
  get peer(): NodeControl {
    return this.others[0] as NodeControl;
  }

  get others(): readonly NodeControl[] {
    return this.all.filter((node) => node !== this.target);
  }

  /** The nodes that may be struck. */
  get all(): readonly NodeControl[] {
    const nodes = this.#nodes?.all ?? [];
    return this.#formed ? nodes : nodes.filter(({ name }) => name !== ENTRY);
  }

  /** Has a folder `run-…` for each call of `inject`. */
  get folder(): string {
    return (this.#folder as RunFolder).path;
  }

  /** Waits until a cluster whose roles move is whole, and makes the first node with this role the target. */
  async aim(role: MovingRole | undefined): Promise<void> {
    if (role === undefined) return;
    this.#aimedAt = await this.#untilWhole();
    const [name] = nodesInRole(this.#aimedAt, role);
    this.#target = this.all.find((node) => node.name === name);
    if (!this.#target) throw new Error(`no node of the cluster is a ${role}`);
  }

  async #make(platform: Platform, faults: readonly Fault[], cluster: RoleCluster | undefined): Promise<void> {
    this.#folder = runFolder();
    const needs = new Set(faults.flatMap(({ needs }) => needs));
    const common = { runFolder: this.folder, signal: never };
    const settings = { max_connections: MAX_CONNECTIONS };
    if (cluster) {
      const { engine, topology } = cluster;
      this.#nodes = await platform.provision({
        ...common,
        nodes: topology.nodes,
        settings: { ...engine.settings, ...engine.settingsFor?.(topology), ...settings },
        needs: new Set([...needs, ...(engine.needs ?? [])]),
        ...(engine.programsFor ? { programs: engine.programsFor(topology) } : {}),
      });
      const dataset = { partitionKeys: [], tables: [] };
      this.#formed = await engine.form({ nodes: this.#nodes, topology, dataset, signal: never });
      await this.aim('primary');
      await ask(this.target, MESSAGES);
      return;
    }
    this.#nodes = await platform.provision({ ...common, nodes: NODES, settings, sizedData: ['worker1'], needs });
    for (const node of this.all) await ask(node, MESSAGES);
    await using session = await connect(this.peer);
    await session.execute(farMessages(this.target, this.peer), 2 * SQL_LIMIT_MS);
  }

  /** Injects a schedule and heals it. @returns the recorded events. */
  async inject(
    fault: Fault,
    { signal = never, forMs = 200, acts, onEvent }: InjectOptions = {},
  ): Promise<TimedEvent[]> {
    const events: TimedEvent[] = [];
    const folder = mkdtempSync(join(this.folder, 'run-'));
    const clock = monotonicClock();
    const event = (heard: TimedEvent) => {
      events.push(heard);
      if (heard.type === 'fault-in-effect') this.#injected = journal.pending();
      onEvent?.(heard);
    };
    using recorder = new Recorder(folder, clock, { load: [], probes: [] }, [{ event }]);
    using journal = new UndoJournal(folder);
    const { roles } = this.#formed ?? {};
    const { comeBack } = this.#healing;
    const injector = new Injector({
      nodes: this.#nodes as Nodes,
      cluster: this.#formed ?? bareCluster,
      ...(roles && comeBack ? { moving: { roles: () => roles(never), expect: () => undefined, comeBack } } : {}),
      faults: new Map([[fault.name, fault]]),
      journal,
      mark: newMark(),
      recorder,
      clock,
      signal,
    });
    const act = { index: 0, fault: fault.name, targets: [this.target.name], atMs: 0, forMs, params: defaultsOf(fault) };
    try {
      await injector.run(acts ?? [act]);
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
    }
    expect(journal.pending()).toEqual([]);
    return events;
  }

  /** Repeats the undos of the last call of `inject`. */
  async undoAgain(fault: Fault): Promise<void> {
    expect(this.#injected).not.toEqual([]);
    await this.#undo(fault, this.#injected);
  }

  async #undo(fault: Fault, pending: readonly PendingUndo[]): Promise<void> {
    const kept: number[] = [];
    const { failures, proofs } = await undoAll(pending, {
      nodes: (this.#nodes as Nodes).all,
      faults: new Map([[fault.name, fault]]),
      manager: this.#formed?.manager,
      kept: (id) => kept.push(id),
      ...this.#healing,
    });
    expect(failures).toEqual([]);
    expect(kept).toHaveLength(pending.length);
    expect(proofs).toEqual([expect.stringMatching(`^${this.target.name}: .*, accepts SQL$`)]);
    for (const { mark } of pending) await this.#expectNothingLeft(fault, mark);
  }

  /**
   * Strikes the target without an injector.
   * @param defer called with each undo before the bench stores it.
   */
  strike(fault: Fault, defer?: FaultContext['defer']) {
    const undos: Undo[] = [];
    const held: AsyncDisposable[] = [];
    const mark = newMark();
    const injected: Promise<unknown> = fault.inject([this.target], defaultsOf(fault), {
      defer: async (undo) => {
        await defer?.(undo);
        undos.push(undo);
      },
      hold: (resource) => {
        held.push(resource);
        return resource;
      },
      mark,
      nodes: (this.#nodes as Nodes).all,
      cluster: this.#formed ?? bareCluster,
      signal: never,
    });
    const release = () => Promise.all(held.map((resource) => resource[Symbol.asyncDispose]()));
    const undo = () =>
      this.#undo(fault, undos.map((undo, id) => ({ id, act: 0, fault: fault.name, mark, undo })).reverse());
    const heal = () => release().then(undo);
    return { injected, release, undo, heal };
  }

  /** Brings back a node that may have to return in another role. */
  get #healing(): Pick<HealOptions, 'comeBack'> {
    const formed = this.#formed;
    if (!formed?.comeBack) return {};
    return {
      comeBack: (node, undo) =>
        (formed.comeBack as NonNullable<typeof formed.comeBack>)(node, { undo, beforeErased: async () => undefined }),
    };
  }

  async #expectNothingLeft({ needs }: Fault, mark: string): Promise<void> {
    const { resources, network } = this.target;
    if (needs.includes('resource-limits')) {
      const none = { cpuShare: Number.POSITIVE_INFINITY, memoryBytes: Number.POSITIVE_INFINITY };
      expect(await resources?.seen()).toMatchObject(none);
    }
    if (!needs.includes('network-rules')) return;
    expect(await network?.rulesOf(mark)).toEqual([]);
    expect(await network?.shapingOf(mark)).toBeUndefined();
  }

  /**
   * Expects that the target serves and that no act has left a session, a lock or a setting on it. Where roles move, also
   * that there is one primary and that all others stream from it.
   */
  async expectHealthy(): Promise<void> {
    expect(await this.target.state()).toBe('running');
    expect(await sqlRefusal(this.target)).toBeUndefined();
    const sessions = `SELECT application_name FROM pg_stat_activity WHERE application_name ~ '^pgquake-[0-9a-f]{8}'`;
    expect(await ask(this.target, sessions)).toEqual([]);
    const [primary] = this.#formed ? nodesInRole(await this.#untilWhole(), 'primary') : [];
    await ask(this.all.find(({ name }) => name === primary) ?? this.target, LOCK);
    expect(await ask(this.target, 'SHOW default_transaction_read_only')).toEqual([['off']]);
  }

  /** Expects that every node has the role and the timeline that it had when `aim` was called. */
  async expectRolesAsBefore(): Promise<void> {
    if (!this.#aimedAt) return;
    const plain = (roles: Roles) =>
      Object.entries(roles).map(([name, { role, timeline }]) => ({ name, role, timeline }));
    expect(plain(await this.#untilWhole())).toEqual(plain(this.#aimedAt));
  }

  /** @throws with the role of every node if the cluster does not become whole in time. */
  async #untilWhole(): Promise<Roles> {
    let roles: Roles = {};
    const missing = await until({ limitMs: WHOLE_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () => {
      roles = (await this.#formed?.roles?.(never)) ?? {};
      const standbys = nodesInRole(roles, 'standby').filter((name) => roles[name]?.state === 'streaming');
      const whole = nodesInRole(roles, 'primary').length === 1 && standbys.length === this.all.length - 1;
      return whole ? undefined : JSON.stringify(roles);
    });
    if (missing !== undefined) throw new Error(`the cluster is not whole: ${missing}`);
    return roles;
  }
}
