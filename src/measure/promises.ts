/**
 * What settings promised for each loss, beside what was seen: how long writes were out by each route, which acknowledged
 * writes are gone, for how long two nodes acknowledged writes.
 */

import type { EventOf } from '../model/event.ts';
import type { OutageSeen, PromiseFigures, RouteFigures } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import type { PromisedOutage } from '../model/promise.ts';
import { finalReadsOf } from './final-reads.ts';
import { finalPrimaryOf } from './final-witness.ts';
import { type LostRows, lostRows } from './lost-rows.ts';
import { roleFigures } from './roles.ts';
import { type ActTimes, actsOf, spansOf } from './spans.ts';
import { splitBrainMs } from './split-brain.ts';
import { unwitnessed } from './write-spans.ts';

/** A loss with its promise, while nothing else is lost or comes back. */
interface Episode {
  readonly event: EventOf<'promised'>;
  readonly act: ActTimes;
  /** The fault in effect. */
  readonly fromMs: number;
  /** The loss is asked to heal, or the run ended. */
  readonly healMs: number;
  /** The next act strikes; endless where none does. */
  readonly nextMs: number;
}

/**
 * In the order of time; of acts that took effect. Empty where nothing was promised.
 * @param routes what was seen of each.
 */
export function promiseFigures(history: History, routes: readonly RouteFigures[]): PromiseFigures[] {
  const episodes = episodesOf(history);
  if (episodes.length === 0) return [];
  const rows = lostRows(
    history,
    episodes.map(({ fromMs }) => fromMs),
  );
  const read = everythingRead(history);
  return episodes.map((episode, i) => ({
    act: episode.act.act,
    fault: episode.act.fault,
    fromMs: episode.fromMs,
    lastedMs: Math.max(0, Math.min(episode.healMs, episode.nextMs) - episode.fromMs),
    lost: episode.event.lost,
    promise: episode.event.promise,
    writesOut: episode.event.promise.writesOut.map((promised) => outageSeen(routes, promised, episode)),
    lostWrites: read ? lostOf(rows, episodes, i) : null,
    twoPrimaries: twoPrimaries(history, episode),
  }));
}

/** Rows of the load where it accounts for them, and of the witness where there was one. */
function everythingRead(history: History): boolean {
  const ofLoad = history.run.lacks?.includes('ledger') || finalReadsOf(history).made;
  return ofLoad && (history.witness === undefined || finalPrimaryOf(history) !== undefined);
}

function episodesOf(history: History): Episode[] {
  const acts = new Map(actsOf(history).map((act) => [act.act, act]));
  const endMs = spansOf(history).settle?.toMs ?? history.events.at(-1)?.at ?? 0;
  const begun = eventsOf(history, 'promised').flatMap((event) => {
    const act = acts.get(event.act);
    return act?.effectMs === undefined ? [] : [{ event, act, fromMs: act.effectMs }];
  });
  return begun.map((one, i) => ({
    ...one,
    healMs: one.act.healAskedMs ?? endMs,
    nextMs: begun[i + 1]?.act.askedMs ?? Number.POSITIVE_INFINITY,
  }));
}

/** The longest outage that began in the episode, or was on when it did. */
function outageSeen(
  routes: readonly RouteFigures[],
  { route }: PromisedOutage,
  { act: { askedMs }, fromMs, healMs, nextMs }: Episode,
): OutageSeen {
  const seen = routes.find((one) => one.route === route && one.access === 'write');
  if (!seen) return { route, outMs: null };
  const untilMs = Math.min(healMs, nextMs);
  const outages = seen.windows.filter(({ type }) => type === 'outage');
  const within = outages.flatMap(({ fromMs: began, toMs, durationMs, uncertaintyMs, open }) => {
    if (toMs <= askedMs || began >= untilMs) return [];
    // It may be the doing of the next act.
    if (began + uncertaintyMs >= nextMs) return [];
    const cut = toMs > nextMs;
    const outMs = began >= askedMs && !cut ? durationMs : Math.min(toMs, nextMs) - Math.max(began, fromMs);
    return [
      { outMs: Math.max(0, outMs), uncertaintyMs, fromMs: began, ...(open || cut ? { open: true as const } : {}) },
    ];
  });
  const longest = within.toSorted((a, b) => b.outMs - a.outMs)[0];
  return { route, seenBy: seen.seenBy, ...(longest ?? { outMs: 0, uncertaintyMs: seen.spacingMs }) };
}

/**
 * What was acknowledged by the node that was primary at the loss, before and after it; and what others acknowledged until
 * the next loss, which nothing put at risk.
 */
function lostOf(rows: readonly LostRows[], episodes: readonly Episode[], i: number): PromiseFigures['lostWrites'] {
  const { primary } = (episodes[i] as Episode).event.promise;
  const { fromMs } = episodes[i] as Episode;
  const mine = rows.filter(({ node }) => node === primary || node === null);
  const before = mine.filter(({ after }) => after === i);
  const after = mine.filter((row) => row.after === i + 1);
  const others = rows.filter((row) => {
    if (row.after !== i + 1 || mine.includes(row)) return false;
    // It was primary when a later loss struck: then that is what put it at risk.
    return !episodes.slice(i + 1).some(({ event }) => event.promise.primary === row.node);
  });
  const count = (which: readonly LostRows[]) => which.reduce((sum, row) => sum + row.count, 0);
  const span = (which: readonly LostRows[]) =>
    which.length === 0
      ? 0
      : Math.max(...which.map(({ lastMs }) => lastMs)) - Math.min(...which.map(({ firstMs }) => firstMs));
  return {
    before: count(before),
    beforeMs: before.length === 0 ? 0 : fromMs - Math.min(...before.map(({ firstMs }) => firstMs)),
    after: count(after),
    afterMs: span(after),
    others: others.map(({ node, count: many, firstMs, lastMs }) => ({
      node: node as string,
      count: many,
      firstMs,
      lastMs,
    })),
  };
}

/** Times that began in the episode; `null` where the witness cannot tell. */
function twoPrimaries(history: History, { act, nextMs }: Episode): PromiseFigures['twoPrimaries'] {
  const pairs = (roleFigures(history)?.twoPrimaries ?? []).filter(
    ({ toMs, fromMs }) => toMs > act.askedMs && fromMs < nextMs,
  );
  const lengths = splitBrainMs(pairs);
  return unwitnessed(history) !== undefined && lengths.atLeastMs === 0 ? null : lengths;
}
