/** The words of a report, the same in `report.md` and `report.html`. Text is not escaped. */

import { describeDisagreement } from '../measure/sources.ts';
import type {
  Availability,
  HostFigures,
  HostSampleFigures,
  Latency,
  PartitionFigures,
  ProbeFigures,
  Recovery,
  ServiceWindow,
  Span,
} from '../model/figures.ts';
import type { Machine } from '../model/history.ts';
import { partitionsWordOf } from '../model/partition-words.ts';
import type { LedgerFigures, Report, Witnessed } from '../model/report.ts';
import type { SeenRole } from '../model/roles.ts';
import { type Access, dataNodes, entryNode, holderWord, type Topology } from '../model/topology.ts';
import { formatBytes, formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { type CheckResult, subjectAsWritten } from '../model/verdict.ts';

export const SPAN_NAMES: Readonly<Record<Span, string>> = {
  'steady-state': 'steady state',
  fault: 'fault',
  settle: 'settle',
};

export function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 });
}

/** `8.28 s ± 200 ms`. */
export function lengthOf({ durationMs, uncertaintyMs }: Pick<ServiceWindow, 'durationMs' | 'uncertaintyMs'>): string {
  return `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}`;
}

export function firstSuccessWords({ firstSuccessMs, firstSuccessUncertaintyMs = 0 }: Recovery): string {
  if (firstSuccessMs === undefined) return '';
  if (firstSuccessMs === null) return 'not within the run';
  if (firstSuccessMs === 0) return 'at once';
  return lengthOf({ durationMs: firstSuccessMs, uncertaintyMs: firstSuccessUncertaintyMs });
}

/** `p50` to the maximum, in the order of the columns. */
export const PROBE_COLUMNS = ['tried', 'ok', 'p50', 'p99', 'max'] as const;

/** @returns one cell for each of `PROBE_COLUMNS`. */
export function probeWords({ tried, ok, latency }: ProbeFigures): string[] {
  const [p50 = '', , p99 = '', , , max = ''] = latency ? latencyWords(latency) : [];
  return [number(tried), number(ok), p50, p99, max];
}

export const LATENCY_COLUMNS = ['p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max', 'count'] as const;

/** The answers that each percentile needs; with fewer, it is just the slowest answer. */
const CARRIED_BY = { p50: 2, p90: 10, p99: 100, 'p99.9': 1_000, 'p99.99': 10_000 } as const;

/** @returns one cell for each of `LATENCY_COLUMNS`; empty for a percentile with too few answers. */
export function latencyWords({ p50Ms, p90Ms, p99Ms, p999Ms, p9999Ms, maxMs, count }: Latency): string[] {
  const carried = (name: keyof typeof CARRIED_BY, ms: number | undefined) =>
    ms === undefined || count < CARRIED_BY[name] ? '' : formatDuration(ms);
  return [
    carried('p50', p50Ms),
    carried('p90', p90Ms),
    carried('p99', p99Ms),
    carried('p99.9', p999Ms),
    carried('p99.99', p9999Ms),
    formatDuration(maxMs),
    number(count),
  ];
}

/** `brownout`, or `failures` if nothing succeeded and the window is too short for an outage. */
export function windowName({ type, ok, failed }: Pick<ServiceWindow, 'type' | 'ok' | 'failed'>): string {
  if (type === 'outage' || ok > 0) return type;
  return failed === 1 ? 'one failure' : 'failures';
}

/** The longest windows, in the order of time. */
export function longestOf(windows: readonly ServiceWindow[], most: number): ServiceWindow[] {
  return windows
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, most)
    .toSorted((a, b) => a.fromMs - b.fromMs);
}

/** A check with what distinguishes it from others of its kind. */
export function checkWords(result: Pick<CheckResult, 'check' | 'params'>): string {
  return [result.check, subjectAsWritten(result)].join(' ').trimEnd();
}

/** Explains the sources of figures. */
export const SOURCES =
  'Availability, latency and recovery come from the load. Windows come from the probes (ends to the millisecond) or ' +
  'the load; the worse one counts.';

/** One sentence for each kind whose probes and load disagree. */
export function disagreementLines({ disagreements = [] }: Report['figures']): string[] {
  return disagreements.map((one) => {
    const words = describeDisagreement(one);
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  });
}

export function recoveryWords({ recoveryMs, uncertaintyMs }: Recovery): string {
  if (recoveryMs === null) return 'not within the run';
  if (recoveryMs === 0) return '0 s';
  return lengthOf({ durationMs: recoveryMs, uncertaintyMs });
}

/** The word for partitions, as a title. */
export function partitionsTitle({ topology }: Pick<Report, 'topology'>): string {
  const words = partitionsWordOf(topology.partitionWord);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

/** When the partitions were observed, and whether they were as predicted. */
export function partitionsHeading({ acts, figures: { fullEffect, partitions } }: Report): string {
  const states = ['Without a fault', 'While the fault was in effect'];
  const state = states[acts.length] ?? 'While the most nodes were affected';
  const when = fullEffect
    ? `${state}, from ${formatMoment(fullEffect.fromMs)} to ${formatMoment(fullEffect.toMs)}.`
    : 'No fault was in full effect.';
  if (!wasPredicted(partitions)) return when;
  const different = partitions.some(
    (partition) =>
      differs(partition.predictedReadable, partition.read) || differs(partition.predictedWritable, partition.write),
  );
  return `${when} ${different ? '≠ marks what was not as predicted.' : 'Everything was as predicted.'}`;
}

export function wasPredicted(partitions: readonly PartitionFigures[]): boolean {
  return partitions.some((partition) => partition.predictedReadable !== undefined);
}

/** `110 of 125, 15 never tried`. */
export function messagesReadWords(partition: PartitionFigures): string {
  const { readableMessages, messages, untriedMessages = 0, onlyScannedMessages = 0 } = partition;
  const notes = [
    ...(untriedMessages > 0 ? [`${number(untriedMessages)} never tried`] : []),
    ...(onlyScannedMessages > 0 ? [`${number(onlyScannedMessages)} by scans alone`] : []),
  ];
  return [`${number(readableMessages)} of ${number(messages)}`, ...notes].join(', ');
}

/** The prediction for a partition: `yes`, `no`, or that it waits for a frozen node. */
export function predictedWords(partition: PartitionFigures, access: Access): string {
  const predicted = access === 'read' ? partition.predictedReadable : partition.predictedWritable;
  if (predicted === undefined) return 'nothing';
  if (partition.predictedStalled?.includes(access)) return 'no, stalls';
  return predicted ? 'yes' : 'no';
}

export function observedWords({ ok, intended }: Availability): string {
  if (intended === 0) return 'not tried';
  const counts = `${number(ok)} of ${number(intended)} ok`;
  return ok === 0 ? `none, ${counts}` : ok === intended ? `all, ${counts}` : `some, ${counts}`;
}

/** As in the check `prediction`, one success makes a partition readable or writable. */
export function differs(predicted: boolean | undefined, { intended, ok }: Availability): boolean {
  return predicted !== undefined && intended > 0 && ok > 0 !== predicted;
}

export const NO_LEDGER = 'Nothing accounts for the rows of this workload, so it is not known whether any were lost.';
export const NO_PROOF = 'No final read was made: what follows is only what the load itself saw, and proves nothing.';

export function writesWords(ledger: LedgerFigures): string {
  const { written, acknowledged, unknown, finalReads } = ledger;
  if (written === 0) return 'No write was sent.';
  const unclear = unknown === 0 || !finalReads ? '' : `; ${number(unknown)} ended unknown, ${resolvedWords(ledger)}`;
  return `${formatCount(written, 'write')} sent, ${number(acknowledged)} acknowledged${unclear}.`;
}

/** What the final reads show about writes that ended unknown. */
function resolvedWords({ unknown, unknownPresent, unknownAbsent }: LedgerFigures): string {
  if (unknownAbsent === undefined) return `and the final reads found ${number(unknownPresent)} of them`;
  const unresolved = unknown - unknownPresent - unknownAbsent;
  const rest = unresolved === 0 ? '' : `, ${number(unresolved)} could not be resolved`;
  return `of which the final reads found ${number(unknownPresent)} committed and ${number(unknownAbsent)} not${rest}`;
}

interface LedgerRow {
  readonly what: string;
  /** `undefined` if it cannot be known. */
  readonly count: number | undefined;
  readonly witnesses: readonly string[];
  /** Whether there are more witnesses than these. */
  readonly more: boolean;
}

export function ledgerRows(ledger: LedgerFigures): LedgerRow[] {
  return findingsOf(ledger).map(({ what, found: { count, witnesses }, known }) => ({
    what,
    count: known || count > 0 ? count : undefined,
    witnesses,
    more: witnesses.length > 0 && count > witnesses.length,
  }));
}

/** Statements that look up the witnesses, each after a comment with its finding. */
export function lookAgain(ledger: LedgerFigures): string[] {
  return findingsOf(ledger).flatMap(({ what, found }) => (found.sql ? [`-- ${what}`, ...found.sql] : []));
}

interface LedgerFinding {
  readonly what: string;
  readonly found: Witnessed;
  readonly known: boolean;
}

function findingsOf(ledger: LedgerFigures): LedgerFinding[] {
  const { finalReads } = ledger;
  const finding = (what: string, found: Witnessed | undefined, known = true): LedgerFinding[] =>
    found ? [{ what, found, known }] : [];
  return [
    ...finding('lost: acknowledged, but in no final read', ledger.lost, finalReads),
    ...finding('hidden: on a placement, not seen by clients', ledger.hidden, finalReads),
    ...finding(
      `late: acknowledged, but not visible until a prepared transaction had ended${lateWords(ledger.late)}`,
      ledger.late,
      finalReads,
    ),
    ...finding('receded: outcome unknown, read once, then gone', ledger.receded, finalReads),
    ...finding('resurrected: failed, yet present', ledger.resurrected, finalReads),
    ...finding('unexpected: never sent, yet present', ledger.unexpected, finalReads),
    ...finding('divergent: not on every placement', ledger.divergent, finalReads),
    ...(ledger.unverifiedReads ? [] : ofReads(ledger, finding)),
  ];
}

/** Findings that only verified reads can show. */
function ofReads(
  ledger: LedgerFigures,
  finding: (what: string, found: Witnessed | undefined) => LedgerFinding[],
): LedgerFinding[] {
  const { staleForMs } = ledger;
  const late = typeof staleForMs === 'number' ? `, up to ${formatDuration(staleForMs)} after its acknowledgement` : '';
  return [
    ...finding(`stale: a read missed a row that was already there${late}`, ledger.staleReads),
    ...finding('read-your-writes: a session did not read what it wrote', ledger.readYourWrites),
    ...finding('monotonic reads: a session no longer found what it had read', ledger.monotonicReads),
    ...finding('duplicated: a row was returned twice', ledger.duplicated),
    ...finding('corrupted: a row with wrong content', ledger.corrupted),
  ];
}

function lateWords(late: LedgerFigures['late']): string {
  return late?.forMs == null ? '' : `, up to ${formatDuration(late.forMs)} after its acknowledgement`;
}

/** `4 workers, 4 partitions, 2 copies of each`; `3 members, each with all data`. */
export function clusterSize(topology: Topology): string {
  const { partitions, replication, partitionWord } = topology;
  const holders = formatCount(dataNodes(topology).length, holderWord(topology));
  if (partitionWord === undefined) return `${holders}, each with all data`;
  return (
    `${holders}, ${formatCount(partitions, partitionWord)}, ` + `${formatCount(replication, 'copy', 'copies')} of each`
  );
}

export function repairWords(away: readonly string[], topology: Pick<Topology, 'nodes'>): string {
  const where = entryNode(topology) ?? 'primary';
  return `If ${away.join(', ')} ${away.length === 1 ? 'stays' : 'stay'} away, these commands on the ${where} restore all copies:`;
}

/** `primary, timeline 2`; `does not answer`. */
export function roleWords({ role, timeline }: Pick<SeenRole, 'role' | 'timeline'>): string {
  if (role === 'unknown') return 'does not answer';
  return timeline === undefined ? role : `${role}, timeline ${timeline}`;
}

/** The planned faults of each node. */
export function faultsByNode({ acts }: Pick<Report, 'acts'>): ReadonlyMap<string, readonly string[]> {
  const struck = new Map<string, string[]>();
  for (const { fault, targets } of acts) {
    for (const node of targets) struck.set(node, [...(struck.get(node) ?? []), fault]);
  }
  return struck;
}

/** `read 200/s (2 s limit) via direct, …`; a common route is named once. */
export function loadWords({ run: { kinds } }: Pick<Report, 'run'>): string {
  const routes = new Set(kinds.map(({ route }) => route));
  const words = kinds
    .map(
      ({ name, ratePerSecond, deadlineMs, route }) =>
        `${name} ${number(ratePerSecond)}/s (${formatDuration(deadlineMs)} limit)` +
        (routes.size > 1 && route !== undefined ? ` via ${route}` : ''),
    )
    .join(', ');
  const [only] = routes;
  return routes.size === 1 && only !== undefined ? `${words}; all via ${only}` : words;
}

/** A kind of operation, with its route if kinds have different routes. */
export function kindWords({ run: { kinds } }: Pick<Report, 'run'>, kind: string): string {
  const route = kinds.find(({ name }) => name === kind)?.route;
  const same = kinds.every((other) => other.route === route);
  return same || route === undefined ? kind : `${kind} by route ${route}`;
}

const DANGERS: Readonly<Record<string, string>> = {
  fsync: 'a machine crash may corrupt the data; a killed server loses nothing',
  full_page_writes: 'a machine crash may corrupt the data; a killed server loses nothing',
  synchronous_commit: 'a killed server loses its last acknowledged writes',
};

/** When, where and on what a run was made, as names and values: what a reader of figures asks first. */
export function circumstances({ run, topology, nodes, figures, timeline }: Report): (readonly [string, string])[] {
  const { platform, engine } = topology;
  const { machine, attempt, fitted } = run;
  const formed = timeline.find((event) => event.type === 'cluster-formed');
  const versions = [...new Set(nodes.map(({ version }) => version))];
  const settings = settingsWords(nodes);
  return [
    ['started', run.startedAt],
    ['seed', String(run.seed)],
    ...(platform === undefined || engine === undefined ? [] : [['platform', `${platform}, engine ${engine}`] as const]),
    ...(machine === undefined ? [] : [['machine', machineWords(machine)] as const]),
    ...(figures.host === undefined ? [] : [['while the load ran', hostWords(figures.host)] as const]),
    ...(formed?.about ?? []).map(({ name, value }) => [name, value] as const),
    ...(versions.length === 0 ? [] : [['servers', versions.join('; ')] as const]),
    ...(settings === '' ? [] : [['settings', settings] as const]),
    ...unsafeWords(nodes).map((words) => ['unsafe', words] as const),
    ...(run.realtime ? [['priority', 'the load and the probes ran at realtime priority'] as const] : []),
    ...(fitted === undefined ? [] : [['load', `${formatShare(fitted)} of the scenario's rates (--fit)`] as const]),
    ...(attempt === undefined ? [] : [['attempt', `${attempt.number} of at most ${attempt.most}`] as const]),
  ];
}

function machineWords({ system, processors, memoryBytes, loadAverage }: Machine): string {
  return `${system}, ${formatCount(processors, 'processor')}, ${formatBytes(memoryBytes)} of memory, load average ${number(loadAverage)} before the run`;
}

function hostWords({ samples, sampledMs, starvedMs }: HostFigures): string {
  const mean = (of: (sample: HostSampleFigures) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const late = samples.reduce((most, { lateMs }) => Math.max(most, lateMs), 0);
  const starved =
    starvedMs === 0 ? 'never starved' : `starved for ${formatDuration(starvedMs)} of ${formatDuration(sampledMs)}`;
  return (
    `processors ${Math.round(100 * mean(({ busy }) => busy))} % busy, ${number(mean(({ runnable = 0 }) => runnable))} tasks running or waiting, ` +
    `${formatShare(mean(({ stolen }) => stolen))} stolen, ${starved}; pgquake's main thread late by at most ${formatDuration(late)}`
  );
}

/** A setting that is the same on all nodes appears once. */
function settingsWords(nodes: Report['nodes']): string {
  const names = [...new Set(nodes.flatMap(({ settings = {} }) => Object.keys(settings)))].sort();
  return names
    .map((name) => {
      const byValue = Map.groupBy(nodes, ({ settings = {} }) => settings[name] ?? 'unknown');
      const [only] = byValue.keys();
      if (byValue.size === 1) return `${name} = ${only}`;
      return [...byValue]
        .map(([value, of]) => `${name} = ${value} on ${of.map((node) => node.name).join(', ')}`)
        .join(', ');
    })
    .join('; ');
}

function unsafeWords(nodes: Report['nodes']): string[] {
  const dangers = Object.entries(DANGERS).flatMap(([name, danger]) => {
    const off = nodes.filter(({ settings = {} }) => settings[name] === 'off').map((node) => node.name);
    if (off.length === 0) return [];
    return [{ danger, words: `${name} = off on ${off.length === nodes.length ? 'every node' : off.join(', ')}` }];
  });
  return [...Map.groupBy(dangers, ({ danger }) => danger)].map(
    ([danger, of]) => `${of.map(({ words }) => words).join(', ')}: ${danger}`,
  );
}
