/**
 * What Patroni's settings promise for each kind of loss, without a watchdog device. Pure. The rules come from Patroni's
 * documentation (dynamic configuration, replication modes, DCS failsafe mode) and from measurements on real clusters.
 */

import type { Lost } from '../../model/loss.ts';
import type { Promised, PromisedOutage, PromisedSpan } from '../../model/promise.ts';
import { formatDuration } from '../../model/units.ts';
import { MOMENT_MS, neverTwo, nothingLost } from '../streaming/promise.ts';
import type { PatroniSettings } from './settings.ts';
import { type PatroniCluster, type PatroniRoute, type Situation, situationOf } from './situation.ts';
import { PROMOTE_MS, PROXY_DROPS_MS, PROXY_MS, type Rule, Takeover } from './takeover.ts';

const NO_STANDBY = 'no standby is left to take over';
const NO_NEW_SESSION =
  "existing sessions continue, including Patroni's, so nothing is replaced; new connections are not accepted";

/** @returns `undefined` if there is no primary. */
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
      return this.#failover({ after: 0, two: neverTwo('an isolated primary demotes itself within ttl') });
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
      return this.released('a Patroni that shuts down in order stops PostgreSQL, then frees the leader key');
    }
    if (lost.how === 'frozen') {
      const wakesMs = loopWaitMs + retryTimeoutMs;
      return this.#failover({
        after: wakesMs,
        two: this.commitsWait()
          ? neverTwo('when it resumes, its synchronous standby follows another node, so it acknowledges nothing')
          : {
              maxMs: wakesMs,
              why: `without a watchdog nothing fences it; when it resumes, its Patroni asks the DCS within loop_wait + retry_timeout = ${formatDuration(wakesMs)}`,
            },
      });
    }
    if (lost.what === 'node') return this.#failover({ after: 0, two: neverTwo('a dead primary takes no writes') });
    return this.#serverDied();
  }

  /** While Patroni is paused, no member takes over and none demotes itself. */
  #paused(): Rule {
    const { ofPrimary, cut, primary } = this.situation;
    const why = 'Patroni is paused, so no other member takes over';
    const goesOn = !ofPrimary || ofPrimary.what === 'agent' || ofPrimary.what === 'postmaster';
    if (!goesOn || cut.fromClients) {
      // The pause may end first; then another member takes over as usual.
      const { lost, two } = this.#running();
      return { out: { minMs: null, maxMs: null, why }, lost, two };
    }
    const kept = { lost: nothingLost(`${primary} stays the primary`), two: neverTwo('no other node is promoted') };
    const proxied = ofPrimary?.what === 'agent' ? this.#dropped(ofPrimary.how === 'frozen', why) : undefined;
    return {
      out: { minMs: 0, maxMs: this.commitsWait() ? null : MOMENT_MS, why: `${why}, and ${primary} keeps running` },
      ...(proxied ? { proxied } : {}),
      ...kept,
    };
  }

  /** A proxy drops the primary for good: it asks the lost agent, and no other node takes over. */
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
    if (!out) return this.noTakeover();
    return { ...this.byProxy(out), lost: this.tail(after), two };
  }

  #serverDied(): Rule {
    const { loopWaitMs, primaryStartTimeoutMs } = this.settings;
    if (primaryStartTimeoutMs === 0) {
      const why = `Patroni sees it within loop_wait and, with primary_start_timeout 0, frees the leader key at once`;
      return { ...this.released(why), lost: this.tail(0), two: neverTwo('the server of the old primary is dead') };
    }
    const maxMs = 2 * loopWaitMs + primaryStartTimeoutMs;
    return {
      ...this.byProxy({
        minMs: 0,
        maxMs,
        why: `Patroni sees it within loop_wait and starts it again; only if that takes longer than primary_start_timeout (${formatDuration(primaryStartTimeoutMs)}) does another member take over, within loop_wait`,
      }),
      lost: this.tail(0),
      two: neverTwo('Patroni starts it again only while it holds the leader key'),
    };
  }

  /** PostgreSQL keeps running as a primary without its agent. */
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
          why: `${stay}; once its synchronous standby is promoted, its commits wait for good, and a client that gives up waiting and reconnects may find either primary first`,
        },
        proxied,
        lost: this.tail(0),
        two: neverTwo('a primary whose synchronous standby was promoted acknowledges nothing'),
      };
    }
    return {
      out: { minMs: 0, maxMs: MOMENT_MS, why: stay },
      proxied,
      lost: this.tail(null),
      two: {
        maxMs: null,
        why: `the leader key expires and a standby takes over, while ${primary} remains a primary`,
      },
    };
  }

  #unnoticed(why: string): Rule {
    return {
      out: { minMs: 0, maxMs: MOMENT_MS, why },
      lost: nothingLost(`${this.situation.primary} stays the primary`),
      two: neverTwo('no other node is promoted'),
    };
  }

  /** The majority of the DCS is lost, so no node can hold the leader key. */
  #dcsLost(): Rule {
    const { failsafeMode, loopWaitMs, retryTimeoutMs } = this.settings;
    const { ofPrimary, cut, primary } = this.situation;
    const gone = ofPrimary !== undefined && ofPrimary.what !== 'agent' && ofPrimary.what !== 'role';
    if (gone) {
      return {
        out: { minMs: null, maxMs: null, why: 'without the DCS no node can take over' },
        lost: nothingLost(`${primary} comes back as the primary, or a standby takes over once the DCS is back`),
        two: neverTwo('without the DCS no node is promoted'),
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
      two: neverTwo('without the DCS no node is promoted'),
    };
  }

  #failsafe(): Rule {
    return {
      out: {
        minMs: 0,
        maxMs: MOMENT_MS,
        why: 'with failsafe_mode a primary continues while it reaches every member, and no member takes over',
      },
      lost: nothingLost('the primary stays'),
      two: neverTwo('members that hear from a primary in failsafe_mode do not take over'),
    };
  }

  /** The primary is running and clients reach it, but it cannot renew its leader key. */
  #cutFromDcs(): Rule {
    const { failsafeMode, ttlMs, retryTimeoutMs } = this.settings;
    const { cut } = this.situation;
    if (failsafeMode && cut.fromStandbys === 'none') return this.#failsafe();
    const passive = this.passive();
    if (!passive) return this.noTakeover();
    const two = neverTwo('an isolated primary demotes itself within ttl, before its leader key expires');
    if (this.commitsWait() && cut.fromSynchronous) {
      const why = `commits wait for a synchronous standby that is out of reach; ${passive.why}`;
      return { ...this.byProxy({ ...passive, why }), lost: this.tail(0), two };
    }
    const maxMs = (passive.maxMs as number) - retryTimeoutMs;
    const why = `it continues until it has tried the DCS for retry_timeout (${formatDuration(retryTimeoutMs)}), then demotes itself; ${passive.why}`;
    // Until then, its standbys receive everything that it acknowledges.
    const afterMs = cut.fromStandbys === 'none' ? 0 : ttlMs;
    return { ...this.byProxy({ minMs: 0, maxMs, why }), lost: this.tail(afterMs), two };
  }

  #cutFromStandbys(): Rule {
    const { cut } = this.situation;
    if (!this.commitsWait() || !cut.fromSynchronous) {
      return this.#stays(0, MOMENT_MS, 'the primary reaches the DCS, and its commits need none of those standbys');
    }
    if (this.settings.synchronousModeStrict && cut.fromStandbys === 'all') {
      return this.#stays(null, null, 'with synchronous_mode_strict commits wait for a standby, and none is in reach');
    }
    return this.#stays(0, null, SILENT_STANDBY);
  }

  #standbysLost(): Rule {
    const { synchronousModeStrict, loopWaitMs } = this.settings;
    const { standbys, silentStandby } = this.situation;
    if (!this.commitsWait()) return this.#stays(0, MOMENT_MS, 'commits wait for no standby');
    if (synchronousModeStrict && standbys.length === 0) {
      return this.#stays(null, null, 'with synchronous_mode_strict commits wait for a standby, and none is left');
    }
    if (silentStandby) return this.#stays(0, null, SILENT_STANDBY);
    return this.#stays(
      0,
      loopWaitMs + PROMOTE_MS,
      `Patroni replaces a lost synchronous standby, or does without, within loop_wait (${formatDuration(loopWaitMs)}) and a moment`,
    );
  }

  /** The primary keeps its leader key, so no other node takes over. */
  #stays(minMs: number | null, maxMs: number | null, why: string): Rule {
    return {
      out: { minMs, maxMs, why },
      lost: nothingLost(`${this.situation.primary} stays the primary`),
      two: neverTwo('it keeps renewing the leader key'),
    };
  }
}

const SILENT_STANDBY =
  'Patroni replaces a synchronous standby only when PostgreSQL has given it up, after wal_sender_timeout, which is no setting of Patroni';
