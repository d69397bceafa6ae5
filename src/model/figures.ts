/**
 * The figures of a run, computed from its history by `measure/`. Times are milliseconds on the run's clock. They are
 * part of report.json, where a missing number is `null`: JSON has neither NaN nor Infinity.
 */

import type { HostSample } from './event.ts';
import type { Lost } from './loss.ts';
import type { Promised } from './promise.ts';
import type { Access, NodeName } from './topology.ts';

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface HostSampleFigures extends TimeRange, Omit<HostSample, 'forMs'> {
  /** Why the machine was overloaded; absent if it was not. */
  readonly starved?: string;
}

/** The machine that pgquake runs on, while the load ran. */
export interface HostFigures {
  readonly processors: number;
  readonly sampledMs: number;
  readonly starvedMs: number;
  readonly samples: readonly HostSampleFigures[];
}

/** The parts of a run with separate figures. */
export const SPANS = ['steady-state', 'fault', 'settle'] as const;
export type Span = (typeof SPANS)[number];

export interface Counts {
  /** Operations that were due by the schedule: the denominator of every share. Excludes `unsent`. */
  readonly intended: number;
  readonly ok: number;
  readonly fail: number;
  readonly unknown: number;
  /** Not sent, because of the client's own limits; not held against the cluster. */
  readonly unsent: number;
}

export interface Availability extends Counts {
  /** ok / intended, from 0 to 1; `null` if nothing was intended. */
  readonly share: number | null;
}

/** Latency of operations that ended `ok`, from the intended start. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Absent in reports of older versions. */
  readonly p9999Ms?: number;
  readonly maxMs: number;
}

/** A time in which service was impaired. */
export interface ServiceWindow extends TimeRange {
  /** `outage`: no success at all. `brownout`: some operations succeeded, others failed or were late. */
  readonly type: 'outage' | 'brownout';
  /** `read`, `scan`, `write`. */
  readonly kind: string;
  /** Set if the window is of one partition. */
  readonly partition?: string;
  /** Who saw it: the probes if they did, else the load. */
  readonly seenBy: 'probes' | 'load';
  readonly durationMs: number;
  /** The error of the duration, plus or minus: about the spacing of the operations that saw it. */
  readonly uncertaintyMs: number;
  /** Set if it was still open when the load stopped: it lasted at least this long. */
  readonly open?: true;
  readonly ok: number;
  readonly failed: number;
}

/** What one source, probes or load, saw of a kind of operation. */
export interface SourceFigures {
  /** The total of its outages, and of its brownouts. */
  readonly outageMs: number;
  readonly brownoutMs: number;
  /** Counts of the fault span. */
  readonly ok: number;
  readonly tried: number;
}

/** Probes and load disagree on a kind of operation. The windows are those of the worse source. */
export interface SourceDisagreement {
  readonly kind: string;
  readonly toldBy: 'probes' | 'load';
  readonly probes: SourceFigures;
  readonly load: SourceFigures;
}

/** How long a kind of operation took to recover, counted from the fault in effect. */
export interface Recovery {
  readonly kind: string;
  /** `null`: not recovered within the run. 0: at once. */
  readonly recoveryMs: number | null;
  readonly uncertaintyMs: number;
  /**
   * From the fault in effect to the first success after the kind's first outage. `null`: none within the run. 0: no
   * outage. Absent in reports of older versions.
   */
  readonly firstSuccessMs?: number | null;
  readonly firstSuccessUncertaintyMs?: number;
}

export interface ErrorGroup {
  readonly kind: string;
  readonly outcome: 'fail' | 'unknown' | 'unsent';
  readonly code: string;
  readonly text: string;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** One partition: the prediction for the fault, and what was seen. */
export interface PartitionFigures {
  readonly partition: string;
  readonly copies: readonly string[];
  /** Messages of the initial data set on it. */
  readonly messages: number;
  /** Of those, read with the right content while all faults were in effect. */
  readonly readableMessages: number;
  /** Of those, never tried then; absent if none. */
  readonly untriedMessages?: number;
  /** Of those, not answered to reads by partition key, but returned by a scan; absent if none. */
  readonly onlyScannedMessages?: number;
  readonly predictedReadable: boolean | undefined;
  readonly predictedWritable: boolean | undefined;
  /** What was predicted to wait for a frozen node; absent if nothing was. */
  readonly predictedStalled?: readonly Access[];
  /** Seen while all faults were in effect. */
  readonly read: Availability;
  readonly write: Availability;
}

/** One kind of operation in one second of the run, by intended start. */
export interface SecondFigures {
  readonly second: number;
  readonly kind: string;
  readonly ok: number;
  readonly failed: number;
  /** Latency of operations that ended `ok`, from the intended start; `null` if none did. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface ProbeFigures {
  /** `probe-read`, `probe-write`; `probe-connect` reads on a new connection. */
  readonly kind: string;
  readonly span: Span;
  readonly tried: number;
  readonly ok: number;
  /** From sending to settling, of probes that succeeded; `null` if none did. */
  readonly latency: Latency | null;
}

/** What one of two primaries acknowledged to the witness in that time. */
export interface TwoPrimariesSide {
  readonly node: NodeName;
  readonly timeline?: number;
  readonly acknowledged: number;
  /** Of those, missing on the final primary; `null` if that could not be read. */
  readonly lost: number | null;
  /** The first keys of the lost rows, or of all rows if none is lost: the node's number and a sequence number. */
  readonly rows: readonly string[];
}

export interface TwoPrimaries extends TimeRange {
  /** The certain part: each had committed before the other's last write was sent. 0: it may have been a handover. */
  readonly atLeastMs: number;
  readonly atMostMs: number;
  /** Exactly two. */
  readonly sides: readonly TwoPrimariesSide[];
}

/** A moment that lies between two observations. */
export interface SeenMoment {
  readonly atMs: number;
  /** It may have been up to this much earlier. */
  readonly uncertaintyMs: number;
}

/** One node replaced another as the primary. */
export interface Takeover {
  /** The previous primary; absent if none was seen. */
  readonly from?: NodeName;
  readonly to: NodeName;
  readonly timeline?: number;
  /** The zero of its times: the fault in effect, or requested if the fault itself made the new primary. */
  readonly sinceMs: number;
  /** The last act requested before it. */
  readonly act: number;
  /** The first write of the load that failed; absent if none did. */
  readonly failed?: SeenMoment;
  /** When the manager noticed the loss, and elected; absent if it did not report it. */
  readonly noticedMs?: number;
  readonly electedMs?: number;
  /** The new primary accepted writes. */
  readonly promoted: SeenMoment;
  /** For each kind of write, the first that the new primary acknowledged; `null` if none within the run. */
  readonly reached: readonly ({ readonly kind: string; readonly route?: string } & {
    readonly moment: SeenMoment | null;
  })[];
}

/** Lost acknowledged writes of the load, by the node that had them before it was rewound. */
export interface LostByNodeFigures {
  /** `null`: pgquake saw them on no node. */
  readonly node: NodeName | null;
  readonly timeline?: number;
  readonly count: number;
  /** When the first and the last were acknowledged. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface RoleFigures {
  /** What each node acknowledged to the witness, and what of it is missing on the final primary. */
  readonly witness: readonly {
    readonly node: NodeName;
    readonly acknowledged: number;
    /** `null` if the final primary could not be read. */
    readonly lost: number | null;
    /** From the first to the last acknowledgement of a lost row; 0 if none is lost. */
    readonly lostForMs: number;
  }[];
  /** Lost acknowledged writes of the load. */
  readonly lost: readonly LostByNodeFigures[];
  readonly twoPrimaries: readonly TwoPrimaries[];
  readonly takeovers: readonly Takeover[];
}

/** Lost acknowledged writes. `null`: none were acknowledged, or no final read was made. */
export interface RouteLosses {
  readonly load: { readonly acknowledged: number; readonly lost: number } | null;
  readonly probes: { readonly acknowledged: number; readonly lost: number } | null;
}

export interface RouteFigures {
  readonly route: string;
  readonly access: Access;
  readonly seenBy: ServiceWindow['seenBy'];
  /** Between two probes, or two operations of the load. */
  readonly spacingMs: number;
  /** Of all partitions together, in the order of time. */
  readonly windows: readonly ServiceWindow[];
  /** Counts of the fault span; the latency is from the intended start, of those that succeeded. */
  readonly fault: Availability;
  readonly latency: Latency | null;
  /** Set for writing. */
  readonly lost?: RouteLosses;
}

/** The longest write outage of one route that began during a loss. */
export interface OutageSeen {
  readonly route: string;
  /** `null`: nothing was written by it. 0: no outage. */
  readonly outMs: number | null;
  readonly uncertaintyMs?: number;
  readonly seenBy?: ServiceWindow['seenBy'];
  readonly fromMs?: number;
  /** Set if it was still open when the next act struck or the load stopped: it lasted at least this long. */
  readonly open?: true;
}

/** What the settings promised for a loss, and what was seen. */
export interface PromiseFigures {
  readonly act: number;
  readonly fault: string;
  /** When the fault took effect. */
  readonly fromMs: number;
  /** Until healing was requested, or another act struck. */
  readonly lastedMs: number;
  readonly lost: readonly Lost[];
  readonly promise: Promised;
  readonly writesOut: readonly OutageSeen[];
  /** Lost acknowledged writes; `null` if no final read was made. */
  readonly lostWrites: {
    /**
     * Acknowledged by the primary at the loss (or by an unknown node) since the previous loss: how many, and how long
     * before this loss the first one.
     */
    readonly before: number;
    readonly beforeMs: number;
    /** Acknowledged by the same until the next loss: how many, and from the first to the last. */
    readonly after: number;
    readonly afterMs: number;
    /** Acknowledged by other nodes after the loss; the promise puts none of these at risk. */
    readonly others: readonly {
      readonly node: NodeName;
      readonly count: number;
      readonly firstMs: number;
      readonly lastMs: number;
    }[];
  } | null;
  /** `null` if the witness could not see. */
  readonly twoPrimaries: { readonly atLeastMs: number; readonly atMostMs: number } | null;
}

export interface Figures {
  /** Absent if the run recorded no sample. */
  readonly host?: HostFigures;
  readonly spans: Readonly<Partial<Record<Span, TimeRange>>>;
  /**
   * All faults in effect, healing of none requested. If faults did not overlap: the longest time with the most nodes
   * struck. Without faults: the fault phase. Absent if there was no such time.
   */
  readonly fullEffect?: TimeRange;
  readonly availability: readonly { readonly kind: string; readonly span: Span; readonly figures: Availability }[];
  readonly latency: readonly { readonly kind: string; readonly span: Span; readonly figures: Latency }[];
  /** Empty without probes. */
  readonly probes: readonly ProbeFigures[];
  /** Of each kind as a whole, then of single partitions. */
  readonly windows: readonly ServiceWindow[];
  /** Kinds on which probes and load disagree. Absent in reports of older versions. */
  readonly disagreements?: readonly SourceDisagreement[];
  /** Absent if roles do not move. */
  readonly roles?: RoleFigures;
  /** Reading and writing by each route; absent if there is only one. */
  readonly routes?: readonly RouteFigures[];
  /** Absent if nothing was promised. */
  readonly promises?: readonly PromiseFigures[];
  /** Empty if no fault took effect. */
  readonly recovery: readonly Recovery[];
  readonly partitions: readonly PartitionFigures[];
  readonly errors: readonly ErrorGroup[];
  /** In the order of time, without seconds in which the kind had nothing due. */
  readonly seconds: readonly SecondFigures[];
}
