/** Who takes over from a primary under Patroni, when, and with what: what its rules for single losses have in common. Pure. */

import type { PromisedLoss, PromisedOutage, PromisedSpan } from '../../model/promise.ts';
import { formatDuration } from '../../model/units.ts';
import type { PatroniSettings } from './settings.ts';
import type { Situation } from './situation.ts';

/** To win the race for the leader key and to promote. */
export const PROMOTE_MS = 2_000;
/** HAProxy asks each member every 3 s, and sends clients to one only after two good answers. */
export const PROXY_MS = { least: 3_000, most: 6_000 } as const;
/** It drops one after three bad answers; for one that accepts its question and is silent it waits 5 s each time. */
export const PROXY_DROPS_MS = {
  refused: { least: 6_000, most: 9_000 },
  silent: { least: 15_000, most: 20_000 },
} as const;
/** What takes nobody's place is noticed in far less. */
export const MOMENT_MS = 1_000;

export type Out = Pick<PromisedOutage, 'minMs' | 'maxMs' | 'beginsWithinMs' | 'why'>;

/** What follows from a loss; routes through a proxy see a new primary later. */
export interface Rule {
  readonly out: Out;
  /** Of routes through a proxy, where it is not that of the others with the time that the proxy takes. */
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

  /** @returns `undefined` where no standby may take over. */
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

  nobodyTakesOver(): Rule {
    const { synchronousMode } = this.settings;
    const which = synchronousMode ? 'synchronous standby' : 'standby';
    return {
      out: { minMs: null, maxMs: null, why: `no ${which} is left that may take over` },
      lost: none('the same node comes back as the primary'),
      two: never('no other node is promoted'),
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

  /** Acknowledged by a primary that another one replaces. @param afterMs how long it may go on doing so. */
  tail(afterMs: number | null): PromisedLoss {
    const { ttlMs, maximumLagOnFailoverBytes: beforeBytes } = this.settings;
    if (this.commitsWait())
      return none('with synchronous_mode only a standby that has every acknowledged write may take over');
    const goesOn = afterMs === 0 ? '' : '; and what it goes on to acknowledge, no other node gets';
    return {
      beforeMs: ttlMs,
      beforeBytes,
      afterMs,
      why: `commits wait for no standby; one may take over that lacks maximum_lag_on_failover, of a position that was told within ttl${goesOn}`,
    };
  }

  /** In synchronous mode they wait for the standby that was chosen, strict or not, until Patroni on the primary changes that. */
  commitsWait(): boolean {
    return this.settings.synchronousMode;
  }

  released(why: string): Rule {
    const { loopWaitMs } = this.settings;
    if (this.candidates() === 0) return this.nobodyTakesOver();
    const maxMs = loopWaitMs + PROMOTE_MS;
    return {
      ...this.byProxy({
        minMs: 0,
        maxMs,
        why: `${why}; a standby takes it within loop_wait + ${formatDuration(PROMOTE_MS)}`,
      }),
      lost: none('a primary that stops in order first sends its standbys all that it has'),
      two: never('the old primary has stopped when the leader key is free'),
    };
  }
}

export function none(why: string): PromisedLoss {
  return { beforeMs: 0, afterMs: 0, why };
}

export function never(why: string): PromisedSpan {
  return { maxMs: 0, why };
}
