/** Lanes of the load: rows of operations, each with its schedule, and the connections that some of them share. */

import type { OperationKind } from '../model/history.ts';
import type { Session } from '../sql/session.ts';
import type { OperationRequest } from '../workloads/workload.ts';
import { Connections } from './connections.ts';

/** @param route its name; the main one where it is left out. */
export type Connect = (timeoutMs: number, route?: string) => Promise<Session>;

/** A row of operations with a schedule and connections of its own. */
export interface LaneSpec {
  readonly kind: OperationKind;
  /** Most connections at once; of no account where every operation opens its own. */
  readonly maxConnections: number;
  /**
   * Lanes of the same pool share connections; `maxConnections` is then that of the pool. Its own by default. Each takes the
   * one that it had last: a coordinator's session keeps one of its own to each worker that it has ever asked.
   */
  readonly pool?: string;
  /** The first use of a connection of this lane, where it differs from that of others. */
  readonly warmUp?: (session: Session) => Promise<unknown>;
  /** Where several lanes of a kind share its rate; that of the kind by default. */
  readonly ratePerSecond?: number;
  /**
   * `send`: every operation is sent at its time, whatever became of those before; it waits for a connection if it
   * must. `skip`: one at a time; what is due meanwhile is left out, because the one under way stands for it.
   */
  readonly whenBusy: 'send' | 'skip';
  /** Every operation opens a connection, which is part of it, and closes it. */
  readonly fresh?: boolean;
  /** Milliseconds from one operation to the next, drawn; evenly spaced where it is absent. */
  readonly gap?: () => number;
  /** What to send next. */
  next(): OperationRequest;
}

/** Where a lane is in its schedule, and what of it is under way. */
export interface Lane {
  readonly spec: LaneSpec;
  readonly connections: Connections;
  intervalMs: number;
  /** Of the first operation, where they are evenly spaced. */
  startAt: number;
  count: number;
  /** When the next operation is due. */
  dueAt: number;
  /** The connection that it used last, where it shares them. */
  last: Session | undefined;
  /** Operations under way: their intended starts by their ids. */
  readonly open: Map<number, number>;
}

export function advance(lane: Lane, share: number): void {
  lane.count++;
  // Not a sum of intervals, in which roundings would add up.
  lane.dueAt = lane.spec.gap ? lane.dueAt + lane.spec.gap() / share : lane.startAt + lane.count * lane.intervalMs;
}

/** Lanes that name the same pool share their connections. */
export class Pools {
  readonly #connect: Connect;
  readonly #shared = new Map<string, Connections>();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  of({ pool, maxConnections, kind }: LaneSpec): Connections {
    const known = pool === undefined ? undefined : this.#shared.get(pool);
    const connections = known ?? new Connections(maxConnections, (timeoutMs) => this.#connect(timeoutMs, kind.route));
    if (pool !== undefined) this.#shared.set(pool, connections);
    return connections;
  }
}
