/** What a cluster of one primary and its standbys promises for a loss, according to its settings. Pure. */

import { type Lost, listed } from '../../model/loss.ts';
import type { Promised, PromisedLoss, PromisedOutage, PromisedSpan } from '../../model/promise.ts';
import { nodesInRole, type Roles } from '../../model/roles.ts';
import type { NodeName } from '../../model/topology.ts';
import { formatDuration } from '../../model/units.ts';
import { ANSWER_LIMIT_MS, PATIENCE_MS } from './by-hand.ts';
import type { StreamingSpec } from './spec.ts';
import { copiesOfCommit, voicesNeeded } from './sql.ts';

/** The route by which clients write. */
const ROUTE = 'direct';
/** Time for the manager to notice, elect and promote, and for clients to find the new primary, on a busy machine too. */
const FAILOVER_SLACK_MS = 3_000;
/** A client tries the frozen primary first and gives up after a second. */
const FROZEN_SLACK_MS = 1_000;
/** A loss after which no role moves is over long before this. */
export const MOMENT_MS = 1_000;
/** The engine's setting: a primary gives up a silent standby after this time. */
export const WAL_SENDER_TIMEOUT_MS = 4_000;
/** Time to shut down in order, to promote, and for clients to find the new primary. */
const HANDOVER_MS = 5_000;

export const nothingLost = (why: string): PromisedLoss => ({ beforeMs: 0, afterMs: 0, why });
export const neverTwo = (why: string): PromisedSpan => ({ maxMs: 0, why });

/** How long the manager takes to replace a lost primary; promise and prediction both use it. */
export interface Failover {
  readonly minMs: number;
  readonly maxMs: number;
}

interface Situation {
  readonly spec: StreamingSpec;
  readonly primary: NodeName;
  /** Standbys that are running and that the primary reaches. */
  readonly standbys: readonly NodeName[];
  readonly members: number;
  readonly lost: readonly Lost[];
}

/**
 * How long writes are out while the manager replaces a primary that does not answer.
 * @param left members that are running. @returns `undefined` if the manager cannot replace it.
 */
export function failoverOf(
  spec: StreamingSpec,
  { left, members, silent }: { readonly left: number; readonly members: number; readonly silent: boolean },
): Failover | undefined {
  if (spec.manager !== 'by-hand' || left < voicesNeeded(spec)) return undefined;
  const slackMs = FAILOVER_SLACK_MS + (silent ? FROZEN_SLACK_MS : 0) + (left < members - 1 ? PATIENCE_MS : 0);
  return {
    // The manager counts from the question without an answer, which may have started before the loss.
    minMs: Math.max(0, spec.promoteAfterMs - ANSWER_LIMIT_MS),
    maxMs: spec.promoteAfterMs + slackMs,
  };
}

/** @returns `undefined` if there is no primary. */
export function promiseStreaming(
  spec: StreamingSpec,
  members: readonly NodeName[],
  roles: Roles,
  lost: readonly Lost[],
): Promised | undefined {
  const [primary] = nodesInRole(roles, 'primary');
  if (primary === undefined) return undefined;
  const gone = new Set(lost.flatMap((one) => (one.what === 'node' || one.what === 'server' ? [one.node] : [])));
  const cut = cutOffFrom(lost, primary, members);
  const standbys = members.filter((node) => node !== primary && !gone.has(node));
  const situation = { spec, primary, members: members.length, lost, standbys };
  const ofPrimary = lost.find((one) => one.node === primary && one.what !== 'links');
  const isolated = lost.find((one) => one.what === 'links' && one.node === primary && one.clients);
  const promise = () => {
    if (ofPrimary?.what === 'role') return handedOver();
    if (ofPrimary && ofPrimary.what !== 'links' && (ofPrimary.what === 'node' || ofPrimary.what === 'server')) {
      return primaryLost(situation, ofPrimary.how);
    }
    if (isolated) return primaryLost(situation, 'frozen');
    const reached = standbys.filter((node) => !cut.has(node));
    if (standbys.length > 0 && reached.length === 0) return cutFromStandbys(situation);
    return standbysLost({ ...situation, standbys: reached });
  };
  return { ...promise(), primary };
}

/** The nodes that a primary cannot reach. */
function cutOffFrom(lost: readonly Lost[], primary: NodeName, members: readonly NodeName[]): ReadonlySet<NodeName> {
  return new Set(
    lost.flatMap((one) => {
      if (one.what !== 'links') return [];
      if (one.node === primary) return one.clients ? members : one.from;
      return one.clients || one.from.includes(primary) ? [one.node] : [];
    }),
  );
}

function handedOver(): Promised {
  const order = 'the primary shuts down in order, which sends every standby that streams all of its log';
  return {
    writesOut: [{ route: ROUTE, minMs: 0, maxMs: HANDOVER_MS, why: `${order}; then one of them is promoted` }],
    lost: nothingLost(order),
    twoPrimaries: neverTwo('the old primary has stopped when the new one is promoted'),
  };
}

function primaryLost(situation: Situation, how: 'killed' | 'stopped' | 'frozen'): Promised {
  const { spec, standbys, members } = situation;
  const failover = failoverOf(spec, { left: standbys.length, members, silent: how === 'frozen' });
  if (!failover) return untilBack(situation);
  const { minMs, maxMs } = failover;
  const waits = `the manager by-hand counts ${formatDuration(spec.promoteAfterMs)} from an unanswered check, perhaps before the loss; failing over takes up to ${formatDuration(maxMs - spec.promoteAfterMs)}`;
  return {
    writesOut: [{ route: ROUTE, minMs, maxMs, why: waits }],
    lost: lossOfPrimary(spec, how),
    twoPrimaries: twoAfter(spec, how),
  };
}

function lossOfPrimary(spec: StreamingSpec, how: 'killed' | 'stopped' | 'frozen'): PromisedLoss {
  const copies = copiesOfCommit(spec);
  if (copies > 0)
    return nothingLost(
      `a commit waits for ${copies} of the standbys, and only one that has every such commit is promoted`,
    );
  if (how === 'stopped')
    return nothingLost('a primary that shuts down in order first sends its standbys all that it has');
  const lag = 'commits wait for no standby, and no setting bounds how far one lags';
  if (how === 'killed') return { beforeMs: null, afterMs: 0, why: lag };
  const wakesMs = spec.promoteAfterMs + FAILOVER_SLACK_MS;
  return { beforeMs: null, afterMs: wakesMs, why: `${lag}; when it resumes, it acknowledges what no other node gets` };
}

/** How long an old primary remains one until the operator sees that there are two. */
function twoAfter(spec: StreamingSpec, how: 'killed' | 'stopped' | 'frozen'): PromisedSpan {
  if (how !== 'frozen') return neverTwo('the old primary comes back only as a standby');
  if (copiesOfCommit(spec) > 0) return neverTwo('when it resumes, no standby follows it, so it acknowledges nothing');
  return {
    maxMs: spec.promoteAfterMs + FAILOVER_SLACK_MS,
    why: `nothing fences it; when it resumes, it is left alone for ${formatDuration(spec.promoteAfterMs)} and then stopped`,
  };
}

/** No other node takes over: writes are out until the primary is back. */
function untilBack({ spec, standbys, primary }: Situation): Promised {
  const why =
    spec.manager === 'none'
      ? 'with the manager none, no standby replaces the primary'
      : `${voicesNeeded(spec)} standbys must answer before one is promoted, and ${standbys.length} ${standbys.length === 1 ? 'is' : 'are'} left`;
  return {
    writesOut: [{ route: ROUTE, minMs: null, maxMs: null, why }],
    lost: nothingLost(`${primary} comes back as the primary, with all that it had acknowledged`),
    twoPrimaries: neverTwo('no other node is promoted'),
  };
}

/** The primary is running and clients reach it, but none of its standbys does. */
function cutFromStandbys({ spec, primary, standbys }: Situation): Promised {
  // A single silent standby may itself be the node that is cut off.
  const replaced = spec.manager === 'by-hand' && standbys.length >= 2;
  if (copiesOfCommit(spec) > 0) {
    return {
      writesOut: [
        {
          route: ROUTE,
          minMs: null,
          maxMs: null,
          why: `commits on ${primary} wait for a standby, and clients stay with it`,
        },
      ],
      lost: nothingLost('what no standby has is not acknowledged'),
      twoPrimaries: neverTwo('a primary without standbys acknowledges nothing'),
    };
  }
  const out: PromisedOutage = {
    route: ROUTE,
    minMs: 0,
    maxMs: MOMENT_MS,
    why: `clients reach ${primary}, and its commits wait for no standby`,
  };
  if (!replaced) {
    return {
      writesOut: [out],
      lost: nothingLost(`${primary} stays the only primary`),
      twoPrimaries: neverTwo(
        spec.manager === 'none'
          ? 'nothing promotes another'
          : 'with one standby no node can tell which side is cut off',
      ),
    };
  }
  return {
    writesOut: [out],
    lost: {
      beforeMs: null,
      afterMs: null,
      why: `another node takes its place, and nothing fences ${primary}, which acknowledges what no other node gets`,
    },
    twoPrimaries: { maxMs: null, why: 'nothing fences the old primary, whose clients stay with it' },
  };
}

/** The primary is running and keeps some standbys, or never needed any. */
function standbysLost({ spec, standbys, primary, lost }: Situation): Promised {
  const copies = copiesOfCommit(spec);
  const kept = {
    lost: nothingLost(`${primary} stays the primary`),
    twoPrimaries: neverTwo('nothing promotes another while the primary answers and a standby hears from it'),
  };
  if (standbys.length < copies) {
    const why = `a commit waits for ${copies} of the standbys, and ${standbys.length === 0 ? 'none is' : `${standbys.length} ${standbys.length === 1 ? 'is' : 'are'}`} left`;
    return { writesOut: [{ route: ROUTE, minMs: null, maxMs: null, why }], ...kept };
  }
  const silent = lost.some((one) => one.what === 'links' || (one.what === 'node' && one.how === 'frozen'));
  const waits = copies > 0 && silent;
  const { senderTimeoutMs = WAL_SENDER_TIMEOUT_MS } = spec;
  const why = waits
    ? `commits may wait for a silent standby ${
        senderTimeoutMs === 0
          ? 'as long as it is silent, because wal_sender_timeout is 0'
          : `until the primary gives it up, after wal_sender_timeout (${formatDuration(senderTimeoutMs)})`
      }`
    : `${primary} takes writes, and ${copies === 0 ? 'its commits wait for no standby' : `${listed(standbys)} can confirm them`}`;
  const waitMs = senderTimeoutMs === 0 ? null : MOMENT_MS + senderTimeoutMs;
  const maxMs = waits ? waitMs : MOMENT_MS;
  return { writesOut: [{ route: ROUTE, minMs: 0, maxMs, why }], ...kept };
}
