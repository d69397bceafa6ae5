/** Binomial coefficients and shares, in forms that neither overflow nor lose digits. */

/** C(n, k), exactly; 0 where k is out of range. */
export function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let result = 1n;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * BigInt(n - i + 1)) / BigInt(i);
  return result;
}

/** C(n, k) for k from 0 to n, exactly. */
export function binomials(n: number): bigint[] {
  const row = [1n];
  for (let k = 1; k <= n; k++) row.push(((row[k - 1] as bigint) * BigInt(n - k + 1)) / BigInt(k));
  return row;
}

/** Share of the k-subsets of n that contain all of r given elements: C(n-r, k-r) / C(n, k). */
export function shareContaining(n: number, k: number, r: number): number {
  let share = 1;
  for (let i = 0; i < r; i++) share *= Math.max(0, k - i) / (n - i);
  return share;
}

/** Share of the k-subsets of n that contain at least one of r given elements: 1 - C(n-r, k) / C(n, k). */
export function shareTouching(n: number, k: number, r: number): number {
  if (k > n - r) return r === 0 ? 0 : 1;
  // log1p and expm1 keep the digits of a share that is nearly 0.
  let log = 0;
  for (let i = 0; i < r; i++) log += Math.log1p(-k / (n - i));
  return -Math.expm1(log);
}

/** P(k of n are down) for k from 0 to n, each independently with q. Relative error below 1e-10 up to n = 100,000. */
export function binomialDistribution(n: number, q: number): Float64Array {
  const distribution = new Float64Array(n + 1);
  if (q <= 0 || q >= 1) {
    distribution[q <= 0 ? 0 : n] = 1;
    return distribution;
  }
  // From the mode outwards by ratios of neighbours, to avoid large numbers; then scaled to sum 1.
  const mode = Math.min(n, Math.floor((n + 1) * q));
  const odds = q / (1 - q);
  distribution[mode] = 1;
  for (let k = mode; k < n; k++) {
    distribution[k + 1] = ((distribution[k] as number) * (n - k) * odds) / (k + 1);
  }
  for (let k = mode; k > 0; k--) {
    distribution[k - 1] = ((distribution[k] as number) * k) / ((n - k + 1) * odds);
  }
  const sum = distribution.reduce((total, value) => total + value, 0);
  return distribution.map((value) => value / sum);
}
