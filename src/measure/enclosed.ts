/** A moment known to lie between two others, with its most likely place. */

export interface Enclosed {
  readonly earliestMs: number;
  readonly likelyMs: number;
  readonly latestMs: number;
}

export function enclosed(earliestMs: number, likelyMs: number, latestMs: number): Enclosed {
  const earliest = Math.min(earliestMs, latestMs);
  return { earliestMs: earliest, likelyMs: Math.min(Math.max(likelyMs, earliest), latestMs), latestMs };
}

/** The largest possible error. */
export function reach({ earliestMs, likelyMs, latestMs }: Enclosed): number {
  return Math.max(likelyMs - earliestMs, latestMs - likelyMs);
}
