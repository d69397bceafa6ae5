/**
 * Parses quantities of a scenario ("8s", "200/s", "99.9%"), and formats them.
 *
 * Inside pgquake a duration is a number of milliseconds, a rate a number per second, a share a number from 0 to 1;
 * identifiers end with the unit (`timeoutMs`, `ratePerSecond`).
 */

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** @returns milliseconds; `undefined` unless the text is a duration such as `500ms`, `8s`, `2m`. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
}

/** @returns a number per second; `undefined` unless the text is a rate such as `200/s` or `30/m`. */
export function parseRatePerSecond(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\/(s|m)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) / (match[2] === 'm' ? 60 : 1);
}

const BYTES_PER_UNIT = { B: 1, kB: 1_000, MB: 1_000_000, GB: 1_000_000_000 } as const;

/** @returns bytes; `undefined` unless the text is a size such as `500kB` or `64MB`. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|kB|MB|GB)$/.exec(text.trim());
  if (!match) return undefined;
  return Math.round(Number(match[1]) * BYTES_PER_UNIT[match[2] as keyof typeof BYTES_PER_UNIT]);
}

/** @returns bytes per second; `undefined` unless the text is a bandwidth such as `1MB/s`. */
export function parseBandwidth(text: string): number | undefined {
  const match = /^(.*)\/s$/.exec(text.trim());
  return match ? parseBytes(match[1] as string) : undefined;
}

/** @returns a share from 0 to 1; `undefined` unless the text is a percentage such as `99.9%`. */
export function parseShare(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text.trim());
  if (!match) return undefined;
  const share = Number(match[1]) / 100;
  return share <= 1 ? share : undefined;
}

/** `0.4 ms`, `870 ms`, `8.13 s`, `2 min 05 s` */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms < 10) return `${trimZeros(ms.toFixed(1))} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimZeros((ms / 1_000).toFixed(2))} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/**
 * A share in per cent. Never rounds up to 100 %, which would be a claim: one failure in a million shows as `99.999 %`.
 * `n/a` for `null`.
 */
export function formatShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return 'n/a';
  if (share >= 1) return '100 %';
  return `${trimZeros((Math.floor(share * 100_000) / 1_000).toFixed(3))} %`;
}

/** A moment on the run's clock: `4.213 s`. */
export function formatMoment(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}

/** `1,500` */
export function formatNumber(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 message`, `1,500 messages`. @param plural if it is not the noun with an s. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatNumber(count)} ${count === 1 ? noun : plural}`;
}

/** `5,300 a second` */
export function formatPerSecond(count: number, forMs: number): string {
  return `${Math.round((count * 1_000) / Math.max(1, forMs)).toLocaleString('en-US')} a second`;
}

/** `512 bytes`, `72 KiB`, `10.4 MiB` */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return formatCount(bytes, 'byte');
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${trimZeros((bytes / 1_024 ** power).toFixed(1))} ${units[power - 1]}`;
}

/** `2.03 times` */
export function formatTimes(ratio: number): string {
  return `${trimZeros(ratio.toFixed(2))} times`;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
