/** Patroni's own settings, and what they come to. */

/** What Patroni acts by. */
export interface PatroniSettings {
  /** How long the leader key lives without being renewed. */
  readonly ttlMs: number;
  /** Between two looks at the DCS. */
  readonly loopWaitMs: number;
  /** How long a member tries a DCS or a PostgreSQL that does not answer, before it demotes itself. */
  readonly retryTimeoutMs: number;
  /** How long a primary whose PostgreSQL has died may take to start again, before another one takes over. */
  readonly primaryStartTimeoutMs: number;
  /** A commit waits for a standby, and no other may take over. */
  readonly synchronousMode: boolean;
  /** It waits also while there is none. */
  readonly synchronousModeStrict: boolean;
  /** Without the DCS a primary goes on as long as it reaches every member. */
  readonly failsafeMode: boolean;
  /** A standby that lacks more of the log does not take over. */
  readonly maximumLagOnFailoverBytes: number;
}
