/**
 * The only writer of a run's history. Nothing here throws once the files are open, because a full disk must not block
 * healing and removal. A failed write ends the run in order, by `signal`.
 */

import { join } from 'node:path';
import { writeHint } from '../disk/files-in.ts';
import { LineFile } from '../disk/line-file.ts';
import type { Clock } from '../model/clock.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import type { RunEvent, TimedEvent } from '../model/event.ts';
import { eventLine } from '../model/event-line.ts';
import { type OperationKind, type OperationLog, WITNESS_KINDS } from '../model/history.ts';
import type { OperationTable } from '../model/operations.ts';
import { OPERATIONS_FILE, OperationsWriter, PROBES_FILE, WITNESS_FILE } from '../operations-file.ts';

export interface RunListener {
  event?(event: TimedEvent): void;
  /** Receives the load's operations, in the order in which they settled. */
  operations?(batch: OperationLog): void;
}

export interface Kinds {
  readonly load: readonly Pick<OperationKind, 'name' | 'route'>[];
  readonly probes: readonly Pick<OperationKind, 'name' | 'route'>[];
}

const FLUSH_MS = 250;

export class Recorder implements Disposable {
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #events: LineFile;
  readonly #operations: OperationsWriter;
  readonly #probes: OperationsWriter;
  /** Created with the witness's first batch. */
  #witness: OperationsWriter | undefined;
  readonly #listeners: RunListener[];
  readonly #broken = new AbortController();
  #unsaved: TimedEvent[] = [];
  readonly #flushing: NodeJS.Timeout;

  /**
   * @param kinds all kinds of operation, of the load and of the probes.
   * @throws EnvironmentError when the files cannot be made.
   */
  constructor(folder: string, clock: Clock, { load, probes }: Kinds, listeners: readonly RunListener[]) {
    this.#clock = clock;
    this.#folder = folder;
    try {
      this.#events = new LineFile(join(folder, 'events.ndjson'));
      this.#operations = new OperationsWriter(join(folder, OPERATIONS_FILE), load);
      this.#probes = new OperationsWriter(join(folder, PROBES_FILE), probes);
    } catch (error) {
      throw this.#unwritable(error);
    }
    this.#listeners = [...listeners];
    this.#flushing = setInterval(() => this.#flush(), FLUSH_MS).unref();
  }

  /** Aborted when a write fails; the reason is an `EnvironmentError` that says which. */
  get signal(): AbortSignal {
    return this.#broken.signal;
  }

  /** Events that are not on disk, in order. */
  get unsaved(): readonly TimedEvent[] {
    return this.#unsaved;
  }

  /** @param at when it happened, on the run's clock; now by default. */
  event(event: RunEvent, at: number = this.#clock.nowMs()): void {
    const timed: TimedEvent = { at, ...event };
    this.#unsaved.push(timed);
    this.#saveEvents();
    this.#tell((listener) => listener.event?.(timed));
  }

  follow(listener: RunListener): void {
    this.#listeners.push(listener);
  }

  operations(batch: OperationTable): void {
    if (batch.count === 0) return;
    this.#write(() => this.#operations.write(batch));
    this.#tell((listener) => listener.operations?.(batch));
  }

  probes(batch: OperationTable): void {
    this.#write(() => this.#probes.write(batch));
  }

  witness(batch: OperationTable): void {
    this.#write(() => {
      this.#witness ??= new OperationsWriter(
        join(this.#folder, WITNESS_FILE),
        WITNESS_KINDS.map((name) => ({ name })),
      );
      this.#witness.write(batch);
    });
  }

  #flush(): void {
    for (const file of [this.#operations, this.#probes, this.#witness]) this.#write(() => file?.flush());
  }

  [Symbol.dispose](): void {
    clearInterval(this.#flushing);
    // There may be space again, because the cluster is removed.
    this.#saveEvents();
    for (const file of [this.#events, this.#operations, this.#probes, this.#witness]) {
      try {
        file?.[Symbol.dispose]();
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #saveEvents(): void {
    if (this.#unsaved.length === 0) return;
    try {
      this.#events.append(this.#unsaved.map(eventLine).join(''));
      this.#unsaved = [];
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes nothing after a failed write, because whatever follows half a batch is unreadable. */
  #write(write: () => void): void {
    if (this.signal.aborted) return;
    try {
      write();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tell(tell: (listener: RunListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        tell(listener);
      } catch (error) {
        this.#broken.abort(error);
      }
    }
  }

  #fail(error: unknown): void {
    if (!this.signal.aborted) this.#broken.abort(this.#unwritable(error));
  }

  #unwritable(cause: unknown): EnvironmentError {
    return new EnvironmentError(`the history in ${this.#folder} cannot be written: ${errorText(cause)}`, {
      code: 'history-unwritable',
      hint: writeHint(cause),
      cause,
    });
  }
}
