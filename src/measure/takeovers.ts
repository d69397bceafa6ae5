/**
 * How long it took until another node took writes: when the first write failed, when the manager noticed and chose, when
 * the new primary accepted writes, and when the load's writes had reached it. Each moment lies between two observations.
 */

import type { SeenMoment, Takeover } from '../model/figures.ts';
import { eventsOf, type History, type OperationKind, type OperationLog } from '../model/history.ts';
import { KeySet } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import { finalReadsOf } from './final-reads.ts';
import { mainRouteOf, onOneRoute } from './main-route.ts';
import { type ActTimes, actsOf } from './spans.ts';

/** A node that was seen to be a primary on a timeline, for the first time. */
interface Primary {
  readonly node: NodeName;
  readonly timeline: number | undefined;
  readonly moment: SeenMoment;
}

/** In the order of time; those that followed on a fault. */
export function takeoversOf(history: History): Takeover[] {
  const acts = actsOf(history).filter(({ effectMs }) => effectMs !== undefined);
  const primaries = primariesOf(history);
  return primaries.flatMap((primary, i) => {
    const before = primaries[i - 1];
    const act = acts.findLast(({ askedMs }) => askedMs <= primary.moment.atMs);
    // Not a fault's doing, or the first primary of the run, or one that took up its own work again.
    if (!act || !before || before.node === primary.node) return [];
    return [takeover(history, { primary, before, act, next: primaries[i + 1] })];
  });
}

interface Change {
  readonly primary: Primary;
  readonly before: Primary;
  readonly act: ActTimes;
  readonly next: Primary | undefined;
}

function takeover(history: History, { primary, before, act, next }: Change): Takeover {
  const { node: to, timeline, moment: promoted } = primary;
  const sinceMs = startOf(act, promoted);
  const untilMs = next ? next.moment.atMs - next.moment.uncertaintyMs : Number.POSITIVE_INFINITY;
  const step = (name: 'noticed' | 'elected') =>
    eventsOf(history, 'failover').find((one) => one.step === name && one.at >= sinceMs && one.at <= promoted.atMs)?.at;
  const kinds = history.run.kinds.filter(({ access, ratePerSecond }) => access === 'write' && ratePerSecond > 0);
  const failed = firstFailure(history, kinds, sinceMs, promoted.atMs);
  const noticedMs = step('noticed');
  const electedMs = step('elected');
  return {
    from: before.node,
    to,
    ...(timeline === undefined ? {} : { timeline }),
    sinceMs,
    act: act.act,
    ...(failed ? { failed } : {}),
    ...(noticedMs === undefined ? {} : { noticedMs }),
    ...(electedMs === undefined ? {} : { electedMs }),
    promoted,
    reached: writers(history, kinds).map(({ kind, log, there }) => ({
      kind: kind.name,
      ...(kind.route === undefined ? {} : { route: kind.route }),
      moment: reachedBy({ log, there, kind }, promoted, untilMs),
    })),
  };
}

/** A fault that itself makes the new primary is in effect only then. */
function startOf({ askedMs, effectMs = askedMs }: ActTimes, promoted: SeenMoment): number {
  return effectMs <= promoted.atMs - promoted.uncertaintyMs ? effectMs : askedMs;
}

/** By the witness, to 50 ms; else by the looks at the roles of all nodes. */
function primariesOf(history: History): Primary[] {
  const seen = [...sawByWitness(history), ...sawByRoles(history)].sort((a, b) => a.moment.atMs - b.moment.atMs);
  const known = new Map<string, Primary>();
  for (const primary of seen) {
    const id = `${primary.node} ${primary.timeline}`;
    const earlier = known.get(id);
    // What is seen by both is seen to lie where the two agree.
    known.set(id, earlier ? { ...earlier, moment: narrower(earlier.moment, primary.moment) } : primary);
  }
  return [...known.values()].sort((a, b) => a.moment.atMs - b.moment.atMs);
}

/** The earlier one, which began no sooner than the later one allows. */
function narrower(earlier: SeenMoment, later: SeenMoment): SeenMoment {
  const { atMs, uncertaintyMs } = earlier;
  const notBeforeMs = later.atMs - later.uncertaintyMs;
  return notBeforeMs > atMs ? earlier : { atMs, uncertaintyMs: Math.min(uncertaintyMs, atMs - notBeforeMs) };
}

function sawByWitness(history: History): Primary[] {
  return eventsOf(history, 'witness-saw').flatMap(({ node, role, timeline, at, sinceMs = at }) =>
    role === 'primary' ? [{ node, timeline, moment: { atMs: at, uncertaintyMs: at - sinceMs } }] : [],
  );
}

function sawByRoles(history: History): Primary[] {
  const looks = eventsOf(history, 'roles-seen');
  return looks.flatMap(({ at, roles }, i) =>
    Object.entries(roles).flatMap(([node, { role, timeline }]) => {
      if (role !== 'primary') return [];
      const before = looks[i - 1];
      const was = before?.roles[node];
      if (was?.role === 'primary' && was.timeline === timeline) return [];
      return [{ node, timeline, moment: { atMs: at, uncertaintyMs: before ? at - before.at : 0 } }];
    }),
  );
}

/** The first write after the start that failed, and how long before it the last one had been acknowledged. */
function firstFailure(
  history: History,
  kinds: readonly OperationKind[],
  sinceMs: number,
  promotedMs: number,
): SeenMoment | undefined {
  const names = new Set(kinds.map(({ name }) => name));
  let lastOkMs = sinceMs;
  let first: SeenMoment | undefined;
  for (const { kind, outcome, intendedAt } of history.operations.scan()) {
    if (!names.has(kind) || outcome === 'unsent') continue;
    if (intendedAt >= promotedMs || first) break;
    if (outcome === 'ok') lastOkMs = Math.max(lastOkMs, intendedAt);
    else if (intendedAt >= sinceMs) first = { atMs: intendedAt, uncertaintyMs: Math.max(0, intendedAt - lastOkMs) };
  }
  return first;
}

/** A kind of write, what was sent of it, and whether a row of it is there in the end. */
interface Writer {
  readonly kind: OperationKind;
  readonly log: OperationLog;
  there(writer: number, seq: number): boolean;
}

/** The load, and the probes of routes by which it does not write: where it was read what became of their rows. */
function writers(history: History, kinds: readonly OperationKind[]): Writer[] {
  const { byClients, anywhere, made } = finalReadsOf(history);
  const final = byClients ?? anywhere;
  const load = kinds.map((kind) => ({
    kind,
    log: history.operations,
    there: (writer: number, seq: number) => !made || final.has(writer, seq),
  }));
  const [read] = eventsOf(history, 'probes-read');
  if (!read) return load;
  const present = KeySet.fromRanges(read.present);
  const main = mainRouteOf(history);
  const others = history.run.probes.filter(
    (probe) => probe.access === 'write' && !kinds.some((kind) => onOneRoute(kind, probe, main)),
  );
  return [
    ...load,
    ...others.map((kind) => ({
      kind,
      log: history.probes,
      there: (writer: number, seq: number) => present.has(writer, seq),
    })),
  ];
}

/**
 * The first write of a kind that the new primary acknowledged. What was sent after the promotion and is there in the end
 * was committed on its timeline: what the old primary took from then on never gets there.
 */
function reachedBy({ log, there, kind }: Writer, promoted: SeenMoment, untilMs: number): SeenMoment | null {
  const fromMs = promoted.atMs - promoted.uncertaintyMs;
  let lastFailedMs: number | undefined;
  for (const operation of log.scan()) {
    if (operation.kind !== kind.name || operation.outcome === 'unsent' || operation.sentAt < fromMs) continue;
    const { outcome, writer, seq, intendedAt, settledAt } = operation;
    if (intendedAt > untilMs) break;
    if (outcome === 'ok' && (writer === undefined || seq === undefined || there(writer, seq))) {
      return { atMs: settledAt, uncertaintyMs: Math.max(0, settledAt - (lastFailedMs ?? fromMs)) };
    }
    lastFailedMs = operation.sentAt;
  }
  return null;
}
