/** What one run of a proof shows: every partition beside what was predicted for it, and what is lost. Pure. */

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
  /** The rows that were there when the run before it on this cluster had ended. */
  readonly known: KeySet;
  /** What the engine calls a partition. */
  readonly word: string;
  /** The checks that say whether the machine and the client had time. */
  readonly excusing: ReadonlySet<string>;
}

/**
 * The judgement is that of the run's checks, with what is lost of earlier runs. Answers and refusals are seen on a
 * machine without time to spare as well; where an answer only failed to come in time, that machine leaves it open.
 */
export function provenSubset(subset: SubsetToProve, run: ProvenRun): ProvenSubset {
  const { report, history, known, word } = run;
  const seen = servedBesidePrediction(history);
  // Partitions that nothing was asked of are judged by the check, which says so.
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

/** What ended a run before its time explains all the rest. */
function notPassed(results: readonly CheckResult[]): readonly CheckResult[] {
  const ended = results.filter(({ tells }) => tells === 'end');
  return ended.length > 0 ? ended : results.filter(({ judgement }) => judgement !== 'pass');
}

/** The rows that clients found in the end; `undefined` where that read was not made. */
export function presentIn(history: Pick<History, 'events'>): KeySet | undefined {
  const [last] = eventsOf(history, 'final-read');
  return last && KeySet.fromRanges(last.read.present);
}

/** Whether a run left its cluster as it found it. */
export function leftWell(history: Pick<History, 'events'>): boolean {
  const struck = eventsOf(history, 'fault-asked').length > 0;
  const verified = eventsOf(history, 'healing-verified');
  return (
    eventsOf(history, 'heal-failed').length === 0 &&
    verified.every(({ left }) => left.length === 0) &&
    (!struck || verified.length > 0)
  );
}

/** What begins the error of an answer that did not come in time. */
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
    // A refusal says more than an answer that did not come in time.
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
