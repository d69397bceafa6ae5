/**
 * What Patroni's settings promise for each kind of loss, without a watchdog device. Pure. The rules are those of Patroni's
 * own documentation (dynamic configuration, replication modes, DCS failsafe mode), and what was measured on real clusters.
 */

import type { Lost } from '../../model/loss.ts';
import type { Promised, PromisedOutage, PromisedSpan } from '../../model/promise.ts';
import { formatDuration } from '../../model/units.ts';
import type { PatroniSettings } from './settings.ts';
import { type PatroniCluster, type PatroniRoute, type Situation, situationOf } from './situation.ts';
import { MOMENT_MS, never, none, PROMOTE_MS, PROXY_DROPS_MS, PROXY_MS, type Rule, Takeover } from './takeover.ts';

const NO_STANDBY = 'no standby is left that could take over';
const NO_NEW_SESSION = 'open sessions go on, also that of Patroni, so nothing is replaced; no new one is accepted';

/** @returns `undefined` where there is no primary that could be lost. */
export function promisePatroni(
  settings: PatroniSettings,
  cluster: PatroniCluster,
  lost: readonly Lost[],
): Promised | undefined {
  const situation = situationOf(cluster, lost);
  if (!situation) return undefined;
  const rule = new PatroniRules(settings, situation).rule();
  const { primary, brokenRoutes } = situation;
  const outage = (route: PatroniRoute): PromisedOutage => {
    if (brokenRoutes.has(route.name)) {
      return {
        route: route.name,
        minMs: null,
        maxMs: null,
        why: `it passes ${route.through?.join(', ')}, which is lost`,
      };
    }
    const proxied = (route.through ?? []).length > 0;
    return { route: route.name, ...(proxied ? (rule.proxied ?? rule.out) : rule.out) };
  };
  return { writesOut: cluster.routes.map(outage), lost: rule.lost, twoPrimaries: rule.two, primary };
}

class PatroniRules extends Takeover {
  rule(): Rule {
    const { ofPrimary, paused } = this.situation;
    return paused && ofPrimary?.what !== 'role' ? this.#paused() : this.#running();
  }

  #running(): Rule {
    const { dcsDown, ofPrimary, cut } = this.situation;
    if (dcsDown) return this.#dcsLost();
    if (ofPrimary) return this.#ofPrimary(ofPrimary);
    if (cut.fromClients)
      return this.#failover({ after: 0, two: never('an isolated primary demotes itself within ttl') });
    if (cut.fromDcs) return this.#cutFromDcs();
    if (cut.fromStandbys !== 'none') return this.#cutFromStandbys();
    return this.#standbysLost();
  }

  #ofPrimary(lost: NonNullable<Situation['ofPrimary']>): Rule {
    const { loopWaitMs, retryTimeoutMs } = this.settings;
    if (lost.what === 'role')
      return this.released('a switchover stops the primary in order, then frees the leader key');
    if (lost.what === 'postmaster' && lost.how === 'frozen') return this.#unnoticed(NO_NEW_SESSION);
    if (lost.what === 'agent' && lost.how !== 'stopped') return this.#agentLost(lost.how);
    if (lost.how === 'stopped' && (lost.what === 'node' || lost.what === 'agent')) {
      return this.released('Patroni that ends in order stops PostgreSQL, then frees the leader key');
    }
    if (lost.how === 'frozen') {
      const wakesMs = loopWaitMs + retryTimeoutMs;
      return this.#failover({
        after: wakesMs,
        two: this.commitsWait()
          ? never('when it goes on its synchronous standby follows another node, so it acknowledges nothing')
          : {
              maxMs: wakesMs,
              why: `without a watchdog nothing fences it; when it goes on, its Patroni asks the DCS within loop_wait + retry_timeout = ${formatDuration(wakesMs)}`,
            },
      });
    }
    if (lost.what === 'node') return this.#failover({ after: 0, two: never('a dead primary takes no writes') });
    return this.#serverDied();
  }

  /** No member takes the place of another, and none demotes itself. */
  #paused(): Rule {
    const { ofPrimary, cut, primary } = this.situation;
    const why = 'Patroni is paused, so no other member takes over';
    const goesOn = !ofPrimary || ofPrimary.what === 'agent' || ofPrimary.what === 'postmaster';
    if (!goesOn || cut.fromClients) {
      // The pause may end first: then another one takes over, as ever.
      const { lost, two } = this.#running();
      return { out: { minMs: null, maxMs: null, why }, lost, two };
    }
    const kept = { lost: none(`${primary} stays the primary`), two: never('no other node is promoted') };
    const proxied = ofPrimary?.what === 'agent' ? this.#dropped(ofPrimary.how === 'frozen', why) : undefined;
    return {
      out: { minMs: 0, maxMs: this.commitsWait() ? null : MOMENT_MS, why: `${why}, and ${primary} goes on` },
      ...(proxied ? { proxied } : {}),
      ...kept,
    };
  }

  /** By a proxy, for good: it asks the agent of the primary, which is lost, and nobody takes over. */
  #dropped(silent: boolean, why: string): Rule['out'] {
    return {
      minMs: null,
      maxMs: null,
      beginsWithinMs: PROXY_DROPS_MS[silent ? 'silent' : 'refused'].most,
      why: `a proxy asks the agent, so it drops ${this.situation.primary}; ${why}`,
    };
  }

  /** The leader key expires, and a standby takes over. */
  #failover({ after, two }: { readonly after: number; readonly two: PromisedSpan }): Rule {
    const out = this.passive();
    if (!out) return this.nobodyTakesOver();
    return { ...this.byProxy(out), lost: this.tail(after), two };
  }

  #serverDied(): Rule {
    const { loopWaitMs, primaryStartTimeoutMs } = this.settings;
    if (primaryStartTimeoutMs === 0) {
      const why = `Patroni sees it within loop_wait and, with primary_start_timeout 0, frees the leader key at once`;
      return { ...this.released(why), lost: this.tail(0), two: never('the server of the old primary is dead') };
    }
    const maxMs = 2 * loopWaitMs + primaryStartTimeoutMs;
    return {
      ...this.byProxy({
        minMs: 0,
        maxMs,
        why: `Patroni sees it within loop_wait and starts it again; only where that takes longer than primary_start_timeout (${formatDuration(primaryStartTimeoutMs)}) another one takes over, within loop_wait`,
      }),
      lost: this.tail(0),
      two: never('Patroni starts it again only while it holds the leader key'),
    };
  }

  /** PostgreSQL goes on as a primary that nobody watches. */
  #agentLost(how: 'killed' | 'frozen'): Rule {
    const { primary } = this.situation;
    const passive = this.passive();
    const stay = `clients stay with ${primary}, whose PostgreSQL nothing stops without a watchdog`;
    if (!passive) {
      return { ...this.#unnoticed(`${stay}; ${NO_STANDBY}`), proxied: this.#dropped(how === 'frozen', NO_STANDBY) };
    }
    const { minMs, maxMs } = passive;
    const drops = PROXY_DROPS_MS[how === 'frozen' ? 'silent' : 'refused'];
    const proxied = {
      minMs: Math.max(0, (minMs as number) + PROXY_MS.least - drops.most),
      maxMs: Math.max(0, (maxMs as number) + PROXY_MS.most - drops.least),
      why:
        `a proxy asks the agent, so it drops ${primary} after ${formatDuration(drops.least)} to ${formatDuration(drops.most)}; ` +
        `${passive.why}; a proxy needs ${formatDuration(PROXY_MS.least)} to ${formatDuration(PROXY_MS.most)} more to see it`,
    };
    if (this.commitsWait()) {
      return {
        out: {
          minMs: 0,
          maxMs: null,
          why: `${stay}; once its synchronous standby is promoted, its commits wait for good, and a client that gives one up and connects anew finds either of the two first`,
        },
        proxied,
        lost: this.tail(0),
        two: never('a primary whose synchronous standby was promoted acknowledges nothing'),
      };
    }
    return {
      out: { minMs: 0, maxMs: MOMENT_MS, why: stay },
      proxied,
      lost: this.tail(null),
      two: {
        maxMs: null,
        why: `the leader key expires and a standby takes over, while ${primary} goes on as a primary`,
      },
    };
  }

  #unnoticed(why: string): Rule {
    return {
      out: { minMs: 0, maxMs: MOMENT_MS, why },
      lost: none(`${this.situation.primary} stays the primary`),
      two: never('no other node is promoted'),
    };
  }

  /** A majority of the DCS, so nobody can hold the leader key. */
  #dcsLost(): Rule {
    const { failsafeMode, loopWaitMs, retryTimeoutMs } = this.settings;
    const { ofPrimary, cut, primary } = this.situation;
    const gone = ofPrimary !== undefined && ofPrimary.what !== 'agent' && ofPrimary.what !== 'role';
    if (gone) {
      return {
        out: { minMs: null, maxMs: null, why: 'without the DCS no node can take over' },
        lost: none(`${primary} comes back as the primary, or a standby takes over once the DCS is back`),
        two: never('without the DCS no node is promoted'),
      };
    }
    if (failsafeMode && cut.fromStandbys === 'none') return this.#failsafe();
    const beginsWithinMs = loopWaitMs + retryTimeoutMs;
    return {
      out: {
        minMs: null,
        maxMs: null,
        beginsWithinMs,
        why: `a primary that cannot renew the leader key demotes itself within loop_wait + retry_timeout (${formatDuration(beginsWithinMs)}), and no node can take over before the DCS is back`,
      },
      lost: this.tail(beginsWithinMs),
      two: never('without the DCS no node is promoted'),
    };
  }

  #failsafe(): Rule {
    return {
      out: {
        minMs: 0,
        maxMs: MOMENT_MS,
        why: 'with failsafe_mode a primary goes on while it reaches every member, and none of those takes over',
      },
      lost: none('the primary stays'),
      two: never('members that hear from a primary in failsafe_mode do not take over'),
    };
  }

  /** It runs, clients reach it, and it cannot renew its leader key. */
  #cutFromDcs(): Rule {
    const { failsafeMode, ttlMs, retryTimeoutMs } = this.settings;
    const { cut } = this.situation;
    if (failsafeMode && cut.fromStandbys === 'none') return this.#failsafe();
    const passive = this.passive();
    if (!passive) return this.nobodyTakesOver();
    const two = never('an isolated primary demotes itself within ttl, before its leader key expires');
    if (this.commitsWait() && cut.fromSynchronous) {
      const why = `commits wait for a synchronous standby that is out of reach; ${passive.why}`;
      return { ...this.byProxy({ ...passive, why }), lost: this.tail(0), two };
    }
    const maxMs = (passive.maxMs as number) - retryTimeoutMs;
    const why = `it goes on until it has tried the DCS for retry_timeout (${formatDuration(retryTimeoutMs)}), then demotes itself; ${passive.why}`;
    // Its standbys get all that it acknowledges until then.
    const afterMs = cut.fromStandbys === 'none' ? 0 : ttlMs;
    return { ...this.byProxy({ minMs: 0, maxMs, why }), lost: this.tail(afterMs), two };
  }

  /** It keeps its leader key, so nobody takes over. */
  #cutFromStandbys(): Rule {
    const { synchronousModeStrict } = this.settings;
    const { cut, primary } = this.situation;
    const kept = { lost: none(`${primary} stays the primary`), two: never('it goes on to renew the leader key') };
    if (!this.commitsWait() || !cut.fromSynchronous) {
      return {
        out: {
          minMs: 0,
          maxMs: MOMENT_MS,
          why: 'the primary reaches the DCS, and its commits need none of those standbys',
        },
        ...kept,
      };
    }
    if (synchronousModeStrict && cut.fromStandbys === 'all') {
      return {
        out: {
          minMs: null,
          maxMs: null,
          why: 'with synchronous_mode_strict commits wait for a standby, and none is in reach',
        },
        ...kept,
      };
    }
    return { out: { minMs: 0, maxMs: null, why: SILENT_STANDBY }, ...kept };
  }

  #standbysLost(): Rule {
    const { synchronousModeStrict, loopWaitMs } = this.settings;
    const { standbys, silentStandby, primary } = this.situation;
    const kept = { lost: none(`${primary} stays the primary`), two: never('it goes on to renew the leader key') };
    if (!this.commitsWait())
      return { out: { minMs: 0, maxMs: MOMENT_MS, why: 'commits wait for no standby' }, ...kept };
    if (synchronousModeStrict && standbys.length === 0) {
      return {
        out: {
          minMs: null,
          maxMs: null,
          why: 'with synchronous_mode_strict commits wait for a standby, and none is left',
        },
        ...kept,
      };
    }
    if (silentStandby) return { out: { minMs: 0, maxMs: null, why: SILENT_STANDBY }, ...kept };
    const maxMs = loopWaitMs + PROMOTE_MS;
    return {
      out: {
        minMs: 0,
        maxMs,
        why: `Patroni replaces a lost synchronous standby, or does without, within loop_wait (${formatDuration(loopWaitMs)}) and a moment`,
      },
      ...kept,
    };
  }
}

const SILENT_STANDBY =
  'Patroni replaces a synchronous standby only when PostgreSQL has given it up, after wal_sender_timeout, which is no setting of Patroni';
