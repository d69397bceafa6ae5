/** Which standby takes over from a primary under Patroni, and when: shared by the rules for single losses. Pure. */

import type { PromisedLoss, PromisedOutage, PromisedSpan } from '../../model/promise.ts';
import { formatDuration } from '../../model/units.ts';
import { neverTwo, nothingLost } from '../streaming/promise.ts';
import type { PatroniSettings } from './settings.ts';
import type { Situation } from './situation.ts';

/** Time to win the race for the leader key and to promote. */
export const PROMOTE_MS = 2_000;
/** HAProxy checks each member every 3 s and sends clients to it after two good answers. */
export const PROXY_MS = { least: 3_000, most: 6_000 } as const;
/** HAProxy drops a member after three failed checks; if the member accepts a check and is silent, each takes 5 s. */
export const PROXY_DROPS_MS = {
  refused: { least: 6_000, most: 9_000 },
  silent: { least: 15_000, most: 20_000 },
} as const;

export type Out = Pick<PromisedOutage, 'minMs' | 'maxMs' | 'beginsWithinMs' | 'why'>;

/** The consequences of a loss; routes through a proxy see a new primary later. */
export interface Rule {
  readonly out: Out;
  /** For routes through a proxy, if it is not `out` with the time that the proxy takes. */
  readonly proxied?: Out;
  readonly lost: PromisedLoss;
  readonly two: PromisedSpan;
}

export class Takeover {
  readonly settings: PatroniSettings;
  readonly situation: Situation;

  constructor(settings: PatroniSettings, situation: Situation) {
    this.settings = settings;
    this.situation = situation;
  }

  /** @returns `undefined` if no standby may take over. */
  passive(): Out | undefined {
    const { ttlMs, loopWaitMs } = this.settings;
    if (this.candidates() === 0) return undefined;
    return {
      minMs: ttlMs - loopWaitMs,
      maxMs: ttlMs + loopWaitMs + PROMOTE_MS,
      why:
        `the leader key was last renewed up to loop_wait (${formatDuration(loopWaitMs)}) ago and lives for ttl (${formatDuration(ttlMs)}); ` +
        `a standby looks at it within loop_wait, and needs ${formatDuration(PROMOTE_MS)} to be promoted`,
    };
  }

  candidates(): number {
    const { standbys, synchronous } = this.situation;
    return this.commitsWait() ? synchronous.length : standbys.length;
  }

  noTakeover(): Rule {
    const { synchronousMode } = this.settings;
    const which = synchronousMode ? 'synchronous standby' : 'standby';
    return {
      out: { minMs: null, maxMs: null, why: `no ${which} is left that may take over` },
      lost: nothingLost('the same node comes back as the primary'),
      two: neverTwo('no other node is promoted'),
    };
  }

  byProxy(out: Out): Pick<Rule, 'out' | 'proxied'> {
    const { minMs, maxMs } = out;
    if (minMs === null || maxMs === null) return { out };
    const adds = `a proxy needs ${formatDuration(PROXY_MS.least)} to ${formatDuration(PROXY_MS.most)} more to see it`;
    const least = minMs === 0 ? 0 : PROXY_MS.least;
    const proxied = { minMs: minMs + least, maxMs: maxMs + PROXY_MS.most, why: `${out.why}; ${adds}` };
    return { out, proxied };
  }

  /** The acknowledged writes that a replaced primary may lose. @param afterMs how long it may keep acknowledging. */
  tail(afterMs: number | null): PromisedLoss {
    const { ttlMs, maximumLagOnFailoverBytes: beforeBytes } = this.settings;
    if (this.commitsWait())
      return nothingLost('with synchronous_mode only a standby that has every acknowledged write may take over');
    const goesOn = afterMs === 0 ? '' : '; no other node gets what the old primary acknowledges after that';
    return {
      beforeMs: ttlMs,
      beforeBytes,
      afterMs,
      why: `commits wait for no standby; one that takes over may lack maximum_lag_on_failover of a position reported within ttl${goesOn}`,
    };
  }

  /** In synchronous mode, strict or not, commits wait for the chosen standby until the primary's Patroni changes that. */
  commitsWait(): boolean {
    return this.settings.synchronousMode;
  }

  released(why: string): Rule {
    const { loopWaitMs } = this.settings;
    if (this.candidates() === 0) return this.noTakeover();
    const maxMs = loopWaitMs + PROMOTE_MS;
    return {
      ...this.byProxy({
        minMs: 0,
        maxMs,
        why: `${why}; a standby takes it within loop_wait + ${formatDuration(PROMOTE_MS)}`,
      }),
      lost: nothingLost('a primary that stops in order first sends its standbys all that it has'),
      two: neverTwo('the old primary has stopped when the leader key is free'),
    };
  }
}
