/** What the reporters render: a run's history boiled down. `report.json` is this value, versioned. */

import type { NodeInfo, TimedEvent } from './event.ts';
import type { Figures } from './figures.ts';
import type { RunInfo } from './history.ts';
import type { PlannedAct } from './plan.ts';
import type { EngineChoice, PlatformChoice } from './scenario.ts';
import type { Shard, Topology } from './topology.ts';
import type { CheckResult, Judgement } from './verdict.ts';

/** Raised when a reader of the old version could not read the new one. */
export const REPORT_VERSION = 1;

export interface LedgerFigures {
  /** Writes that the load sent. */
  readonly written: number;
  readonly acknowledged: number;
  /** Unknown when they settled. */
  readonly unknown: number;
  /** Of the unknown ones, found by the final reads. */
  readonly unknownPresent: number;
  /** Acknowledged and in no final read. Up to 8 keys beside the count. */
  readonly lost: { readonly count: number; readonly witnesses: readonly string[] };
  /** Reads that missed a write acknowledged before they were sent. */
  readonly staleReads: { readonly count: number; readonly witnesses: readonly string[] };
  readonly duplicated: { readonly count: number; readonly witnesses: readonly string[] };
  readonly corrupted: { readonly count: number; readonly witnesses: readonly string[] };
  /** Whether the final reads were made at all; without them nothing above is proven. */
  readonly finalReads: boolean;
}

export interface Report {
  readonly version: typeof REPORT_VERSION;
  readonly run: RunInfo;
  readonly judgement: Judgement;
  /** One sentence: what was found. */
  readonly finding: string;
  readonly results: readonly CheckResult[];
  readonly topology: Topology & {
    readonly platform: Exclude<PlatformChoice, 'auto'> | undefined;
    readonly engine: Exclude<EngineChoice, 'auto'> | undefined;
    readonly reason: string;
  };
  readonly nodes: readonly NodeInfo[];
  readonly placement: readonly Shard[];
  readonly acts: readonly PlannedAct[];
  readonly durationMs: number;
  /** The run's events but for the bulky reads. */
  readonly timeline: readonly TimedEvent[];
  readonly figures: Figures;
  readonly ledger: LedgerFigures;
}
