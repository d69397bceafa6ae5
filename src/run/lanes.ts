/** The lanes of the load: each is a series of operations with its own schedule. Some share connections. */

import type { OperationKind } from '../model/history.ts';
import type { Session } from '../sql/session.ts';
import type { OperationRequest } from '../workloads/workload.ts';
import { Connections } from './connections.ts';

/** @param route by name; the main route by default. */
export type Connect = (timeoutMs: number, route?: string) => Promise<Session>;

/** A series of operations with its own schedule. */
export interface LaneSpec {
  readonly kind: OperationKind;
  /** The most connections at once; ignored where every operation opens its own. */
  readonly maxConnections: number;
  /**
   * Lanes with one pool share its `maxConnections`; by default a lane has its own. A lane prefers its last connection,
   * because a coordinator's session keeps connections to the workers that it has asked.
   */
  readonly pool?: string;
  /** How to use a connection of this lane for the first time; by default as all lanes do. */
  readonly warmUp?: (session: Session) => Promise<unknown>;
  /** This lane's part of the kind's rate; by default the whole rate. */
  readonly ratePerSecond?: number;
  /**
   * `send`: sends every operation at its time, regardless of earlier ones; it may wait for a connection. `skip`: one
   * operation at a time; skips those due meanwhile, which would see the same as the one under way.
   */
  readonly whenBusy: 'send' | 'skip';
  /** Every operation opens and closes its own connection; opening it is part of the operation. */
  readonly fresh?: boolean;
  /** Draws the milliseconds to the next operation; evenly spaced by default. */
  readonly gap?: () => number;
  next(): OperationRequest;
}

/** The state of a lane: its place in the schedule, and operations under way. */
export interface Lane {
  readonly spec: LaneSpec;
  readonly connections: Connections;
  intervalMs: number;
  /** When the first operation is due, if they are evenly spaced. */
  startAt: number;
  count: number;
  dueAt: number;
  /** The connection that it used last, if it shares a pool. */
  last: Session | undefined;
  /** Operations under way: their intended starts by their ids. */
  readonly open: Map<number, number>;
}

export function advance(lane: Lane, share: number): void {
  lane.count++;
  // Not a sum of intervals, which would accumulate rounding errors.
  lane.dueAt = lane.spec.gap ? lane.dueAt + lane.spec.gap() / share : lane.startAt + lane.count * lane.intervalMs;
}

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
