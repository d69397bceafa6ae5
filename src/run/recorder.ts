/**
 * The only writer of a run's history. Events go to disk as they happen, operations as the load
 * generator hands them over; listeners (the live view) hear both.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import type { RunEvent, TimedEvent } from '../model/event.ts';
import type { Operation } from '../model/history.ts';

export interface RunListener {
  event?(event: TimedEvent): void;
  operations?(batch: readonly Operation[]): void;
}

export class Recorder implements Disposable {
  readonly #clock: Clock;
  readonly #events: number;
  readonly #operations: number;
  readonly #listeners: readonly RunListener[];

  constructor(folder: string, clock: Clock, listeners: readonly RunListener[]) {
    this.#clock = clock;
    this.#events = openSync(join(folder, 'events.ndjson'), 'a');
    this.#operations = openSync(join(folder, 'operations.ndjson'), 'a');
    this.#listeners = listeners;
  }

  /** @param at when it happened, on the run's clock; now by default. */
  event(event: RunEvent, at: number = this.#clock.nowMs()): void {
    const timed: TimedEvent = { at, ...event };
    writeSync(this.#events, `${JSON.stringify(timed)}\n`);
    for (const listener of this.#listeners) listener.event?.(timed);
  }

  operations(batch: readonly Operation[]): void {
    if (batch.length === 0) return;
    writeSync(this.#operations, batch.map((operation) => `${JSON.stringify(operation)}\n`).join(''));
    for (const listener of this.#listeners) listener.operations?.(batch);
  }

  [Symbol.dispose](): void {
    closeSync(this.#events);
    closeSync(this.#operations);
  }
}
