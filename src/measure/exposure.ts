/** Which reads a fault could have harmed. Reads without a flaw prove something only if there were such reads. Pure. */

import { eventsOf, type History } from '../model/history.ts';
import { OK, UNSENT } from '../model/operations.ts';
import { formatCount } from '../model/units.ts';
import { oncePer } from './once.ts';
import { actsOf } from './spans.ts';

interface Count {
  tried: number;
  answered: number;
}

interface Exposure {
  /** Reads of the load that ended `ok`. */
  readonly answered: number;
  /** Of those, settled after the first fault was requested; all of them if no fault was planned. */
  readonly answeredSince: number;
  /** By kind: under way when a fault took effect. */
  readonly underWay: ReadonlyMap<string, Count>;
  /** By kind: under way at some time between the request of a fault and its healing. */
  readonly inForce: ReadonlyMap<string, Count>;
}

/** In one pass over the operations. */
export const exposureOf = oncePer(compute);

function compute(history: History): Exposure {
  const acts = actsOf(history);
  const firstMs = acts[0]?.askedMs ?? (history.run.plannedActs === 0 ? 0 : Number.POSITIVE_INFINITY);
  const endMs = history.events.at(-1)?.at ?? Number.POSITIVE_INFINITY;
  const reads = history.run.kinds.filter(({ access }) => access === 'read').map(({ name }) => name);
  const counts = () => new Map(reads.map((name) => [name, { tried: 0, answered: 0 }]));
  const [underWay, inForce] = [counts(), counts()];
  let answered = 0;
  let answeredSince = 0;
  const { count, kinds, columns } = history.operations.data;
  const struckOf = kinds.map((name) => underWay.get(name));
  const forcedOf = kinds.map((name) => inForce.get(name));
  for (let row = 0; row < count; row++) {
    const struck = struckOf[columns.kind[row] as number];
    const forced = forcedOf[columns.kind[row] as number];
    const outcome = columns.outcome[row];
    if (!struck || !forced || outcome === UNSENT) continue;
    const ok = outcome === OK;
    const intendedAt = columns.intendedAt[row] as number;
    const sentAt = intendedAt + (columns.sentAfterUs[row] as number) / 1_000;
    const settledAt = intendedAt + (columns.settledAfterUs[row] as number) / 1_000;
    if (ok) answered++;
    if (ok && settledAt >= firstMs) answeredSince++;
    let hit = false;
    let overlaps = false;
    for (const { askedMs, effectMs, healedMs = endMs } of acts) {
      // A read answered before the fault took effect was not struck.
      if (effectMs !== undefined && sentAt <= effectMs && settledAt >= (ok ? effectMs : askedMs)) hit = true;
      if (sentAt <= healedMs && settledAt >= askedMs) overlaps = true;
    }
    if (hit) add(struck, ok);
    if (overlaps) add(forced, ok);
  }
  return { answered, answeredSince, underWay, inForce };
}

function add(count: Count, ok: boolean): void {
  count.tried++;
  if (ok) count.answered++;
}

/**
 * What is missing for flawless reads to prove something. A run without faults needs an answered read; any other run,
 * one answered after the first fault, which may be a final read. If a hypothesis asks, it needs one that was under way
 * while a fault was in effect, of the kind that needs every partition if the load has one; and if such reads were under
 * way when a fault struck, one of those must have been answered.
 * @param asked whether a hypothesis asks.
 * @param struckAtLeast how many such reads must have been under way when a fault struck.
 * @returns `undefined` if nothing is missing.
 */
export function unexposed(history: History, asked: boolean, struckAtLeast = 0): string | undefined {
  const { answered, answeredSince, underWay, inForce } = exposureOf(history);
  const finals = eventsOf(history, 'final-read').length + eventsOf(history, 'placement-read').length;
  if (answered + finals === 0) return 'no read was answered';
  if (history.run.plannedActs === 0) return undefined;
  if (answeredSince + finals === 0) return 'no read was answered after the first fault';
  if (!asked) return undefined;
  const reads = history.run.kinds.filter(({ access, ratePerSecond }) => access === 'read' && ratePerSecond > 0);
  const whole = reads.filter(({ scope }) => scope === 'all');
  const kinds = (whole.length > 0 ? whole : reads).map(({ name }) => name);
  const what = kinds.join(' or ');
  const struck = sum(underWay, kinds);
  if (struck.tried > 0 && struck.answered === 0) {
    const those = formatCount(struck.tried, what);
    return `${those} ${struck.tried === 1 ? 'was' : 'were'} under way when a fault struck, and none was answered`;
  }
  if (struck.tried < struckAtLeast) {
    const wanted = formatCount(struckAtLeast, what);
    return `expected ${wanted} under way when a fault struck, found ${struck.tried}`;
  }
  return sum(inForce, kinds).answered === 0 ? `no ${what} was answered while a fault was in effect` : undefined;
}

function sum(counts: ReadonlyMap<string, Count>, kinds: readonly string[]): Count {
  const total = { tried: 0, answered: 0 };
  for (const kind of kinds) {
    total.tried += counts.get(kind)?.tried ?? 0;
    total.answered += counts.get(kind)?.answered ?? 0;
  }
  return total;
}

/** Answered reads that test the guarantees of a session. */
export interface OwedReads {
  /** Sent after an acknowledged write of the same session. */
  readonly afterOwnWrite: number;
  /** Sent after an answered read of the same session. */
  readonly afterOwnRead: number;
}

/** Counts those settled after the first fault was requested; all in a run without faults. */
export function owedReads(history: History): OwedReads {
  const firstMs = history.run.plannedActs === 0 ? 0 : (actsOf(history)[0]?.askedMs ?? Number.POSITIVE_INFINITY);
  const access = new Map(history.run.kinds.map((kind) => [kind.name, kind.access]));
  const wrote = new Map<number, number>();
  const read = new Map<number, number>();
  const result = { afterOwnWrite: 0, afterOwnRead: 0 };
  for (const { kind, session, sentAt, settledAt, outcome } of history.operations.scan()) {
    if (session === undefined || outcome !== 'ok') continue;
    const before = access.get(kind) === 'write' ? wrote : read;
    if (before === read && settledAt >= firstMs) {
      if (sentAt >= (wrote.get(session) ?? Number.POSITIVE_INFINITY)) result.afterOwnWrite++;
      if (sentAt >= (read.get(session) ?? Number.POSITIVE_INFINITY)) result.afterOwnRead++;
    }
    before.set(session, Math.min(before.get(session) ?? Number.POSITIVE_INFINITY, settledAt));
  }
  return result;
}
