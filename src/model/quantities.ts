/**
 * Schemas for quantities: text in a scenario ("8s", "200/s", "99%"), a number behind the schema. Workloads, faults and
 * checks use them for their parameters, so every wrong unit gets the same message.
 *
 * Write defaults as the author would: `duration.prefault('2s')`.
 */

import { z } from 'zod';
import { expectedButFound } from './quoted.ts';
import { parseBandwidth, parseBytes, parseDurationMs, parseRatePerSecond, parseShare } from './units.ts';

const MAX_DURATION_MS = 24 * 3_600_000;
const MAX_RATE_PER_SECOND = 100_000;

interface Quantity {
  readonly expected: string;
  /** A regular expression for editors. */
  readonly pattern: string;
  readonly parse: (text: string) => number | undefined;
  readonly min: number;
  readonly max: number;
  /** The message for a well-formed text out of bounds, instead of `expected`. */
  readonly bounds: string;
  /** What an editor shows. */
  readonly help: {
    readonly id: string;
    readonly title: string;
    readonly description: string;
    readonly examples: string[];
  };
}

function quantity({ expected, pattern, parse, min, max, bounds, help }: Quantity) {
  const { id, ...shown } = help;
  return (
    z
      .string({ error: (issue) => expectedButFound(expected, issue.input) })
      // On the text, because zod drops the examples of a transformed value from its JSON Schema.
      .meta({ pattern, ...shown })
      .transform((text, context) => {
        const value = parse(text);
        if (value !== undefined && value >= min && value <= max) return value;
        const message = expectedButFound(value === undefined ? expected : bounds, text);
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      })
      .meta({ id })
  );
}

const DURATION = {
  expected: 'a duration such as 8s or 500ms',
  pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$',
  parse: parseDurationMs,
  max: MAX_DURATION_MS,
} as const;

/** `0s` to `24h`; becomes milliseconds. */
export const duration = quantity({
  ...DURATION,
  min: 0,
  bounds: 'a duration of at most 24h',
  help: {
    id: 'Duration',
    title: 'Duration',
    description: 'A number with its unit: ms, s, m or h. From 0s to 24h.',
    examples: ['8s', '500ms', '2m'],
  },
});

/** `1ms` to `24h`; becomes milliseconds. */
export const positiveDuration = quantity({
  ...DURATION,
  min: 1,
  bounds: 'a duration from 1ms to 24h',
  help: {
    id: 'PositiveDuration',
    title: 'Duration, not zero',
    description: 'A number with its unit: ms, s, m or h. From 1ms to 24h.',
    examples: ['8s', '500ms', '2m'],
  },
});

/** `200/s` or `30/m`, above 0 and up to `100000/s`; becomes a number per second. */
export const rate = quantity({
  expected: 'a rate such as 200/s or 30/m',
  pattern: '^\\d+(\\.\\d+)?/(s|m)$',
  parse: parseRatePerSecond,
  min: Number.MIN_VALUE,
  max: MAX_RATE_PER_SECOND,
  bounds: 'a rate above 0/s and up to 100000/s',
  help: {
    id: 'Rate',
    title: 'Rate',
    description: 'How many in a second (200/s) or in a minute (30/m). Above 0/s, up to 100000/s.',
    examples: ['200/s', '5/s', '30/m'],
  },
});

/** `0%` to `100%`; becomes a number from 0 to 1. */
export const share = quantity({
  expected: 'a percentage with %, from 0% to 100%, such as 99% or 99.9%',
  pattern: '^\\d+(\\.\\d+)?%$',
  parse: parseShare,
  min: 0,
  max: 1,
  bounds: 'a percentage from 0% to 100%, such as 99% or 99.9%',
  help: {
    id: 'Share',
    title: 'Share',
    description: 'Per cent, from 0% to 100%.',
    examples: ['99%', '99.9%', '100%'],
  },
});

/** `64MB`, `500kB`, from `1MB` to `1000GB`; becomes bytes. */
export const bytes = quantity({
  expected: 'a size such as 64MB or 1GB',
  pattern: '^\\d+(\\.\\d+)?(B|kB|MB|GB)$',
  parse: parseBytes,
  min: 1_000_000,
  max: 1_000_000_000_000,
  bounds: 'a size from 1MB to 1000GB',
  help: {
    id: 'Bytes',
    title: 'Size',
    description: 'A number with its unit: B, kB, MB or GB, each a thousand of the one before. From 1MB to 1000GB.',
    examples: ['64MB', '1GB'],
  },
});

/** `1MB/s`, `64kB/s`, from `1kB/s` to `10GB/s`; becomes bytes per second. */
export const bandwidth = quantity({
  expected: 'a bandwidth such as 1MB/s or 64kB/s',
  pattern: '^\\d+(\\.\\d+)?(B|kB|MB|GB)/s$',
  parse: parseBandwidth,
  min: 1_000,
  max: 10_000_000_000,
  bounds: 'a bandwidth from 1kB/s to 10GB/s',
  help: {
    id: 'Bandwidth',
    title: 'Bandwidth',
    description: 'Bytes per second: B/s, kB/s, MB/s or GB/s. From 1kB/s to 10GB/s.',
    examples: ['1MB/s', '64kB/s'],
  },
});
