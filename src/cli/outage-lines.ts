/** Reports on a watched cluster when a kind of operation stops succeeding and when it succeeds again. */

import type { TimedEvent } from '../model/event.ts';
import type { Outcome } from '../model/history.ts';
import { formatDuration } from '../model/units.ts';
import type { Progress } from './progress.ts';

/** An outage is shown after this time without a success and at least two failures; the report has shorter ones. */
const OUT_MS = 500;
const OUT_FAILURES = 2;
const ROUND_MS = 100;

interface Kind {
  okAt: number;
  failures: number;
  out: boolean;
}

/** Times are those at which pgquake received answers, so they are approximate; the report has exact ones. */
export class OutageLines implements Progress {
  readonly #inner: Progress;
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();
  #measuring = false;

  /** @param now milliseconds of any monotonic clock. */
  constructor(inner: Progress, now: () => number) {
    this.#inner = inner;
    this.#now = now;
  }

  event(event: TimedEvent): void {
    if (event.type === 'phase-started') this.#measuring = event.phase === 'steady-state' || event.phase === 'fault';
    this.#inner.event(event);
  }

  counts(kind: string, outcome: Outcome, n: number): void {
    this.#inner.counts(kind, outcome, n);
    if (!this.#measuring || n === 0) return;
    const now = this.#now();
    const seen = this.#kinds.get(kind) ?? { okAt: now, failures: 0, out: false };
    this.#kinds.set(kind, seen);
    if (outcome === 'ok') {
      if (seen.out) this.note(`${kind} is served again, after about ${about(now - seen.okAt)}`);
      Object.assign(seen, { okAt: now, failures: 0, out: false });
      return;
    }
    seen.failures += n;
    if (seen.out || seen.failures < OUT_FAILURES || now - seen.okAt < OUT_MS) return;
    seen.out = true;
    this.note(`${kind} is out: no success for about ${about(now - seen.okAt)}`);
  }

  note(text: string): void {
    this.#inner.note(text);
  }

  close(): void {
    this.#inner.close();
  }
}

function about(ms: number): string {
  return formatDuration(Math.max(ROUND_MS, Math.round(ms / ROUND_MS) * ROUND_MS));
}
