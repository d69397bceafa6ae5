/** What the reporters render: the summary of a run. `report.json` is this value, versioned. */

import type { NodeInfo, TimedEvent } from './event.ts';
import type { Figures } from './figures.ts';
import type { RunInfo } from './history.ts';
import type { PlannedAct } from './plan.ts';
import type { Partition, Topology } from './topology.ts';
import type { CheckResult, Judgement } from './verdict.ts';

/** Raised by changes that break readers of the old version. */
export const REPORT_VERSION = 2;

export interface Witnessed {
  readonly count: number;
  /** Up to 8 keys, `writer:sequence`. */
  readonly witnesses: readonly string[];
  /** Statements that query them again, each with the node to ask. Absent if there is nothing to query. */
  readonly sql?: readonly string[];
}

export interface LateFigures extends Witnessed {
  /** The longest time from an acknowledgement until the write was visible; `null` without one. */
  readonly forMs: number | null;
  /** Where the witnesses were prepared, as far as known. */
  readonly prepared: readonly { readonly key: string; readonly node: string; readonly gid: string }[];
}

/** Optional fields are absent in reports of older versions. */
export interface LedgerFigures {
  /** Writes that the load sent. */
  readonly written: number;
  readonly acknowledged: number;
  /** Writes that ended `unknown`. */
  readonly unknown: number;
  /** Of the unknown ones, committed: in a final read. */
  readonly unknownPresent: number;
  /** Of the unknown ones, in no final read although everything was read. The rest is unresolved. */
  readonly unknownAbsent?: number;
  /** Acknowledged, and in no final read. */
  readonly lost: Witnessed;
  /** Acknowledged or initial, on a placement but not visible to clients. */
  readonly hidden?: Witnessed;
  /** Acknowledged, invisible while transactions were still prepared after the load, and visible in the end. */
  readonly late?: LateFigures;
  /** Unknown, returned by a read of the load, and in no final read: committed, then lost. */
  readonly receded?: Witnessed;
  /** Certainly failed, yet in a final read. */
  readonly resurrected?: Witnessed;
  /** In a final read, but never sent. */
  readonly unexpected?: Witnessed;
  /** On some placements of their partition, missing on others. */
  readonly divergent?: Witnessed;
  /** Reads that missed a write acknowledged before they were sent. */
  readonly staleReads: Witnessed;
  /** The longest time from an acknowledgement until a read that missed it was sent; `null` without one. */
  readonly staleForMs?: number | null;
  /** Written by a session, then missing in its reads. */
  readonly readYourWrites?: Witnessed;
  /** Read by a session, then missing in its later reads. */
  readonly monotonicReads?: Witnessed;
  readonly duplicated: Witnessed;
  readonly corrupted: Witnessed;
  /** Whether pgquake made any final read; without one nothing above is proven. */
  readonly finalReads: boolean;
  /** Set if the workload does not verify what its reads return: the counts of reads then mean nothing. */
  readonly unverifiedReads?: true;
}

export interface Report {
  readonly version: typeof REPORT_VERSION;
  readonly run: RunInfo;
  readonly judgement: Judgement;
  /** One sentence. */
  readonly finding: string;
  readonly results: readonly CheckResult[];
  readonly topology: Topology & {
    readonly platform: string | undefined;
    readonly engine: string | undefined;
    readonly reason: string;
    /** The existing cluster that the run attached to; absent if the run made its own. */
    readonly attach?: string;
  };
  readonly nodes: readonly NodeInfo[];
  readonly placement: readonly Partition[];
  readonly acts: readonly PlannedAct[];
  readonly durationMs: number;
  /** The run's events without the large reads. */
  readonly timeline: readonly TimedEvent[];
  readonly figures: Figures;
  /** `null` if the workload does not account for its rows. */
  readonly ledger: LedgerFigures | null;
}
