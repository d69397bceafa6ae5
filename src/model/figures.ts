/**
 * Figures of a run, computed from its history by `measure/`. Times on the run's clock, in milliseconds.
 * They are part of report.json, so what has no number is `null`: JSON has neither NaN nor Infinity.
 */

import type { Lost } from './loss.ts';
import type { Promised } from './promise.ts';
import type { Access, NodeName } from './topology.ts';

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one second asked of the machine that pgquake runs on. Shares go from 0 to 1. */
export interface HostSampleFigures extends TimeRange {
  readonly busy: number;
  readonly stolen: number;
  readonly runnable?: number;
  readonly pressure?: { readonly cpu?: number; readonly memory?: number; readonly io?: number };
  readonly lateMs: number;
  /** Why the machine had too little to give, in words; absent where it had enough. */
  readonly starved?: string;
}

/** While the load ran. */
export interface HostFigures {
  readonly processors: number;
  readonly sampledMs: number;
  readonly starvedMs: number;
  readonly samples: readonly HostSampleFigures[];
}

/** The parts of a run that figures are told apart by. */
export const SPANS = ['steady-state', 'fault', 'settle'] as const;
export type Span = (typeof SPANS)[number];

export interface Counts {
  /** Operations that the schedule wanted: the denominator of every share. Excludes `unsent`. */
  readonly intended: number;
  readonly ok: number;
  readonly fail: number;
  readonly unknown: number;
  /** The client's own limit; charged to nobody. */
  readonly unsent: number;
}

export interface Availability extends Counts {
  /** ok / intended, from 0 to 1; `null` when nothing was intended. */
  readonly share: number | null;
}

/** Of operations that ended `ok`, from the intended start. */
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

/** A stretch in which service was not as it should be. */
export interface ServiceWindow extends TimeRange {
  /** `outage`: no success at all. `brownout`: successes, but some failed or came late. */
  readonly type: 'outage' | 'brownout';
  /** `read`, `scan`, `write`. */
  readonly kind: string;
  /** Set where the window is that of one partition. */
  readonly partition?: string;
  /** Light probes of every partition, where they saw it; else the load's own operations. */
  readonly seenBy: 'probes' | 'load';
  readonly durationMs: number;
  /** The duration is true to plus or minus this: about the spacing of the operations that saw it. */
  readonly uncertaintyMs: number;
  /** Set where it was still on when the load stopped: it lasted at least this long. */
  readonly open?: true;
  readonly ok: number;
  readonly failed: number;
}

/** What one source, probes or load, saw of one kind of operation. */
export interface SourceFigures {
  /** Of its outages, and of its brownouts, all together. */
  readonly outageMs: number;
  readonly brownoutMs: number;
  /** Of what it tried in the fault span, how many succeeded. */
  readonly ok: number;
  readonly tried: number;
}

/** Probes and load do not tell the same of a kind of operation. The windows are those of the worse one. */
export interface SourceDisagreement {
  readonly kind: string;
  readonly toldBy: 'probes' | 'load';
  readonly probes: SourceFigures;
  readonly load: SourceFigures;
}

/** How long a kind of operation took to be back as before, counted from the fault in effect. */
export interface Recovery {
  readonly kind: string;
  /** `null`: not back within the run. 0: at once. */
  readonly recoveryMs: number | null;
  readonly uncertaintyMs: number;
  /**
   * From the fault in effect to the first success after the kind's first outage. `null`: none within the run. 0:
   * successes went on. Absent in reports of older versions.
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

/** One partition: what was predicted for the fault and what was seen. */
export interface PartitionFigures {
  readonly partition: string;
  readonly copies: readonly string[];
  /** Messages of the initial data set that live on it. */
  readonly messages: number;
  /** Of those, read with the right content while the fault was in full effect. */
  readonly readableMessages: number;
  /** Those that nobody tried to read then; absent where there are none. */
  readonly untriedMessages?: number;
  /** Those that reads of their partition keys asked for in vain, and that a scan returned; absent where there are none. */
  readonly onlyScannedMessages?: number;
  readonly predictedReadable: boolean | undefined;
  readonly predictedWritable: boolean | undefined;
  /** What was predicted to wait for a frozen node; absent where nothing was. */
  readonly predictedStalled?: readonly Access[];
  /** Seen while the fault was in full effect; `undefined` when nothing was tried. */
  readonly read: Availability;
  readonly write: Availability;
}

/** One kind of operation in one full second of the run, by intended start. */
export interface SecondFigures {
  readonly second: number;
  readonly kind: string;
  readonly ok: number;
  readonly failed: number;
  /** Of operations that ended `ok`, from the intended start; `null` when none did. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** One kind of probe in one span, over all partitions. */
export interface ProbeFigures {
  /** `probe-read`, `probe-write`; `probe-connect` reads on a connection of its own. */
  readonly kind: string;
  readonly span: Span;
  readonly tried: number;
  readonly ok: number;
  /** From sent until settled, of those that succeeded; `null` where none did. */
  readonly latency: Latency | null;
}

/** What one of two primaries acknowledged to the witness meanwhile. */
export interface TwoPrimariesSide {
  readonly node: NodeName;
  readonly timeline?: number;
  readonly acknowledged: number;
  /** Of those: not on the final primary. `null` where that could not be read. */
  readonly lost: number | null;
  /** The first few of the lost ones, or of all where none is: the node's number and a sequence number. */
  readonly rows: readonly string[];
}

/** A time in which two nodes acknowledged writes. */
export interface TwoPrimaries extends TimeRange {
  /** Each had committed before the other's last write was sent. 0: it may have been a handover. */
  readonly atLeastMs: number;
  readonly atMostMs: number;
  /** Two of them. */
  readonly sides: readonly TwoPrimariesSide[];
}

/** A moment that lies between two observations. */
export interface SeenMoment {
  readonly atMs: number;
  /** It may have been so much earlier. */
  readonly uncertaintyMs: number;
}

/** One node took the place of another as the primary. */
export interface Takeover {
  /** The primary before; absent where none was seen. */
  readonly from?: NodeName;
  readonly to: NodeName;
  readonly timeline?: number;
  /** Counted from here: the fault in effect, or asked for where that itself made the new primary. */
  readonly sinceMs: number;
  /** The act that was asked for last before it. */
  readonly act: number;
  /** The first write of the load that failed; absent where none did. */
  readonly failed?: SeenMoment;
  /** When the manager noticed, and chose; absent where it did not say so. */
  readonly noticedMs?: number;
  readonly electedMs?: number;
  /** The new primary accepted writes. */
  readonly promoted: SeenMoment;
  /** By kind of write: the first that the new primary acknowledged; `null` where none was within the run. */
  readonly reached: readonly ({ readonly kind: string; readonly route?: string } & {
    readonly moment: SeenMoment | null;
  })[];
}

/** Acknowledged writes of the load that are gone, by the node that had them before it was rewound. */
export interface LostByNodeFigures {
  /** `null`: no node was seen to have them. */
  readonly node: NodeName | null;
  readonly timeline?: number;
  readonly count: number;
  /** When the first and the last of them were acknowledged. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Of a cluster whose roles move. */
export interface RoleFigures {
  /** What the witness had acknowledged by each node, and what of it is not on the final primary. */
  readonly witness: readonly {
    readonly node: NodeName;
    readonly acknowledged: number;
    /** `null` where the final primary could not be read. */
    readonly lost: number | null;
    /** From the first to the last acknowledgement of a lost row; 0 where none is. */
    readonly lostForMs: number;
  }[];
  /** Of the load's acknowledged writes, those that are gone. */
  readonly lost: readonly LostByNodeFigures[];
  readonly twoPrimaries: readonly TwoPrimaries[];
  readonly takeovers: readonly Takeover[];
}

/** What became of acknowledged writes. `null`: none were acknowledged, or nobody read what is there in the end. */
export interface RouteLosses {
  readonly load: { readonly acknowledged: number; readonly lost: number } | null;
  readonly probes: { readonly acknowledged: number; readonly lost: number } | null;
}

/** Reading or writing by one route. */
export interface RouteFigures {
  readonly route: string;
  readonly access: Access;
  readonly seenBy: ServiceWindow['seenBy'];
  /** Between two of what saw it. */
  readonly spacingMs: number;
  /** Of the whole, in the order of time. */
  readonly windows: readonly ServiceWindow[];
  /** In the fault span; the latency is from the intended start, of those that succeeded. */
  readonly fault: Availability;
  readonly latency: Latency | null;
  /** Of writing. */
  readonly lost?: RouteLosses;
}

/** The longest time without a write by one route that began while a loss lasted. */
export interface OutageSeen {
  readonly route: string;
  /** `null`: nobody wrote by it. 0: no outage. */
  readonly outMs: number | null;
  readonly uncertaintyMs?: number;
  readonly seenBy?: ServiceWindow['seenBy'];
  readonly fromMs?: number;
  /** It was still on when the next act struck, or the load stopped: it lasted at least so long. */
  readonly open?: true;
}

/** What settings promised for a loss, beside what was seen. */
export interface PromiseFigures {
  readonly act: number;
  readonly fault: string;
  /** The fault in effect. */
  readonly fromMs: number;
  /** Until the loss was asked to heal, or another act struck. */
  readonly lastedMs: number;
  readonly lost: readonly Lost[];
  readonly promise: Promised;
  readonly writesOut: readonly OutageSeen[];
  /** Acknowledged writes that are gone; `null` where nobody read what is there in the end. */
  readonly lostWrites: {
    /** Of the node that was primary at the loss, or of none that is known: since the loss before, and how long before this one. */
    readonly before: number;
    readonly beforeMs: number;
    /** Of the same, until the next loss, and from the first to the last of them. */
    readonly after: number;
    readonly afterMs: number;
    /** Of other nodes, after the loss: at no risk. */
    readonly others: readonly {
      readonly node: NodeName;
      readonly count: number;
      readonly firstMs: number;
      readonly lastMs: number;
    }[];
  } | null;
  /** `null` where the witness cannot tell. */
  readonly twoPrimaries: { readonly atLeastMs: number; readonly atMostMs: number } | null;
}

export interface Figures {
  /** Absent where the run recorded none. */
  readonly host?: HostFigures;
  readonly spans: Readonly<Partial<Record<Span, TimeRange>>>;
  /**
   * All faults in effect and none asked to heal. Where faults did not overlap: the longest time with the
   * most nodes struck. Without faults: the fault phase. Absent when there was no such time.
   */
  readonly fullEffect?: TimeRange;
  readonly availability: readonly { readonly kind: string; readonly span: Span; readonly figures: Availability }[];
  readonly latency: readonly { readonly kind: string; readonly span: Span; readonly figures: Latency }[];
  /** Empty where there were no probes. */
  readonly probes: readonly ProbeFigures[];
  /** Of whole kinds, then of single partitions. */
  readonly windows: readonly ServiceWindow[];
  /** Kinds of which probes and load do not tell the same. Absent in reports of older versions. */
  readonly disagreements?: readonly SourceDisagreement[];
  /** Absent where roles do not move. */
  readonly roles?: RoleFigures;
  /** Reading and writing by each route; absent where there was but one. */
  readonly routes?: readonly RouteFigures[];
  /** Absent where nothing was promised. */
  readonly promises?: readonly PromiseFigures[];
  /** Empty when no fault took effect. */
  readonly recovery: readonly Recovery[];
  readonly partitions: readonly PartitionFigures[];
  readonly errors: readonly ErrorGroup[];
  /** In the order of time; a second in which a kind intended nothing is left out. */
  readonly seconds: readonly SecondFigures[];
}
