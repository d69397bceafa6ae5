/** The spans and acts of a run, from its events. */

import type { TimedEvent } from '../model/event.ts';
import type { Span, TimeRange } from '../model/figures.ts';
import { eventsOf } from '../model/history.ts';
import type { NodeEffect, NodeName } from '../model/topology.ts';

export type Spans = Readonly<Partial<Record<Span, TimeRange>>>;

type Events = { readonly events: readonly TimedEvent[] };

/**
 * Spans follow each other without a gap; an operation belongs to the span of its intended start:
 *
 * - `steady-state`: from the start of that phase until the first fault is requested.
 * - `fault`: until healing of the last act is requested. Without faults, or if healing of an act in effect was never
 *   requested: the fault phase, or its end.
 * - `settle`: until the load stops.
 *
 * A span that the run did not reach is absent; one cut short ends with the last event.
 */
export function spansOf(history: Events): Spans {
  const { events } = history;
  const lastAt = events.at(-1)?.at ?? 0;
  const started = (phase: string) => events.find((e) => e.type === 'phase-started' && e.phase === phase)?.at;
  const ended = (phase: string) => events.find((e) => e.type === 'phase-ended' && e.phase === phase)?.at ?? lastAt;

  const steadyFrom = started('steady-state');
  const faultFrom = eventsOf(history, 'fault-asked')[0]?.at ?? started('fault');
  const settleFrom = started('settle');
  const result: Partial<Record<Span, TimeRange>> = {};
  if (steadyFrom !== undefined) {
    result['steady-state'] = { fromMs: steadyFrom, toMs: faultFrom ?? ended('steady-state') };
  }
  if (faultFrom === undefined) return result;
  const healAsked = eventsOf(history, 'heal-asked');
  const healed = new Set(healAsked.map((event) => event.act));
  const allHealed = eventsOf(history, 'fault-in-effect').every((event) => healed.has(event.act));
  const lastHeal = allHealed ? healAsked.at(-1)?.at : undefined;
  const faultTo = lastHeal ?? ended('fault');
  result.fault = { fromMs: faultFrom, toMs: faultTo };
  if (settleFrom !== undefined) {
    const loadEnd = eventsOf(history, 'load-kept')[0]?.at ?? ended('settle');
    result.settle = { fromMs: faultTo, toMs: Math.max(faultTo, loadEnd) };
  }
  return result;
}

/** @returns the span that contains a moment; a border belongs to the later span. */
export function spanAt(spans: Spans, atMs: number): Span | undefined {
  if (holds(spans.settle, atMs)) return 'settle';
  if (holds(spans.fault, atMs)) return 'fault';
  if (holds(spans['steady-state'], atMs)) return 'steady-state';
  return undefined;
}

function holds(range: TimeRange | undefined, atMs: number): boolean {
  return range !== undefined && atMs >= range.fromMs && atMs <= range.toMs;
}

/** One act of the run, as far as it got. */
export interface ActTimes {
  readonly act: number;
  readonly fault: string;
  readonly nodes: readonly NodeName[];
  readonly effect?: NodeEffect;
  readonly askedMs: number;
  readonly effectMs?: number;
  readonly healAskedMs?: number;
  readonly healedMs?: number;
}

/** The requested acts, in the order of time. */
export function actsOf(history: Events): ActTimes[] {
  const effect = firstOfEachAct(eventsOf(history, 'fault-in-effect'));
  const healAsked = firstOfEachAct(eventsOf(history, 'heal-asked'));
  const healed = firstOfEachAct(eventsOf(history, 'healed'));
  return eventsOf(history, 'fault-asked').map(({ act, fault, targets, effect: kind, at }) => ({
    act,
    fault,
    nodes: targets,
    ...(kind === undefined ? {} : { effect: kind }),
    askedMs: at,
    ...optional('effectMs', effect.get(act)),
    ...optional('healAskedMs', healAsked.get(act)),
    ...optional('healedMs', healed.get(act)),
  }));
}

function firstOfEachAct(events: readonly { readonly act: number; readonly at: number }[]): Map<number, number> {
  return new Map(events.toReversed().map(({ act, at }) => [act, at]));
}

function optional<K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]: number });
}

/** A time in which all faults were in effect, and the nodes that they struck. */
export interface FullEffect extends TimeRange {
  /** Sorted; empty in a run without faults. */
  readonly nodes: readonly NodeName[];
}

/**
 * The times of full effect: from the last fault in effect to the first request to heal. If acts do not all overlap: the
 * times with the most nodes struck, then with the most acts; a rolling failure has several. Without faults: the fault
 * phase. Empty if no fault took effect.
 */
export function fullEffects(history: Events): FullEffect[] {
  const fault = spansOf(history).fault;
  if (!fault) return [];
  const acts = actsOf(history);
  if (acts.length === 0) return [{ ...fault, nodes: [] }];

  const struck = acts.flatMap(({ nodes, effectMs, healAskedMs }) =>
    effectMs === undefined ? [] : [{ nodes, fromMs: effectMs, toMs: healAskedMs ?? fault.toMs }],
  );
  const borders = [...new Set(struck.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].sort((a, b) => a - b);
  let best: FullEffect[] = [];
  let most = { nodes: 0, acts: 0 };
  for (const [i, fromMs] of borders.entries()) {
    const toMs = borders[i + 1];
    if (toMs === undefined) break;
    const active = struck.filter((act) => act.fromMs <= fromMs && act.toMs >= toMs);
    const nodes = [...new Set(active.flatMap((act) => act.nodes))].sort();
    const more = nodes.length - most.nodes || active.length - most.acts;
    if (active.length === 0 || more < 0) continue;
    if (more > 0) {
      best = [];
      most = { nodes: nodes.length, acts: active.length };
    }
    best.push({ fromMs, toMs, nodes });
  }
  return best;
}

/** The longest of `fullEffects`, which figures are shown for. */
export function fullEffectOf(history: Events): FullEffect | undefined {
  let longest: FullEffect | undefined;
  for (const effect of fullEffects(history)) {
    if (!longest || effect.toMs - effect.fromMs > longest.toMs - longest.fromMs) longest = effect;
  }
  return longest;
}
