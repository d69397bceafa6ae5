/** The state of a run that is under way, as every view of it shows it: time, phase, and how operations ended. */

import type { Phase, TimedEvent } from '../model/event.ts';
import type { Outcome } from '../model/history.ts';
import type { Scenario } from '../model/scenario.ts';
import { EventNarrator, type EventWords } from '../reporters/event-words.ts';

export const TIME_WIDTH = 8;

interface Tally {
  readonly byOutcome: Record<Outcome, number>;
  /** What stood at the last few redraws, the oldest first. */
  readonly samples: number[];
}

/** What both views know of the run. Its time is that of the events, carried on by the clock. */
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

  /** @returns what to say of it, if anything. */
  event(event: TimedEvent): EventWords | undefined {
    if (event.type === 'phase-started') {
      // The event tells the run's own time; between events the clock carries it on.
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

  /** Milliseconds of the run. */
  get atMs(): number {
    return this.#now() - this.#zero;
  }

  /** How long a phase is planned to take; `undefined` where nobody can know. */
  get plannedMs(): number | undefined {
    const { faults, steadyStateMs, settleWithinMs } = this.#scenario;
    if (this.phase === 'steady-state') return steadyStateMs;
    if (this.phase === 'settle') return settleWithinMs;
    if (this.phase !== 'fault') return undefined;
    return faults.length === 0 ? steadyStateMs : Math.max(...faults.map(({ atMs, forMs }) => atMs + forMs));
  }

  /** In the order of the alphabet, so that they never change places. */
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
