/**
 * The contents of a run's picture as values on one axis of time: load in buckets, states of nodes and partitions, faults,
 * windows. svg.ts draws them; moments.ts puts them into words.
 */

import { foreignActs } from '../../measure/foreign-acts.ts';
import { type RoleStretch, roleLanes } from '../../measure/role-lanes.ts';
import { type ServiceWindow, SPANS, type TimeRange, type TwoPrimaries } from '../../model/figures.ts';
import type { OperationKind } from '../../model/history.ts';
import { partitionNamed } from '../../model/partition-words.ts';
import type { Report } from '../../model/report.ts';
import type { NodeName } from '../../model/topology.ts';

/** One kind of operation in one range of time. */
export interface Bucket extends TimeRange {
  readonly okPerSecond: number;
  readonly failedPerSecond: number;
  readonly ok: number;
  readonly failed: number;
  /** The value of the worst second in the bucket; `null` if no operation succeeded. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface KindTrack {
  readonly kind: string;
  /** The scheduled rate. */
  readonly ratePerSecond: number;
  readonly buckets: readonly Bucket[];
  /** Windows of the whole kind, in the order of time. */
  readonly windows: readonly ServiceWindow[];
}

/** A fault from the moment it was in effect until its nodes were seen to work again. */
export interface FaultBand extends TimeRange {
  readonly act: number;
  readonly fault: string;
  /** The state of its targets meanwhile, such as `killed`. */
  readonly state: string;
  readonly targets: readonly NodeName[];
  /** When healing was requested; the end of the picture if it was not. */
  readonly healAskedMs: number;
  readonly healed: boolean;
}

/** How busy the machine was; `starved` says why it had too few resources. */
interface MachineSample extends TimeRange {
  readonly busy: number;
  readonly starved?: string;
}

export interface NodeState extends TimeRange {
  /** `stopped`, `frozen`, ...; `returning` from the request to come back. */
  readonly state: string;
}

export interface NodeStrip {
  readonly node: NodeName;
  /** Its roles, if roles move. */
  readonly roles: readonly RoleStretch[];
  /** Its states other than `up`. */
  readonly states: readonly NodeState[];
}

export interface PartitionStrip {
  readonly partition: string;
  /** The partition in words; `shortLabel` for narrow pictures. */
  readonly label: string;
  readonly shortLabel: string;
  readonly reads: readonly ServiceWindow[];
  readonly writes: readonly ServiceWindow[];
}

export interface Timeline extends TimeRange {
  /** More than 1 if the run is too long to show every second. */
  readonly secondsPerBucket: number;
  readonly kinds: readonly KindTrack[];
  readonly faults: readonly FaultBand[];
  /** pgquake's machine, if the run recorded it. */
  readonly machine: readonly MachineSample[];
  readonly nodes: readonly NodeStrip[];
  readonly twoPrimaries: readonly TwoPrimaries[];
  readonly partitions: readonly PartitionStrip[];
  /** Undisturbed partitions that are left out for lack of space. */
  readonly partitionsLeftOut: number;
}

/** More buckets would be narrower than a pixel or two. */
const MAX_BUCKETS = 400;
const MAX_PARTITIONS = 24;
const MAX_NODES = 40;

/** @returns `undefined` if no load ran. */
export function timelineOf(report: Report): Timeline | undefined {
  const { figures } = report;
  const spans = SPANS.flatMap((span) => figures.spans[span] ?? []);
  if (spans.length === 0 || figures.seconds.length === 0) return undefined;
  const loadFromMs = Math.min(...spans.map(({ fromMs }) => fromMs));
  const loadToMs = Math.max(...spans.map(({ toMs }) => toMs));
  const healedMs = report.timeline.flatMap((event) => (event.type === 'healed' ? [event.at] : []));
  const range = { fromMs: loadFromMs, toMs: Math.max(loadToMs, ...healedMs, ...figures.windows.map((w) => w.toMs)) };

  const secondsPerBucket = Math.max(1, Math.ceil((loadToMs - loadFromMs) / 1_000 / MAX_BUCKETS));
  const faults = faultBands(report, range.toMs);
  const partitions = partitionStrips(report);
  return {
    ...range,
    secondsPerBucket,
    kinds: report.run.kinds.map((kind) => ({
      kind: kind.name,
      ratePerSecond: kind.ratePerSecond,
      buckets: bucketsOf(report, kind, secondsPerBucket, { fromMs: loadFromMs, toMs: loadToMs }),
      windows: figures.windows.filter((window) => window.kind === kind.name && window.partition === undefined),
    })),
    faults,
    machine: (figures.host?.samples ?? []).flatMap(({ fromMs, toMs, busy, starved }) => {
      const within = { fromMs: Math.max(fromMs, range.fromMs), toMs: Math.min(toMs, range.toMs) };
      return within.fromMs < within.toMs ? [{ ...within, busy, ...(starved === undefined ? {} : { starved }) }] : [];
    }),
    nodes: nodeStrips(report, faults, range).slice(0, MAX_NODES),
    twoPrimaries: figures.roles?.twoPrimaries ?? [],
    partitions: partitions.shown,
    partitionsLeftOut: partitions.leftOut,
  };
}

/**
 * The load's first and last second are rarely whole. No event marks the end of the load, but the schedule is fixed, so
 * the last bucket is as long as the schedule needs for the operations intended in it.
 */
function bucketsOf(
  { figures }: Report,
  { name, ratePerSecond }: OperationKind,
  secondsPerBucket: number,
  load: TimeRange,
): Bucket[] {
  // A damaged report may have later ones, up to any number.
  const ofKind = figures.seconds.filter(({ kind, second }) => kind === name && second * 1_000 <= load.toMs);
  const bySlot = Map.groupBy(ofKind, ({ second }) => Math.floor(second / secondsPerBucket));
  const slots = [...bySlot.keys()];
  const first = Math.min(...slots);
  const last = Math.max(...slots);
  return Array.from({ length: ofKind.length === 0 ? 0 : last - first + 1 }, (_, i) => {
    const slot = first + i;
    const seconds = bySlot.get(slot) ?? [];
    const ok = seconds.reduce((sum, second) => sum + second.ok, 0);
    const failed = seconds.reduce((sum, second) => sum + second.failed, 0);
    const scheduledMs = ((ok + failed) * 1_000) / ratePerSecond;
    const fromMs = Math.max(load.fromMs, slot * secondsPerBucket * 1_000);
    const wholeMs = Math.max(fromMs, Math.min(load.toMs, (slot + 1) * secondsPerBucket * 1_000));
    const toMs = slot === last ? Math.min(wholeMs, fromMs + scheduledMs) : wholeMs;
    const perSecond = 1_000 / Math.max(1, toMs - fromMs, scheduledMs);
    return {
      fromMs,
      toMs,
      ok,
      failed,
      okPerSecond: ok * perSecond,
      failedPerSecond: failed * perSecond,
      p50Ms: worst(seconds.map(({ p50Ms }) => p50Ms)),
      p99Ms: worst(seconds.map(({ p99Ms }) => p99Ms)),
      maxMs: worst(seconds.map(({ maxMs }) => maxMs)),
    };
  });
}

function worst(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function faultBands({ timeline }: Report, endMs: number): FaultBand[] {
  const atOf = (type: 'heal-asked' | 'healed', act: number) =>
    timeline.find((event) => event.type === type && event.act === act)?.at;
  return timeline
    .toSorted((a, b) => a.at - b.at)
    .flatMap((event) => {
      if (event.type !== 'fault-in-effect') return [];
      const asked = timeline.find((other) => other.type === 'fault-asked' && other.act === event.act);
      if (asked?.type !== 'fault-asked') return [];
      const healedMs = atOf('healed', event.act);
      return [
        {
          act: event.act,
          fault: asked.fault,
          // Runs of earlier versions have no `state`.
          state: asked.state ?? asked.effect ?? asked.fault,
          targets: asked.targets,
          fromMs: event.at,
          toMs: healedMs ?? endMs,
          healAskedMs: atOf('heal-asked', event.act) ?? endMs,
          healed: healedMs !== undefined,
        },
      ];
    });
}

function nodeStrips({ nodes, timeline }: Report, faults: readonly FaultBand[], range: TimeRange): NodeStrip[] {
  const endMs = range.toMs;
  const lanes = new Map(roleLanes(timeline, range).map(({ node, stretches }) => [node, stretches]));
  const foreign = foreignActs(timeline);
  const ofOthers = (name: NodeName): NodeState[] =>
    foreign
      .filter(({ node, fromMs }) => node === name && fromMs < endMs)
      .map(({ state, fromMs, toMs = endMs }) => ({
        state: state === 'silent' ? state : `${state} by others`,
        fromMs,
        toMs: Math.min(toMs, endMs),
      }));
  return nodes.map(({ name }) => ({
    node: name,
    roles: lanes.get(name) ?? [],
    states: faults
      .filter(({ targets }) => targets.includes(name))
      .flatMap((band) => {
        const { fromMs, healAskedMs, toMs, healed } = band;
        const after = { state: healed ? 'returning' : 'not healed', fromMs: healAskedMs, toMs };
        return [{ state: band.state, fromMs, toMs: healAskedMs }, ...(toMs > healAskedMs ? [after] : [])];
      })
      .concat(ofOthers(name)),
  }));
}

function partitionStrips({ run, figures, placement, topology }: Report): { shown: PartitionStrip[]; leftOut: number } {
  const accessOf = new Map(run.kinds.map(({ name, access }) => [name, access]));
  const all = placement.map(({ name }) => {
    const windows = figures.windows.filter(({ partition }) => partition === name);
    return {
      partition: name,
      label: partitionNamed(topology.partitionWord, name),
      shortLabel: topology.partitionWord === undefined ? 'rows' : name,
      reads: windows.filter(({ kind }) => accessOf.get(kind) === 'read'),
      writes: windows.filter(({ kind }) => accessOf.get(kind) === 'write'),
    };
  });
  if (all.length <= MAX_PARTITIONS) return { shown: all, leftOut: 0 };
  const disturbed = all.filter(({ reads, writes }) => reads.length + writes.length > 0);
  const shown = (disturbed.length > 0 ? disturbed : all).slice(0, MAX_PARTITIONS);
  return { shown, leftOut: all.length - shown.length };
}
