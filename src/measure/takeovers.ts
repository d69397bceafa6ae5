/**
 * Takeovers: when the first write failed, the manager noticed and elected, the new primary accepted writes, and the
 * load's writes reached it. Each moment lies between two observations (docs/measuring.md#failover).
 */

import type { SeenMoment, Takeover } from '../model/figures.ts';
import { eventsOf, type History, type OperationKind, type OperationLog } from '../model/history.ts';
import { KeySet } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import { finalReadsOf } from './final-reads.ts';
import { mainRouteOf, onOneRoute } from './main-route.ts';
import { type ActTimes, actsOf } from './spans.ts';

/** A node first seen as primary on a timeline. */
interface Primary {
  readonly node: NodeName;
  readonly timeline: number | undefined;
  readonly moment: SeenMoment;
}

/** The takeovers after a fault, in the order of time. */
export function takeoversOf(history: History): Takeover[] {
  const acts = actsOf(history).filter(({ effectMs }) => effectMs !== undefined);
  const primaries = primariesOf(history);
  return primaries.flatMap((primary, i) => {
    const before = primaries[i - 1];
    const act = acts.findLast(({ askedMs }) => askedMs <= primary.moment.atMs);
    // Skip takeovers before any fault, the first primary of the run, and a primary that resumed its role.
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

/** If the fault itself makes the new primary, its effect comes too late to count from. */
function startOf({ askedMs, effectMs = askedMs }: ActTimes, promoted: SeenMoment): number {
  return effectMs <= promoted.atMs - promoted.uncertaintyMs ? effectMs : askedMs;
}

/** By the witness, to 50 ms; else by the looks at all roles. */
function primariesOf(history: History): Primary[] {
  const seen = [...sawByWitness(history), ...sawByRoles(history)].sort((a, b) => a.moment.atMs - b.moment.atMs);
  const known = new Map<string, Primary>();
  for (const primary of seen) {
    const id = `${primary.node} ${primary.timeline}`;
    const earlier = known.get(id);
    // If both saw it, it lies where the two agree.
    known.set(id, earlier ? { ...earlier, moment: narrower(earlier.moment, primary.moment) } : primary);
  }
  return [...known.values()].sort((a, b) => a.moment.atMs - b.moment.atMs);
}

/** The earlier moment, with its uncertainty cut to what the later one allows. */
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

/** The first failed write after the start; its uncertainty is the time since the last success. */
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

/** A kind of write, its operations, and whether a row exists at the end. */
interface Writer {
  readonly kind: OperationKind;
  readonly log: OperationLog;
  there(writer: number, seq: number): boolean;
}

/** The load's kinds, and the probes of routes that the load does not write by, if their rows were read. */
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
 * The first write of a kind that the new primary acknowledged. A write sent after the promotion and found at the end
 * was committed on its timeline: rows that the old primary took from then on are lost.
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
