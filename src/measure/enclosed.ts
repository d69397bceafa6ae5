/** A moment that lies between two others, and where most likely. */

export interface Enclosed {
  readonly earliestMs: number;
  readonly likelyMs: number;
  readonly latestMs: number;
}

export function enclosed(earliestMs: number, likelyMs: number, latestMs: number): Enclosed {
  const earliest = Math.min(earliestMs, latestMs);
  return { earliestMs: earliest, likelyMs: Math.min(Math.max(likelyMs, earliest), latestMs), latestMs };
}

/** How far off it may be. */
export function reach({ earliestMs, likelyMs, latestMs }: Enclosed): number {
  return Math.max(likelyMs - earliestMs, latestMs - likelyMs);
}
