/** What one run of a proof shows: each partition next to its prediction, and lost writes. Pure. */

import { type PredictedService, servedBesidePrediction } from './measure/as-predicted.ts';
import { actsOf } from './measure/spans.ts';
import { eventsOf, type History } from './model/history.ts';
import { KeySet } from './model/key-ranges.ts';
import type { Report } from './model/report.ts';
import { formatCount } from './model/units.ts';
import { type CheckResult, worst } from './model/verdict.ts';
import { comparePartitions, type ObservedPartition, type ProvenSubset, type SubsetToProve } from './plan/proof.ts';

export interface ProvenRun {
  readonly report: Report;
  readonly history: History;
  /** The rows that the cluster had when its previous run ended. */
  readonly known: KeySet;
  /** What the engine calls a partition. */
  readonly word: string;
  /** The checks that tell whether the machine and the client kept up. */
  readonly excusing: ReadonlySet<string>;
}

/** Judges by the run's checks and by lost writes of earlier runs. A busy machine invalidates only timeouts. */
export function provenSubset(subset: SubsetToProve, run: ProvenRun): ProvenSubset {
  const { report, history, known, word } = run;
  const seen = servedBesidePrediction(history);
  // The `prediction` check reports partitions that were never probed.
  const asked = 'why' in seen ? [] : seen.filter(wasAsked);
  const observed = asked.map((one) => observedIn(history, one));
  const predicted = asked.flatMap(({ predicted }) => predicted ?? []);
  const { partitions, findings } = comparePartitions(predicted, observed, word);
  const present = presentIn(history);
  const missing = present ? known.without(present).size : 0;
  const lost = missing === 0 ? [] : [`${formatCount(missing, 'acknowledged write')} of earlier sets lost`];
  const surelySeen = partitions.length > 0 && partitions.every(isCertain);
  const counted = report.results.filter(({ check }) => !(surelySeen && run.excusing.has(check)));
  const told = notPassed(counted).filter(({ check }) => findings.length === 0 || check !== 'prediction');
  const [act] = actsOf(history);
  const between = (fromMs = 0, toMs = fromMs) => toMs - fromMs;
  return {
    ...subset,
    judgement: worst([...counted.map(({ judgement }) => judgement), ...lost.map(() => 'fail' as const)]),
    findings: [...findings, ...lost, ...told.map(({ check, observed }) => `${check}: ${observed}`)],
    partitions,
    run: report.run.id,
    strikeMs: between(act?.askedMs, act?.effectMs),
    probeMs: between(act?.effectMs, act?.healAskedMs),
    healMs: between(act?.healAskedMs, act?.healedMs),
  };
}

/** If a result says why the run ended early, it explains the others. */
function notPassed(results: readonly CheckResult[]): readonly CheckResult[] {
  const ended = results.filter(({ tells }) => tells === 'end');
  return ended.length > 0 ? ended : results.filter(({ judgement }) => judgement !== 'pass');
}

/** The rows that clients found in the final read; `undefined` where there was none. */
export function presentIn(history: Pick<History, 'events'>): KeySet | undefined {
  const [last] = eventsOf(history, 'final-read');
  return last && KeySet.fromRanges(last.read.present);
}

/** Whether a run healed its cluster completely. */
export function leftWell(history: Pick<History, 'events'>): boolean {
  const struck = eventsOf(history, 'fault-asked').length > 0;
  const verified = eventsOf(history, 'healing-verified');
  return (
    eventsOf(history, 'heal-failed').length === 0 &&
    verified.every(({ left }) => left.length === 0) &&
    (!struck || verified.length > 0)
  );
}

/** How the error of a timeout begins. */
const LATE = 'deadline: ';

function isCertain({ readable, writable, readError = LATE, writeError = LATE }: ObservedPartition): boolean {
  return (readable || !readError.startsWith(LATE)) && (writable || !writeError.startsWith(LATE));
}

function wasAsked({ service: { read, write }, predicted }: PredictedService): boolean {
  return predicted !== undefined && read.availability().intended > 0 && write.availability().intended > 0;
}

function observedIn(history: History, { service, range }: PredictedService): ObservedPartition {
  const { name, index } = service.partition;
  const readable = service.read.availability().ok > 0;
  const writable = service.write.availability().ok > 0;
  const access = new Map(history.run.probes.map((kind) => [kind.name, kind.access]));
  const errors: { read?: string; write?: string } = {};
  for (const { kind, partition, sentAt, settledAt, outcome, errorCode, errorText } of history.probes.scan()) {
    const by = access.get(kind);
    if (by === undefined || partition !== index || sentAt < range.fromMs || settledAt > range.toMs) continue;
    if (outcome !== 'fail' && outcome !== 'unknown') continue;
    // A refusal says more than a timeout.
    if (errors[by] === undefined || errors[by].startsWith(LATE)) errors[by] = `${errorCode}: ${errorText}`;
  }
  return {
    partition: name,
    readable,
    writable,
    ...(readable || errors.read === undefined ? {} : { readError: errors.read }),
    ...(writable || errors.write === undefined ? {} : { writeError: errors.write }),
  };
}
