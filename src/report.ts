/** Builds the report from history, plan and verdict, with the finding in one sentence. Pure. */

import { figuresOf } from './measure/figures.ts';
import { describeForeign, foreignActs } from './measure/foreign-acts.ts';
import { ledgerFigures } from './measure/ledger.ts';
import { wordOf } from './measure/partitions.ts';
import { actsOf } from './measure/spans.ts';
import { splitBrainMs } from './measure/split-brain.ts';
import type { TimedEvent } from './model/event.ts';
import type { Figures, ServiceWindow } from './model/figures.ts';
import { eventsOf, type History } from './model/history.ts';
import { manyOf } from './model/kind-words.ts';
import { keyWordOf, partitionNamed, partitionsNamed } from './model/partition-words.ts';
import type { Plan, PlannedAct } from './model/plan.ts';
import { type LedgerFigures, REPORT_VERSION, type Report } from './model/report.ts';
import { formatCount, formatDuration } from './model/units.ts';
import { type CheckResult, subjectOf, type Verdict } from './model/verdict.ts';

/** Everything that the reporters show, as a value that survives JSON. */
export function buildReport(history: History, plan: Plan, verdict: Verdict): Report {
  const formed = eventsOf(history, 'cluster-formed')[0];
  const { nodes, replication, partitions, partitionWord, platform, engine, attach } = plan.scenario.cluster;
  return {
    version: REPORT_VERSION,
    run: history.run,
    judgement: verdict.judgement,
    finding: findingSentence(history, verdict),
    results: verdict.results,
    topology: {
      nodes,
      replication,
      partitions,
      ...(partitionWord === undefined ? {} : { partitionWord }),
      platform: formed?.platform ?? chosen(platform),
      engine: formed?.engine ?? chosen(engine),
      reason: formed?.reason ?? 'the cluster was never formed',
      ...(attach === undefined ? {} : { attach }),
    },
    nodes: formed?.nodes ?? [],
    placement: formed?.placement.partitions ?? plan.placement,
    acts: plan.acts.map((act) => struck(act, history)),
    durationMs: history.events.at(-1)?.at ?? 0,
    timeline: history.events.filter(({ type }) => !NOT_IN_TIMELINE.has(type)),
    figures: figuresOf(history),
    ledger: lacksLedger(history) ? null : ledgerFigures(history),
  };
}

/** The act with its actual targets, if they were picked only when it struck. */
function struck(act: PlannedAct, history: History): PlannedAct {
  if (!act.atStrike) return act;
  const asked = eventsOf(history, 'fault-asked').find((event) => event.act === act.index);
  return asked ? { ...act, targets: asked.targets } : act;
}

/** Large events that other parts of the report cover. */
const NOT_IN_TIMELINE: ReadonlySet<TimedEvent['type']> = new Set([
  'final-read',
  'placement-read',
  'read-in-doubt',
  'fork-read',
  'witness-read',
  'host',
]);

function lacksLedger({ run }: History): boolean {
  return run.lacks?.includes('ledger') ?? false;
}

function chosen(choice: string): string | undefined {
  return choice === 'auto' ? undefined : choice;
}

/** The finding in one sentence: what refuted the hypothesis or left it unjudged, then service and data. */
export function findingSentence(history: History, { judgement, results }: Verdict): string {
  const decisive = results.filter((result) => result.judgement === judgement);
  const foreign = foreignActs(history.events).map(describeForeign);
  const word = wordOf(history);
  if (judgement === 'unknown')
    return sentence([...foreign, `could not judge: ${describeDecisive(decisive, false, word)}`]);
  const figures = figuresOf(history);
  // Without faults, only the cluster, the machine or pgquake can be to blame.
  const control = history.run.plannedActs === 0 ? 'this run had no faults, yet ' : '';
  const failed = judgement === 'fail' ? [`${control}not as expected: ${describeDecisive(decisive, true, word)}`] : [];
  const alreadySaid = judgement === 'fail' && decisive[0]?.tells === 'readable';
  return sentence([
    ...foreign,
    ...failed,
    ...results.filter(({ tells, judgement: j }) => tells === 'figure' && j === 'pass').map(({ observed }) => observed),
    ...(alreadySaid ? [] : readableClause(figures, history)),
    serviceClause(figures, word),
    ...disagreementClause(figures),
    ...recoveryClause(history, figures),
    ...roleClauses(figures, results),
    ...(lacksLedger(history) ? [] : ledgerClauses(ledgerFigures(history), figures.roles ? ' of the load' : '')),
  ]);
}

function sentence(clauses: readonly string[]): string {
  const text = clauses.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function describeDecisive(results: readonly CheckResult[], withExpected: boolean, word: string | undefined): string {
  // A result that says why the run ended explains the others.
  const first = results.find(({ tells }) => tells === 'end') ?? results[0];
  if (!first) return 'nothing was checked';
  const expected = withExpected ? ` (expected: ${first.expected})` : '';
  const more = results.length > 1 ? `, and ${formatCount(results.length - 1, 'more check', 'more checks')}` : '';
  return `${first.check}${aboutWhat(first, word)}: ${first.observed}${expected}${more}`;
}

/** Names the kind and partition, since a hypothesis may use one check for several. */
function aboutWhat({ params }: CheckResult, word: string | undefined): string {
  const { of, partition } = subjectOf(params);
  return `${of === undefined ? '' : ` of ${of}`}${partition === undefined ? '' : ` on ${partitionNamed(word, partition)}`}`;
}

function readableClause({ fullEffect, partitions }: Figures, history: History): string[] {
  const { messages } = history.run;
  if (!fullEffect || partitions.length === 0 || messages === 0) return [];
  const readable = partitions.reduce((sum, partition) => sum + partition.readableMessages, 0);
  const untried = partitions.reduce((sum, partition) => sum + (partition.untriedMessages ?? 0), 0);
  if (readable === messages) return [`all ${formatCount(messages, 'message')} stayed readable`];
  if (untried > 0) {
    const tried = messages - untried;
    if (tried === 0) return [];
    const share = readable === tried ? 'all' : `${readable}`;
    return [`${tried} of ${formatCount(messages, 'message')} were asked for, and ${share} of them stayed readable`];
  }
  const scanned = partitions.reduce((sum, partition) => sum + (partition.onlyScannedMessages ?? 0), 0);
  if (scanned > 0) {
    const all = formatCount(messages, 'message');
    return [
      `${readable} of ${all} stayed readable by reads of their ${keyWordOf(history.run)}s, ${readable + scanned} by scans too`,
    ];
  }
  const whole = partitions.filter(
    (partition) => partition.messages > 0 && partition.readableMessages === partition.messages,
  );
  const names = whole.map(({ partition }) => partition);
  const where = whole.length === 0 ? '' : ` (${partitionsNamed(wordOf(history), names, listed(names))})`;
  return [`${readable} of ${formatCount(messages, 'message')} stayed readable${where}`];
}

function serviceClause({ windows }: Figures, word: string | undefined): string {
  const byKind = Map.groupBy(windows, (window) => window.kind);
  if (byKind.size === 0) return 'service was never interrupted';
  return listed([...byKind].map(([kind, ofKind]) => `${manyOf(kind)} ${describeDisturbance(ofKind, word)}`));
}

function disagreementClause({ disagreements = [] }: Figures): string[] {
  const told = Map.groupBy(disagreements, ({ toldBy }) => toldBy);
  return [...told].map(([toldBy, of]) => {
    const other = toldBy === 'load' ? 'probes' : 'load';
    return `the ${other} saw a shorter disturbance of ${listed(of.map(({ kind }) => manyOf(kind)))} than the ${toldBy}`;
  });
}

/** A partition is named if its outage lasted at least this share of the longest one. */
const NAMED_SHARE = 0.1;
/** A kind's brownout lasts a little longer than its partitions' outages; only this much more is mentioned. */
const ANOTHER_THING_MS = 1_000;

function describeDisturbance(windows: readonly ServiceWindow[], word: string | undefined): string {
  const whole = windows.filter((window) => window.partition === undefined);
  const outageMs = lasted(whole, 'outage');
  const brownoutMs = lasted(whole, 'brownout');
  const disturbed = `were disturbed for ${formatDuration(brownoutMs)}`;
  if (outageMs > 0) return `failed for ${formatDuration(outageMs)}${brownoutMs > 0 ? ` (and ${disturbed})` : ''}`;

  const outages = windows.filter((window) => window.partition !== undefined && window.type === 'outage');
  const ofPartitions = [...Map.groupBy(outages, (window) => window.partition as string)].map(
    ([partition, ofPartition]) => ({
      partition,
      outageMs: lasted(ofPartition, 'outage'),
    }),
  );
  if (ofPartitions.length === 0) return disturbed;
  const longestMs = ofPartitions.reduce((longest, one) => Math.max(longest, one.outageMs), 0);
  const named = ofPartitions.filter((one) => one.outageMs >= longestMs * NAMED_SHARE).map((one) => one.partition);
  const upTo = named.length === 1 ? '' : 'up to ';
  // A brownout much longer than the outages has another cause.
  const longer = brownoutMs - longestMs > ANOTHER_THING_MS ? ` (and ${disturbed})` : '';
  const where = partitionsNamed(word, named, listed(named));
  return `failed on ${where} for ${upTo}${formatDuration(longestMs)}${longer}`;
}

function lasted(windows: readonly ServiceWindow[], type: ServiceWindow['type']): number {
  return windows.reduce((sum, window) => sum + (window.type === type ? window.durationMs : 0), 0);
}

function recoveryClause(history: History, { recovery }: Figures): string[] {
  const never = recovery.filter(({ recoveryMs }) => recoveryMs === null).map(({ kind }) => manyOf(kind));
  if (never.length > 0) return [`${listed(never)} had not recovered when the load stopped`];
  const slowestMs = recovery.reduce((slowest, { recoveryMs }) => Math.max(slowest, recoveryMs ?? 0), 0);
  if (slowestMs === 0) return [];
  // If several kinds recovered, say which one this time belongs to.
  const slow = recovery.filter(({ recoveryMs }) => recoveryMs !== null && recoveryMs > 0);
  const last = slow.find(({ recoveryMs }) => recoveryMs === slowestMs)?.kind;
  const who = slow.length > 1 && last !== undefined ? `${manyOf(last)} recovered last,` : 'recovered';
  const [act, ...others] = actsOf(history);
  const healAfterMs = others.length > 0 ? Infinity : (act?.healAskedMs ?? Infinity) - (act?.effectMs ?? 0);
  const afterHealing =
    slowestMs > healAfterMs ? `, ${formatDuration(slowestMs - healAfterMs)} after healing began` : '';
  return [`${who} ${formatDuration(slowestMs)} after the fault took effect${afterHealing}`];
}

/** What only roles and the witness show, without what a check has already said. */
function roleClauses({ roles }: Figures, results: readonly CheckResult[]): string[] {
  if (!roles) return [];
  const told = results.some(
    ({ tells, answers, judgement }) => tells === 'figure' && answers === 'outage' && judgement !== 'unknown',
  );
  const takeovers = roles.takeovers.map(({ from, to }) => `${to} replaced ${from ?? 'a primary'}`);
  const { atLeastMs } = splitBrainMs(roles.twoPrimaries);
  const nodes = [...new Set(roles.twoPrimaries.flatMap(({ sides }) => sides.map(({ node }) => node)))];
  return [
    ...(told || takeovers.length === 0 ? [] : [listed(takeovers)]),
    ...(atLeastMs > 0 ? [`${listed(nodes)} both took writes for ${formatDuration(atLeastMs)}`] : []),
    ...roles.witness.flatMap(({ node, acknowledged, lost }) =>
      lost ? [`${lost} of ${formatCount(acknowledged, 'row')} that ${node} acknowledged to the witness are gone`] : [],
    ),
  ];
}

/** @param ofLoad says "of the load" where a witness may have lost writes too. */
function ledgerClauses(ledger: LedgerFigures, ofLoad: string): string[] {
  const { lost, late, acknowledged, finalReads, staleReads, duplicated, corrupted, unexpected, resurrected } = ledger;
  const clauses: string[] = [];
  // The user's own rows are not messages.
  const one = ledger.unverifiedReads ? 'acknowledged write' : 'message';
  if (lost.count > 0) clauses.push(`${formatCount(lost.count, `${one} was`, `${one}s were`)} lost`);
  else if (finalReads && acknowledged > 0) clauses.push(`no acknowledged write${ofLoad} was lost`);
  if (late?.count && late.forMs !== null) {
    const what = formatCount(late.count, 'acknowledged write was', 'acknowledged writes were');
    clauses.push(`${what} stale for up to ${formatDuration(late.forMs)}, until prepared transactions had ended`);
  }
  if (unexpected?.count) clauses.push(`${formatCount(unexpected.count, 'row')} appeared that no client had written`);
  if (resurrected?.count) clauses.push(`${formatCount(resurrected.count, 'failed write')} took effect all the same`);
  if (corrupted.count > 0) clauses.push(`${formatCount(corrupted.count, 'row')} came back corrupted`);
  if (duplicated.count > 0) clauses.push(`${formatCount(duplicated.count, 'row')} came back twice`);
  if (staleReads.count > 0) clauses.push(`${formatCount(staleReads.count, 'read')} left out messages`);
  return clauses;
}

/** `reads, scans and writes`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
