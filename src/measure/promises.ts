/**
 * What the settings promised for each loss, and what was seen: write outages by route, lost acknowledged writes, two
 * primaries.
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

/** A loss with its promise, until healing or the next act. */
interface Episode {
  readonly event: EventOf<'promised'>;
  readonly act: ActTimes;
  /** When the fault took effect. */
  readonly fromMs: number;
  /** When healing was requested, or the run ended. */
  readonly healMs: number;
  /** When the next act was requested; infinite if there is none. */
  readonly nextMs: number;
}

/**
 * One for each act that took effect, in the order of time. Empty if nothing was promised.
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

/**
 * Whether final reads were made of the load's rows (if the workload accounts for them) and of the witness's (if there
 * was one).
 */
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

/** The longest outage that began in the episode, or was open at its start. */
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
    // The next act may have caused it.
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
 * Lost writes acknowledged by the primary at the loss, before and after it; and lost writes that others acknowledged
 * until the next loss, which the promise does not put at risk.
 */
function lostOf(rows: readonly LostRows[], episodes: readonly Episode[], i: number): PromiseFigures['lostWrites'] {
  const { primary } = (episodes[i] as Episode).event.promise;
  const { fromMs } = episodes[i] as Episode;
  const mine = rows.filter(({ node }) => node === primary || node === null);
  const before = mine.filter(({ after }) => after === i);
  const after = mine.filter((row) => row.after === i + 1);
  const others = rows.filter((row) => {
    if (row.after !== i + 1 || mine.includes(row)) return false;
    // If the node was primary at a later loss, that loss put its writes at risk.
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

/** Two primaries within the episode; `null` if the witness could not see. */
function twoPrimaries(history: History, { act, nextMs }: Episode): PromiseFigures['twoPrimaries'] {
  const pairs = (roleFigures(history)?.twoPrimaries ?? []).filter(
    ({ toMs, fromMs }) => toMs > act.askedMs && fromMs < nextMs,
  );
  const lengths = splitBrainMs(pairs);
  return unwitnessed(history) !== undefined && lengths.atLeastMs === 0 ? null : lengths;
}
