/**
 * A short ramp to the scenario's rates. The steady state begins once operations are answered as fast as they are sent.
 */

import type { Clock } from '../model/clock.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { OperationKind, OperationLog } from '../model/history.ts';
import { formatShare } from '../model/units.ts';
import { pause } from '../model/until.ts';
import type { LoadListener } from './load.ts';

/** Steps below the full rate, to open connections and fill caches. */
const STEPS = [0.25, 0.5] as const;
const STEP_MS = 75;
/** Answers are counted over the time in which the slowest counting kind is due this often, within these limits. */
const ENOUGH_DUE = 10;
const WINDOW_MS = { least: 250, most: 500 } as const;
/** Added to the time between two batches. */
const HANDING_OVER_MS = 20;
/** After a slow answer, it takes a while until answers keep up with requests. */
const BORNE_WITHIN_MS = 6_000;
const FITTED_WITHIN_MS = 2_500;
const LEAST_SHARE = 1 / 32;
/** Fewer operations than this in a window say nothing about a rate. */
const LEAST_DUE = 5;
const BORNE_SHARE = 0.8;
/** With random arrivals there may be far fewer than the rate says. */
const BORNE_SHARE_POISSON = 0.6;
const POLL_MS = 50;

/** Operations of one kind per second. */
export interface Borne {
  readonly kind: string;
  readonly asked: number;
  readonly answered: number;
}

/** Counts answers by their times. */
export class AnswerCount implements LoadListener {
  readonly #kinds: readonly OperationKind[];
  readonly #answeredAt = new Map<string, number[]>();
  /** The delay until an answer has been counted. */
  readonly lateMs: number;
  /** The time over which answers are counted. */
  readonly windowMs: number;

  /** @param handOverMs between two batches of settled operations. */
  constructor(kinds: readonly OperationKind[], handOverMs: number) {
    this.lateMs = handOverMs + HANDING_OVER_MS;
    this.#kinds = kinds.filter(({ ratePerSecond }) => ratePerSecond > 0);
    const longest = this.#counting.map(({ ratePerSecond }) => (ENOUGH_DUE * 1_000) / ratePerSecond);
    this.windowMs = this.isLight ? WINDOW_MS.most : Math.min(WINDOW_MS.most, Math.max(WINDOW_MS.least, ...longest));
  }

  /** Kinds that are due often enough to measure a rate. */
  get #counting(): readonly OperationKind[] {
    return this.#kinds.filter(({ ratePerSecond }) => ratePerSecond * (WINDOW_MS.most / 1_000) >= LEAST_DUE);
  }

  /**
   * No kind is due often enough to measure a rate: there is no ramp, and any answer shows that the load is sustained.
   */
  get isLight(): boolean {
    return this.#counting.length === 0;
  }

  operations(batch: OperationLog): void {
    for (const { kind, settledAt, outcome } of batch.scan()) {
      if (outcome !== 'ok') continue;
      const answeredAt = this.#answeredAt.get(kind) ?? [];
      this.#answeredAt.set(kind, answeredAt);
      answeredAt.push(settledAt);
    }
  }

  /**
   * The answers in the window before this moment.
   * @param share of the rates that the load runs at, from 0 to 1.
   */
  before(ms: number, share: number): Borne[] {
    const toMs = ms - this.lateMs;
    const perSecond = 1_000 / this.windowMs;
    return this.#kinds.map(({ name, ratePerSecond }) => {
      const within = (this.#answeredAt.get(name) ?? []).filter((at) => at >= toMs - this.windowMs && at < toMs);
      return { kind: name, asked: ratePerSecond * share, answered: within.length * perSecond };
    });
  }

  /** Whether each kind is answered about as often as it is sent; if all are rare, whether any is answered. */
  bears(borne: readonly Borne[]): boolean {
    const sum = (of: (one: Borne) => number) => borne.reduce((total, one) => total + of(one), 0);
    const anyDue = sum(({ asked }) => asked) * (this.windowMs / 1_000) >= 1;
    if (anyDue && sum(({ answered }) => answered) === 0) return false;
    return borne.every(({ kind, asked, answered }) => {
      const poisson = this.#kinds.find(({ name }) => name === kind)?.schedule === 'poisson';
      return (
        asked * (this.windowMs / 1_000) < LEAST_DUE || answered >= asked * (poisson ? BORNE_SHARE_POISSON : BORNE_SHARE)
      );
    });
  }
}

export interface RampOptions {
  readonly count: AnswerCount;
  /** Makes the load run at a share of its rates from now on. */
  readonly pace: (share: number) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Continues with a smaller load where servers and client cannot sustain the whole one. */
  readonly fit: boolean;
  /** Preparations at the same time, which use servers and client too: the time limit starts after they settle. */
  readonly meanwhile?: Promise<unknown>;
}

/**
 * Raises the load to the scenario's rates.
 * @returns the share of the rates that is sustained; 1 unless `fit` allows less.
 * @throws EnvironmentError with the figures where the rates are not sustained within 7 s once `meanwhile` has settled.
 */
export async function raise({ count, pace, clock, signal, fit, meanwhile }: RampOptions): Promise<number> {
  let alone = meanwhile === undefined;
  let aloneFrom = 0;
  const settled = () => {
    alone = true;
    aloneFrom = clock.nowMs();
  };
  meanwhile?.then(settled, settled);
  for (const step of count.isLight ? [] : STEPS) {
    pace(step);
    await pause(STEP_MS, signal);
  }
  const firstLookMs = count.isLight ? POLL_MS : count.windowMs + count.lateMs;
  let refusal: EnvironmentError | undefined;
  for (let share = 1; share >= (fit ? LEAST_SHARE : 1); share /= 2) {
    pace(share);
    const from = clock.nowMs();
    const withinMs = fit ? FITTED_WITHIN_MS : BORNE_WITHIN_MS;
    let borne: Borne[] = [];
    do {
      await pause(borne.length === 0 ? firstLookMs : POLL_MS, signal);
      borne = count.before(clock.nowMs(), share);
      if (count.bears(borne)) return share;
    } while (!alone || clock.nowMs() < Math.max(from, aloneFrom) + withinMs);
    refusal = notBorne(borne, share);
  }
  throw refusal;
}

function notBorne(borne: readonly Borne[], share: number): EnvironmentError {
  const figures = borne.map(({ kind, asked, answered }) => `${kind} ${Math.round(answered)} of ${rounded(asked)}`);
  const least = share === 1 ? '' : ` even at ${formatShare(share)} of its rates`;
  return new EnvironmentError(
    `servers and client cannot sustain the scenario's load${least}, so pgquake broke nothing: ${figures.join(', ')} a second answered`,
    {
      code: 'load-not-borne',
      hint: 'lower the rates in the scenario, or use --fit to continue with a smaller load, which the report states',
    },
  );
}

function rounded(rate: number): number {
  return Math.round(rate * 10) / 10;
}
