/**
 * The only writer of a run's history. Events go to disk as they happen, operations as the load
 * generator hands them over; listeners (the live view) hear both.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import type { RunEvent, TimedEvent } from '../model/event.ts';
import type { OperationLog } from '../model/history.ts';
import type { OperationTable } from '../model/operations.ts';
import { OPERATIONS_FILE, OperationsWriter, PROBES_FILE } from '../operations-file.ts';

export interface RunListener {
  event?(event: TimedEvent): void;
  /** Hears what has settled of the load, in that order. */
  operations?(batch: OperationLog): void;
}

export interface KindNames {
  readonly load: readonly string[];
  readonly probes: readonly string[];
}

export class Recorder implements Disposable {
  readonly #clock: Clock;
  readonly #events: number;
  readonly #operations: OperationsWriter;
  readonly #probes: OperationsWriter;
  readonly #listeners: readonly RunListener[];

  /** @param kinds names of all kinds of operation, of the load and of the probes. */
  constructor(folder: string, clock: Clock, { load, probes }: KindNames, listeners: readonly RunListener[]) {
    this.#clock = clock;
    this.#events = openSync(join(folder, 'events.ndjson'), 'a');
    this.#operations = new OperationsWriter(join(folder, OPERATIONS_FILE), load);
    this.#probes = new OperationsWriter(join(folder, PROBES_FILE), probes);
    this.#listeners = listeners;
  }

  /** @param at when it happened, on the run's clock; now by default. */
  event(event: RunEvent, at: number = this.#clock.nowMs()): void {
    const timed: TimedEvent = { at, ...event };
    writeSync(this.#events, `${JSON.stringify(timed)}\n`);
    for (const listener of this.#listeners) listener.event?.(timed);
  }

  /** Of the load. */
  operations(batch: OperationTable): void {
    if (batch.count === 0) return;
    this.#operations.write(batch);
    for (const listener of this.#listeners) listener.operations?.(batch);
  }

  probes(batch: OperationTable): void {
    this.#probes.write(batch);
  }

  [Symbol.dispose](): void {
    closeSync(this.#events);
    this.#operations[Symbol.dispose]();
    this.#probes[Symbol.dispose]();
  }
}
