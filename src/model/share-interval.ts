/** What so many of so many say of a share. */

/** Of the normal distribution, for 95 %. */
const Z = 1.959964;

/**
 * Wilson's interval: holds the true share in 95 of 100 cases, also for few tries and shares near 0 and 1.
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
