/** Confidence intervals of shares. */

export interface Tries {
  readonly count: number;
  /** 1 or more. */
  readonly of: number;
}

/** The quantile of the normal distribution for 95 %. */
const Z = 1.959964;

/**
 * Wilson's interval: contains the true share in 95 of 100 cases, even with few tries and shares near 0 or 1.
 * Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.
 * @param of 1 or more.
 * @returns both from 0 to 1.
 */
export function shareInterval(count: number, of: number): { readonly low: number; readonly high: number } {
  const share = count / of;
  const spread = Z * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2));
  const middle = share + Z ** 2 / (2 * of);
  const scale = 1 + Z ** 2 / of;
  return { low: Math.max(0, (middle - spread) / scale), high: Math.min(1, (middle + spread) / scale) };
}

/**
 * Newcombe's interval of the difference `after` - `before`: contains the true one in 95 of 100 cases.
 * Source: R. G. Newcombe, Interval estimation for the difference between independent proportions, 1998, method 10.
 * @returns both from -1 to 1.
 */
export function differenceInterval(before: Tries, after: Tries): { readonly low: number; readonly high: number } {
  const [old, now] = [before.count / before.of, after.count / after.of];
  const [was, is] = [shareInterval(before.count, before.of), shareInterval(after.count, after.of)];
  const below = Math.hypot(now - is.low, was.high - old);
  const above = Math.hypot(is.high - now, old - was.low);
  return { low: now - old - below, high: now - old + above };
}

/** A difference that needs more runs does not matter in practice. */
const MOST_RUNS = 1_000;

/**
 * How many runs of each side would confirm such a difference.
 * @param each tries of one run.
 * @returns `undefined` if 1,000 runs would not.
 */
export function runsNeeded(before: Tries, after: Tries, each: number): number | undefined {
  const of = ({ count, of: tries }: Tries, runs: number) => ({ count: (count / tries) * each * runs, of: each * runs });
  for (let runs = 2; runs <= MOST_RUNS; runs++) {
    const { low, high } = differenceInterval(of(before, runs), of(after, runs));
    if (low > 0 || high < 0) return runs;
  }
  return undefined;
}
