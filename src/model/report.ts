/** What the reporters render: a run's history boiled down. `report.json` is this value, versioned. */

import type { NodeInfo, TimedEvent } from './event.ts';
import type { Figures } from './figures.ts';
import type { RunInfo } from './history.ts';
import type { PlannedAct } from './plan.ts';
import type { Partition, Topology } from './topology.ts';
import type { CheckResult, Judgement } from './verdict.ts';

/** Raised when a reader of the old version could not read the new one. */
export const REPORT_VERSION = 2;

/** Cases of one kind of finding. */
export interface Witnessed {
  readonly count: number;
  /** Up to 8 keys, `writer:sequence`. */
  readonly witnesses: readonly string[];
  /** Statements that look at them again, each with the node to ask. Absent where there is nothing to look at. */
  readonly sql?: readonly string[];
}

export interface LateFigures extends Witnessed {
  /** The longest from an acknowledgement until the write was visible; `null` without one. */
  readonly forMs: number | null;
  /** Where the witnesses stood prepared, as far as that is known. */
  readonly prepared: readonly { readonly key: string; readonly node: string; readonly gid: string }[];
}

/** What is optional is absent in reports of older versions. */
export interface LedgerFigures {
  /** Writes that the load sent. */
  readonly written: number;
  readonly acknowledged: number;
  /** Unknown when they settled. */
  readonly unknown: number;
  /** Of the unknown ones, found by the final reads: they were committed. */
  readonly unknownPresent: number;
  /** Of the unknown ones, in no final read although everything was read. The rest is unresolved. */
  readonly unknownAbsent?: number;
  /** Acknowledged and in no final read. */
  readonly lost: Witnessed;
  /** Acknowledged or initial, on a placement, and not seen by clients. */
  readonly hidden?: Witnessed;
  /** Acknowledged, not visible while prepared transactions stood after the load had stopped, and there in the end. */
  readonly late?: LateFigures;
  /** Unknown, returned by a read of the load, and in no final read: committed, and gone. */
  readonly receded?: Witnessed;
  /** Certainly failed, and in a final read. */
  readonly resurrected?: Witnessed;
  /** In a final read, and never sent. */
  readonly unexpected?: Witnessed;
  /** On some placements of their partition and not on others. */
  readonly divergent?: Witnessed;
  /** Reads that missed a write acknowledged before they were sent. */
  readonly staleReads: Witnessed;
  /** The longest from an acknowledgement to a read that was sent and missed it; `null` without one. */
  readonly staleForMs?: number | null;
  /** Written by a session, and not read back by it. */
  readonly readYourWrites?: Witnessed;
  /** Read by a session, and not found again by it. */
  readonly monotonicReads?: Witnessed;
  readonly duplicated: Witnessed;
  readonly corrupted: Witnessed;
  /** Whether the final reads were made at all; without them nothing above is proven. */
  readonly finalReads: boolean;
  /** Set where nothing verifies what reads of the load return: their counts say nothing then. */
  readonly unverifiedReads?: true;
}

export interface Report {
  readonly version: typeof REPORT_VERSION;
  readonly run: RunInfo;
  readonly judgement: Judgement;
  /** One sentence: what was found. */
  readonly finding: string;
  readonly results: readonly CheckResult[];
  readonly topology: Topology & {
    readonly platform: string | undefined;
    readonly engine: string | undefined;
    readonly reason: string;
    /** The cluster that stood before the run and goes on standing after it; absent where the run made its own. */
    readonly attach?: string;
  };
  readonly nodes: readonly NodeInfo[];
  readonly placement: readonly Partition[];
  readonly acts: readonly PlannedAct[];
  readonly durationMs: number;
  /** The run's events but for the bulky reads. */
  readonly timeline: readonly TimedEvent[];
  readonly figures: Figures;
  /** `null` where nothing accounts for rows. */
  readonly ledger: LedgerFigures | null;
}
