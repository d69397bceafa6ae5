/**
 * Outages and brownouts of whole kinds and of single partitions. Probes (`probe-windows.ts`) and load (`lane.ts`,
 * `silences.ts`) watch single partition keys; the worse of the two counts (`sources.ts`). Kinds without a probe, such
 * as scans, and runs without probes have only the load, to the spacing of its operations.
 */

import type { ServiceWindow, SourceDisagreement, TimeRange } from '../model/figures.ts';
import { eventsOf, type History, type OperationKind } from '../model/history.ts';
import { ABSENT, OK, type OperationRow, UNSENT } from '../model/operations.ts';
import { partitionNamed } from '../model/partition-words.ts';
import { formatDuration, formatMoment } from '../model/units.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { mainRouteOf, onOneRoute } from './main-route.ts';
import { placementOf } from './partitions.ts';
import { type Probed, probeWindows } from './probe-windows.ts';
import { SilenceLane } from './silences.ts';
import { type Compared, type Counts, disagreementOf, notIn, overlay, worseOf } from './sources.ts';
import { spansOf } from './spans.ts';

export interface WindowsOfRun {
  /** Of whole kinds, then of single partitions; each in the order of time. */
  readonly windows: readonly ServiceWindow[];
  /** Where probes and load disagree. */
  readonly disagreements: readonly SourceDisagreement[];
  /** Windows of the probes alone. */
  readonly probed: readonly Probed[];
}

/** @param limitMs for each kind, the latency above which an operation is late. */
export function windowsOfRun(history: History, limitMs: (kind: string) => number): WindowsOfRun {
  const probed = probeWindows(history);
  const main = mainRouteOf(history);
  const disagreements: SourceDisagreement[] = [];
  const ofKind = loadWindows(history, limitMs).map(({ kind, whole, partitions }) => {
    const seenBy = probed.find((probes) => probes.access === kind.access && onOneRoute(probes, kind, main));
    const probes = kind.scope === 'partition' ? seenBy : undefined;
    if (!probes) {
      const alone = (seen: LoadWindows) => ofLoadAlone(history, kind.name, seen);
      return { whole: alone(whole), partitions: partitions.flatMap(alone) };
    }
    const named = (windows: readonly ServiceWindow[]) => windows.map((window) => ({ ...window, kind: kind.name }));
    const names = { load: kind.name, probes: probes.name };
    const worse = (ofProbes: readonly ServiceWindow[], { ofLane, silences }: LoadWindows) => {
      const seen = named(ofProbes);
      const load = overlay(ofLane, silences);
      const { windows, added } = worseOf(seen, load);
      return { probes: seen, load, added, windows: counted(history, windows, [...seen, ...load], names) };
    };
    const told = worse(probes.whole, whole);
    const counts = countsOf(history, kind, probes.name);
    const loadSpacingMs = 1_000 / kind.ratePerSecond;
    const disagreement = disagreementOf({ ...told, kind: kind.name, loadSpacingMs, counts });
    if (disagreement) disagreements.push(disagreement);
    const ofPartitions = partitions.map((one) =>
      worse(
        probes.partitions.filter(({ partition }) => partition === one.partition),
        one,
      ),
    );
    return { whole: told.windows, partitions: ofPartitions.flatMap(({ windows }) => windows) };
  });
  return {
    windows: [...ofKind.flatMap(({ whole }) => whole), ...ofKind.flatMap(({ partitions }) => partitions)],
    disagreements,
    probed,
  };
}

interface LoadWindows {
  readonly partition: string | undefined;
  readonly ofLane: readonly ServiceWindow[];
  readonly silences: readonly ServiceWindow[];
}

interface LoadWindowsOfKind {
  readonly kind: OperationKind;
  readonly whole: LoadWindows;
  readonly partitions: readonly LoadWindows[];
}

/** The windows that the load saw, in one pass over its operations. */
function loadWindows(history: History, limitMs: (kind: string) => number): LoadWindowsOfKind[] {
  const { partitions = [], partitionOfKey = {} } = placementOf(history) ?? {};
  const partitionsInUse = new Set(Object.values(partitionOfKey)).size;
  const stalls = eventsOf(history, 'load-kept').find(({ of }) => of === undefined)?.stalls ?? [];
  const lanes = history.run.kinds.map((kind) => {
    const spacingMs = 1_000 / kind.ratePerSecond;
    const limits = { kind: kind.name, lateAboveMs: limitMs(kind.name) };
    const partitionsToHit = kind.scope === 'partition' ? partitionsInUse : 0;
    const whole = new LoadLane({ ...limits, spacingMs, partitionsToHit }, stalls);
    const ofPartition = { ...limits, spacingMs: spacingMs * partitions.length, partitionsToHit: 0 };
    return {
      kind,
      lateAboveMs: limits.lateAboveMs,
      whole,
      partitions: partitions.map(({ name }) => new LoadLane({ ...ofPartition, partition: name }, stalls)),
    };
  });
  const { data } = history.operations;
  const { kind, outcome, partition, settledAfterUs } = data.columns;
  const lanesOf = data.kinds.map((name) => lanes.find((lane) => lane.kind.name === name));
  for (const operation of history.operations.scan()) {
    const row = operation.index;
    const lane = lanesOf[kind[row] as number];
    if (!lane || outcome[row] === UNSENT) continue;
    const good = outcome[row] === OK && (settledAfterUs[row] as number) / 1_000 <= lane.lateAboveMs;
    lane.whole.add(operation, good);
    const on = partition[row] as number;
    if (on !== ABSENT) lane.partitions[on]?.add(operation, good);
  }
  return lanes.map(({ kind, whole, partitions: ofPartitions }) => ({
    kind,
    whole: whole.end(),
    partitions: ofPartitions.map((one) => one.end()),
  }));
}

/** Both ways to find windows in a lane of the load. */
class LoadLane {
  readonly #partition: string | undefined;
  readonly #lane: Lane;
  readonly #silences: SilenceLane;

  constructor(options: LaneOptions, stalls: readonly TimeRange[]) {
    this.#partition = options.partition;
    this.#lane = new Lane(options);
    this.#silences = new SilenceLane(options, stalls);
  }

  /** @param good answered in time, as nearly all are in a healthy service. */
  add(operation: OperationRow, good: boolean): void {
    if (good && !this.#lane.open) this.#lane.passed(operation.intendedAt);
    else this.#lane.add(operation);
    if (good && !this.#silences.open) this.#silences.passed(operation.intendedAt);
    else this.#silences.add(operation);
  }

  end(): LoadWindows {
    return { partition: this.#partition, ofLane: this.#lane.end(), silences: this.#silences.end() };
  }
}

/** Without probes, a wait of the load is an outage too, even if all that waited were answered in the end. */
function ofLoadAlone(history: History, kind: string, { ofLane, silences }: LoadWindows): readonly ServiceWindow[] {
  const waits = notIn(
    silences,
    ofLane.filter(({ type }) => type === 'outage'),
  );
  return counted(history, overlay(ofLane, waits), ofLane, { load: kind, probes: kind });
}

/**
 * Recounts brownouts that were cut, and drops those without operations. @param names of the kind, in load and probes.
 */
function counted(
  history: History,
  windows: readonly ServiceWindow[],
  whole: readonly ServiceWindow[],
  names: Readonly<Record<ServiceWindow['seenBy'], string>>,
): readonly ServiceWindow[] {
  const cut = windows.filter((window) => window.type === 'brownout' && !whole.includes(window));
  const counts = new Map(cut.map((window) => [window, { ok: 0, failed: 0 }]));
  const partitions = placementOf(history)?.partitions ?? [];
  for (const seenBy of ['load', 'probes'] as const) {
    const ofSource = cut.filter((window) => window.seenBy === seenBy);
    if (ofSource.length === 0) continue;
    const log = seenBy === 'load' ? history.operations : history.probes;
    for (const { kind, partition, intendedAt, outcome } of log.scan()) {
      if (kind !== names[seenBy] || outcome === 'unsent') continue;
      for (const window of ofSource) {
        if (intendedAt < window.fromMs || intendedAt >= window.toMs) continue;
        if (
          window.partition !== undefined &&
          (partition === undefined || partitions[partition]?.name !== window.partition)
        )
          continue;
        const count = counts.get(window);
        if (count) count[outcome === 'ok' ? 'ok' : 'failed']++;
      }
    }
  }
  return windows.map((window) => ({ ...window, ...counts.get(window) })).filter(({ ok, failed }) => ok + failed > 0);
}

/** What each source tried in the fault span, and how much was ok; in the whole run without such a span. */
function countsOf(history: History, kind: OperationKind, probe: string): Compared['counts'] {
  const span = spansOf(history).fault ?? { fromMs: 0, toMs: Number.POSITIVE_INFINITY };
  const count = (log: History['operations'], name: string): Counts => {
    let ok = 0;
    let tried = 0;
    for (const operation of log.scan()) {
      if (operation.kind !== name || operation.outcome === 'unsent') continue;
      if (operation.intendedAt < span.fromMs || operation.intendedAt > span.toMs) continue;
      tried++;
      if (operation.outcome === 'ok') ok++;
    }
    return { ok, tried };
  };
  return { probes: count(history.probes, probe), load: count(history.operations, kind.name) };
}

/** `outage of write, 4.013 s to 12.410 s: 8.4 s ± 20 ms, 419 failed`. @param word the engine's, for a partition. */
export function describeWindow(
  { type, kind, partition, fromMs, toMs, durationMs, uncertaintyMs, open, ok, failed, seenBy }: ServiceWindow,
  word: string | undefined,
) {
  const of = `of ${kind}${partition === undefined ? '' : ` on ${partitionNamed(word, partition)}`}`;
  const source = seenBy === 'probes' ? ' of the probes' : '';
  // Without a success, "brownout" would be the wrong word.
  if (type === 'brownout' && ok === 0) {
    const failures = failed === 1 ? 'a single failure' : `${failed} failures`;
    return `${failures} ${of}${source}, ${formatMoment(fromMs)} to ${formatMoment(toMs)}`;
  }
  const duration = `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}`;
  const counts = type === 'outage' ? `${failed}${source} failed` : `${failed}${source} failed, ${ok} succeeded`;
  const end = open ? ', still open when the load stopped' : '';
  return `${type} ${of}, ${formatMoment(fromMs)} to ${formatMoment(toMs)}: ${duration}, ${counts}${end}`;
}
