/** Formats figures. A share never rounds to 0 % or 100 %, because both would be claims. */

import type { Estimate } from './fatal-shares.ts';

/** `12.5 %`, `0.0996 %`, `0.000024 %`, `99.9967 %`, `3.1e-7 %`. */
export function formatProbability(share: number): string {
  if (share <= 0) return '0 %';
  if (share >= 1) return '100 %';
  const percent = share * 100;
  if (percent < 1e-6) return `${Number(percent.toPrecision(2)).toExponential()} %`;
  if (percent < 0.001) return `${Number(percent.toPrecision(2)).toFixed(7).replace(/0+$/, '')} %`;
  if (percent <= 99) return `${Number(percent.toPrecision(3))} %`;
  const missing = 100 - percent;
  const decimals = Math.min(12, 1 - Math.floor(Math.log10(missing)));
  const text = percent.toFixed(decimals);
  return Number(text) >= 100 ? 'over 99.999999999 %' : `${Number(text)} %`;
}

/** With its interval where it has one: `41.2 % (41.1 % to 41.3 %)`. */
export function formatEstimate({ share, low, high, method }: Estimate): string {
  const text = formatProbability(share);
  return method === 'exact' ? text : `${text} (${formatProbability(low)} to ${formatProbability(high)})`;
}

/** A share of the time as time in a year: `8.7 h a year`. */
export function formatYearly(share: number): string {
  const seconds = share * 365.25 * 86_400;
  if (seconds === 0) return 'never';
  const units = [
    [86_400, 'days'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const [size, unit] = units.find(([length]) => seconds >= 2 * length) ?? [1, 's'];
  return `${Number((seconds / size).toPrecision(seconds < 0.01 ? 1 : 2))} ${unit} a year`;
}

/** Groups digits by three, and abbreviates long numbers: `28`, `1,313,400`, `8.2e16`. */
export function formatCount(digits: string): string {
  if (digits.length <= 12) return digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${digits[0]}.${digits[1]}e${digits.length - 1}`;
}

/** `1 partition`, `33 partitions`. @param many where it is not the noun with an s. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${formatCount(String(count))} ${count === 1 ? noun : many}`;
}
