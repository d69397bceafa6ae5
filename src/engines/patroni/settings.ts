/** Patroni's settings as a scenario writes them, in Patroni's names and units, and as pgquake uses them. */

import { z } from 'zod';
import type { KeyProblem } from '../../cluster/keys.ts';
import { expectedButFound } from '../../model/quoted.ts';

/** The settings that decide what Patroni does. */
export interface PatroniSettings {
  /** How long the leader key lives without being renewed. */
  readonly ttlMs: number;
  /** The time between two looks at the DCS. */
  readonly loopWaitMs: number;
  /** How long a member tries a DCS or a PostgreSQL that does not answer, before it demotes itself. */
  readonly retryTimeoutMs: number;
  /** How long a primary whose PostgreSQL has died may take to start again, before another one takes over. */
  readonly primaryStartTimeoutMs: number;
  /** A commit waits for a standby, and no other standby may take over. */
  readonly synchronousMode: boolean;
  /** A commit waits even while there is no standby. */
  readonly synchronousModeStrict: boolean;
  /** Without the DCS, a primary continues while it reaches every member. */
  readonly failsafeMode: boolean;
  /** A standby that lacks more of the log than this does not take over. */
  readonly maximumLagOnFailoverBytes: number;
}

/** In seconds. https://patroni.readthedocs.io/en/latest/dynamic_configuration.html */
const DEFAULTS = { ttl: 30, loop_wait: 10, retry_timeout: 10, primary_start_timeout: 300 } as const;
/** Patroni ignores lower values and reports that only in its log. */
const LEAST = { ttl: 20, loop_wait: 1, retry_timeout: 3 } as const;
const MOST_S = 86_400;
const DEFAULT_LAG_BYTES = 1_048_576;

const seconds = (least: number, byDefault: number) =>
  z
    .int({
      error: ({ input }) =>
        typeof input === 'string' ? expectedButFound('seconds without a unit, such as 30', input) : undefined,
    })
    .min(least)
    .max(MOST_S)
    .default(byDefault);

export const settingsSchema = z.strictObject({
  ttl: seconds(LEAST.ttl, DEFAULTS.ttl).describe('Seconds that the leader key lives without being renewed.'),
  loop_wait: seconds(LEAST.loop_wait, DEFAULTS.loop_wait).describe('Seconds between two looks at the DCS.'),
  retry_timeout: seconds(LEAST.retry_timeout, DEFAULTS.retry_timeout).describe(
    'Seconds that a member tries a DCS or a PostgreSQL that does not answer.',
  ),
  primary_start_timeout: seconds(0, DEFAULTS.primary_start_timeout).describe(
    'Seconds that a primary whose PostgreSQL has died may take to start again; 0 to replace it at once.',
  ),
  maximum_lag_on_failover: z
    .int()
    .min(0)
    .default(DEFAULT_LAG_BYTES)
    .describe('Bytes of WAL that a standby may lack and still take over.'),
  synchronous_mode: z
    .boolean()
    .default(false)
    .describe('Whether a commit waits for a standby, and only that one may take over.'),
  synchronous_mode_strict: z
    .boolean()
    .default(false)
    .describe('Whether a commit waits even while there is no standby; needs synchronous_mode.'),
  failsafe_mode: z
    .boolean()
    .default(false)
    .describe('Whether a primary continues without the DCS while it reaches every member.'),
});

/** As written, with defaults. */
export type WrittenSettings = z.output<typeof settingsSchema>;

export function settingsOf(written: WrittenSettings): PatroniSettings {
  return {
    ttlMs: written.ttl * 1_000,
    loopWaitMs: written.loop_wait * 1_000,
    retryTimeoutMs: written.retry_timeout * 1_000,
    primaryStartTimeoutMs: written.primary_start_timeout * 1_000,
    synchronousMode: written.synchronous_mode,
    synchronousModeStrict: written.synchronous_mode_strict,
    failsafeMode: written.failsafe_mode,
    maximumLagOnFailoverBytes: written.maximum_lag_on_failover,
  };
}

/** Finds settings that Patroni would change silently or that have no effect. @returns each with its path below `settings`. */
export function contradictions(written: WrittenSettings): KeyProblem[] {
  const { ttl, loop_wait: loopWait, retry_timeout: retryTimeout } = written;
  const least = loopWait + 2 * retryTimeout;
  return [
    ...(ttl < least
      ? [
          {
            path: ['ttl'],
            message: `expected at least loop_wait + 2 * retry_timeout = ${loopWait} + 2 * ${retryTimeout} = ${least}, found ${ttl}: Patroni would shorten the other two`,
          },
        ]
      : []),
    ...(written.synchronous_mode_strict && !written.synchronous_mode
      ? [{ path: ['synchronous_mode_strict'], message: 'it does nothing without synchronous_mode: true' }]
      : []),
  ];
}
