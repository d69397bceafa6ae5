/** The state of a running run that every view shows: time, phase, and how operations ended. */

import type { Phase, TimedEvent } from '../model/event.ts';
import type { Outcome } from '../model/history.ts';
import type { Scenario } from '../model/scenario.ts';
import { EventNarrator, type EventWords } from '../reporters/event-words.ts';

export const TIME_WIDTH = 8;

interface Tally {
  readonly byOutcome: Record<Outcome, number>;
  /** Operations that had ended at each of the last redraws, oldest first. */
  readonly samples: number[];
}

/** The state behind both views. Events set its time; between events the clock advances it. */
export class Board {
  readonly tallies = new Map<string, Tally>();
  phase: Phase | undefined;
  phaseFromMs = 0;
  readonly #scenario: Scenario;
  readonly #now: () => number;
  readonly #narrator: EventNarrator;
  #zero: number;

  constructor(scenario: Scenario, now: () => number) {
    this.#scenario = scenario;
    this.#now = now;
    this.#zero = now();
    this.#narrator = new EventNarrator({ topology: scenario.cluster, plannedActs: scenario.faults.length });
  }

  /** @returns the words to show for an event, if any. */
  event(event: TimedEvent): EventWords | undefined {
    if (event.type === 'phase-started') {
      // The event carries the run's time; between events the clock advances it.
      this.#zero = this.#now() - event.at;
      this.phase = event.phase;
      this.phaseFromMs = event.at;
    }
    return this.#narrator.words(event);
  }

  counts(kind: string, outcome: Outcome, n: number): void {
    let tally = this.tallies.get(kind);
    if (!tally) {
      tally = { byOutcome: { ok: 0, fail: 0, unknown: 0, unsent: 0 }, samples: [] };
      this.tallies.set(kind, tally);
    }
    tally.byOutcome[outcome] += n;
  }

  /** Milliseconds since the run started. */
  get atMs(): number {
    return this.#now() - this.#zero;
  }

  /** The planned length of the current phase; `undefined` if it is not known in advance. */
  get plannedMs(): number | undefined {
    const { faults, steadyStateMs, settleWithinMs } = this.#scenario;
    if (this.phase === 'steady-state') return steadyStateMs;
    if (this.phase === 'settle') return settleWithinMs;
    if (this.phase !== 'fault') return undefined;
    return faults.length === 0 ? steadyStateMs : Math.max(...faults.map(({ atMs, forMs }) => atMs + forMs));
  }

  /** Sorted by name, so that rows never change places. */
  get kinds(): [string, Tally][] {
    return [...this.tallies].sort(([a], [b]) => a.localeCompare(b));
  }
}

export function formatTime(atMs: number): string {
  return `${(Math.max(0, atMs) / 1_000).toFixed(1)} s`.padStart(TIME_WIDTH);
}

export function describeOdd({ unknown, unsent }: Tally['byOutcome']): string[] {
  return [...(unknown > 0 ? [`${unknown} unknown`] : []), ...(unsent > 0 ? [`${unsent} not sent`] : [])];
}
