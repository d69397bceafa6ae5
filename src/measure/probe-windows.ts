/** Windows of reading and writing, as the probes saw them. */

import type { ServiceWindow } from '../model/figures.ts';
import { eventsOf, type History, type OperationKind } from '../model/history.ts';
import { lateAboveMs } from './lane.ts';
import { LatencyRecorder } from './latency.ts';
import { placementOf } from './partitions.ts';
import { ProbeLane } from './probe-lane.ts';
import { spansOf } from './spans.ts';

export interface Probed {
  /** The kind of probe. */
  readonly name: string;
  readonly access: OperationKind['access'];
  readonly route?: string | undefined;
  readonly whole: readonly ServiceWindow[];
  readonly partitions: readonly ServiceWindow[];
}

/** Windows of the probes on pooled connections, for each kind of probe. */
export function probeWindows(history: History): Probed[] {
  const steady = spansOf(history)['steady-state'];
  const partitions = placementOf(history)?.partitions ?? [];
  const stalls = eventsOf(history, 'load-kept').find(({ of }) => of === 'probes')?.stalls ?? [];
  const inUse = new Set<number>();
  for (const { partition } of history.probes.scan()) if (partition !== undefined) inUse.add(partition);
  const result: Probed[] = [];
  for (const kind of history.run.probes) {
    if (kind.connection !== 'pooled') continue;
    const latency = new LatencyRecorder();
    for (const probe of history.probes.scan()) {
      if (probe.kind !== kind.name || probe.outcome !== 'ok' || !steady) continue;
      if (probe.intendedAt < steady.toMs) latency.record(probe.settledAt - probe.sentAt);
    }
    const { p50Ms: steadyP50Ms = 0, p99Ms: steadyP99Ms = 0, p999Ms: steadyP999Ms = 0 } = latency.figures() ?? {};
    const spacingMs = 1_000 / kind.ratePerSecond;
    const steadyMs = { steadyP50Ms, steadyP99Ms, steadyP999Ms };
    const common = { kind: kind.name, lateAboveMs: lateAboveMs(steadyP99Ms), ...steadyMs, stalls };
    const lanes = partitions.map(
      ({ name }) => new ProbeLane({ ...common, spacingMs, partition: name, partitionsToHit: 1 }),
    );
    const all = new ProbeLane({
      ...common,
      spacingMs: spacingMs / Math.max(1, inUse.size),
      partitionsToHit: inUse.size,
    });
    for (const { kind: name, sentAt, settledAt, outcome, partition } of history.probes.scan()) {
      if (name !== kind.name || partition === undefined) continue;
      all.add(sentAt, settledAt, outcome, partition);
      lanes[partition]?.add(sentAt, settledAt, outcome, partition);
    }
    if (all.count === 0) continue;
    const ofPartitions = lanes.flatMap((lane) => lane.windows());
    const { name, access, route } = kind;
    result.push({ name, access, route, whole: all.windows(ofPartitions), partitions: ofPartitions });
  }
  return result;
}
