/** How every partition and partition key served within a time range, beside the prediction. */

import type { EventOf } from '../model/event.ts';
import type { PartitionFigures, TimeRange } from '../model/figures.ts';
import { eventsOf, type History, type Operation, type OperationKind } from '../model/history.ts';
import { UNSENT } from '../model/operations.ts';
import type { Partition, PlacementMap } from '../model/topology.ts';
import { Tally } from './availability.ts';
import { mainRouteOf, onOneRoute } from './main-route.ts';
import { oncePer } from './once.ts';
import { actsOf, type FullEffect } from './spans.ts';

/** The reads of one partition key within the range. */
export interface KeyService {
  readonly key: number;
  /** Reads sent and settled within the range. */
  tried: number;
  /** Of those, ended `ok`. */
  answered: number;
  /** Of the answered: with all initial messages, each with the right content. */
  complete: number;
  /** Of the answered: with messages left out, doubled or corrupted. */
  wrong: number;
  /** A scan within the range returned the messages of all partition keys, so this one's too. */
  inCompleteScan: boolean;
}

export interface PartitionService {
  readonly partition: Partition;
  readonly keys: readonly KeyService[];
  /**
   * Counts of the probes; of the load's partition key reads and writes if there are no probes, or the load contradicts
   * them.
   */
  readonly read: Tally;
  readonly write: Tally;
}

/** The scans within the range. */
export interface ScanService {
  tried: number;
  answered: number;
  /** Initial messages with the right content in the best and the worst answer. */
  best: number | undefined;
  worst: number | undefined;
  /** Answers with all initial messages, each once and with the right content. */
  complete: number;
}

export interface Service {
  /** Initial messages of each partition key. */
  readonly messagesPerKey: number;
  readonly partitions: readonly PartitionService[];
  readonly scans: ScanService;
}

/** Initial messages of each partition key; they are spread evenly. */
export function messagesPerKey(history: History, placement: PlacementMap): number {
  return history.run.messages / Math.max(1, Object.keys(placement.partitionOfKey).length);
}

/** The sequence numbers (of writer 0) of a partition key's initial messages. */
export function initialRowsOfKey(
  partitionKey: number,
  perKey: number,
): { readonly first: number; readonly last: number } {
  return { first: (partitionKey - 1) * perKey + 1, last: partitionKey * perKey };
}

/** The engine's word for a partition; `undefined` if it does not divide rows. */
export function wordOf(history: Pick<History, 'events'>): string | undefined {
  return placementOf(history)?.partitionWord;
}

/** The placement of the formed cluster; `undefined` if it was never formed. */
export function placementOf(history: Pick<History, 'events'>): PlacementMap | undefined {
  return eventsOf(history, 'cluster-formed')[0]?.placement;
}

const servicesOf = oncePer((_: History) => new Map<string, Service | undefined>());

/**
 * Counts the operations sent and settled within a range; none without a range. Computed once for each range, in one
 * pass.
 * @returns `undefined` if the cluster was never formed.
 */
export function serviceWithin(history: History, range: TimeRange | undefined): Service | undefined {
  const services = servicesOf(history);
  const key = range ? `${range.fromMs} ${range.toMs}` : '';
  if (!services.has(key)) services.set(key, count(history, range));
  return services.get(key);
}

function count(history: History, range: TimeRange | undefined): Service | undefined {
  const placement = placementOf(history);
  if (!placement) return undefined;
  const perKey = messagesPerKey(history, placement);
  const keys = new Map<number, KeyService>();
  const keysOfPartition = placement.partitions.map((): KeyService[] => []);
  for (const [name, partition] of Object.entries(placement.partitionOfKey)) {
    const key = { key: Number(name), tried: 0, answered: 0, complete: 0, wrong: 0, inCompleteScan: false };
    keys.set(key.key, key);
    keysOfPartition[partition]?.push(key);
  }
  const partitions = placement.partitions.map((partition, index) => ({
    partition,
    keys: keysOfPartition[index] ?? [],
    read: new Tally(),
    write: new Tally(),
  }));
  const scans: ScanService = { tried: 0, answered: 0, best: undefined, worst: undefined, complete: 0 };
  if (range) {
    const { data } = history.operations;
    const { columns } = data;
    const kinds = data.kinds.map((name) => history.run.kinds.find((kind) => kind.name === name));
    const counters = { partitions, keys, scans, perKey, messages: history.run.messages };
    for (const operation of history.operations.scan()) {
      const row = operation.index;
      const intendedAt = columns.intendedAt[row] as number;
      // Operations are sorted by intended start, so all that follow settle after the range.
      if (intendedAt > range.toMs) break;
      if (intendedAt + (columns.sentAfterUs[row] as number) / 1_000 < range.fromMs) continue;
      if (intendedAt + (columns.settledAfterUs[row] as number) / 1_000 > range.toMs) continue;
      const kind = kinds[columns.kind[row] as number];
      if (kind && columns.outcome[row] !== UNSENT) countOne(operation, kind, counters);
    }
    countProbes(history, range, partitions);
    if (scans.complete > 0) for (const key of keys.values()) key.inCompleteScan = true;
  }
  return { messagesPerKey: perKey, partitions, scans };
}

/** An answer slower than this counts as a failure: the partition stalled. */
const STALLED_MS = 5_000;

/** Probes see each partition far more often than the load, so they replace its counts unless it contradicts them. */
function countProbes(history: History, range: TimeRange, partitions: { read: Tally; write: Tally }[]): void {
  const kinds = new Map(history.run.probes.map((kind) => [kind.name, kind]));
  // Predictions are for the main route.
  const main = mainRouteOf(history);
  const probed = partitions.map(() => ({ read: new Tally(), write: new Tally() }));
  for (const { kind: name, sentAt, settledAt, outcome, partition } of history.probes.scan()) {
    const kind = kinds.get(name);
    if (kind?.connection !== 'pooled' || !onOneRoute(kind, {}, main) || partition === undefined || outcome === 'unsent')
      continue;
    if (sentAt < range.fromMs || settledAt > range.toMs) continue;
    const stalled = outcome === 'ok' && settledAt - sentAt > STALLED_MS;
    probed[partition]?.[kind.access].add(stalled ? 'fail' : outcome);
  }
  // Another route may be served later, so it contradicts nothing.
  const alike = (access: OperationKind['access']) =>
    history.run.kinds.every((kind) => kind.access !== access || kind.scope === 'all' || onOneRoute(kind, {}, main));
  for (const [index, { read, write }] of probed.entries()) {
    const partition = partitions[index];
    if (!partition) continue;
    partition.read = toldBy(read, partition.read, alike('read'));
    partition.write = toldBy(write, partition.write, alike('write'));
  }
}

/** With fewer operations, all failed, the load may have met chance. */
const MIN_LOAD_TRIED = 10;

/**
 * The probes' counts; the load's if one of the two had no success at all and the other had: their tables may differ.
 */
function toldBy(probes: Tally, load: Tally, comparable: boolean): Tally {
  const [seen, worked] = [probes.availability(), load.availability()];
  if (seen.intended === 0) return load;
  if (!comparable) return probes;
  const onlyProbes = worked.ok === 0 && worked.intended >= MIN_LOAD_TRIED && seen.ok > 0;
  const onlyLoad = worked.ok > 0 && seen.ok === 0;
  return onlyProbes || onlyLoad ? load : probes;
}

interface Counters {
  readonly partitions: readonly PartitionService[];
  readonly keys: ReadonlyMap<number, KeyService>;
  readonly scans: ScanService;
  readonly perKey: number;
  readonly messages: number;
}

function countOne(
  operation: Operation,
  kind: OperationKind,
  { partitions, keys, scans, perKey, messages }: Counters,
): void {
  const { outcome, verified = 0, anomaly } = operation;
  const clean = !anomaly?.duplicated && !anomaly?.corrupted;
  if (kind.access === 'read' && kind.scope === 'all') {
    scans.tried++;
    if (outcome !== 'ok') return;
    scans.answered++;
    scans.best = Math.max(scans.best ?? verified, verified);
    scans.worst = Math.min(scans.worst ?? verified, verified);
    if (clean && verified === messages) scans.complete++;
    return;
  }
  const partition = operation.partition === undefined ? undefined : partitions[operation.partition];
  partition?.[kind.access].add(outcome);
  const { partitionKey } = operation;
  const key = kind.access === 'read' && partitionKey !== undefined ? keys.get(partitionKey) : undefined;
  if (!key) return;
  key.tried++;
  if (outcome !== 'ok') return;
  key.answered++;
  if (clean && verified === perKey) key.complete++;
  else key.wrong++;
}

/**
 * Readable: at least one read returned all its messages, and none returned a wrong answer. An untried key is readable
 * if a complete scan returned it.
 */
export function keyState({
  tried,
  complete,
  wrong,
  inCompleteScan,
}: KeyService): 'readable' | 'unreadable' | 'untried' {
  if (tried === 0) return inCompleteScan ? 'readable' : 'untried';
  return complete > 0 && wrong === 0 ? 'readable' : 'unreadable';
}

/**
 * The engine's prediction for the largest predicted set of nodes among those struck. If roles move, the prediction for
 * the same nodes changes from strike to strike: the last one counts.
 */
export function predictionFor(
  history: Pick<History, 'events'>,
  { fromMs, nodes }: FullEffect,
): EventOf<'predicted'> | undefined {
  const active = actsOf(history).filter(
    ({ effectMs = Number.POSITIVE_INFINITY, healAskedMs = Number.POSITIVE_INFINITY }) =>
      effectMs <= fromMs && healAskedMs > fromMs,
  );
  const frozen = new Set(active.filter(({ effect }) => effect === 'frozen').flatMap((act) => act.nodes));
  const size = (predicted: EventOf<'predicted'>) => predicted.down.length + (predicted.frozen?.length ?? 0);
  let largest: EventOf<'predicted'> | undefined;
  for (const predicted of eventsOf(history, 'predicted')) {
    if (predicted.at > fromMs) continue;
    if (!predicted.down.every((node) => nodes.includes(node) && !frozen.has(node))) continue;
    if (!(predicted.frozen ?? []).every((node) => frozen.has(node))) continue;
    if (!largest || size(predicted) >= size(largest)) largest = predicted;
  }
  return largest;
}

/** Each partition while all faults were in effect; empty if the cluster was never formed. */
export function partitionFigures(history: History, effect: FullEffect | undefined): PartitionFigures[] {
  const service = serviceWithin(history, effect);
  if (!service) return [];
  const predicted = effect && predictionFor(history, effect);
  return service.partitions.map(({ partition, keys, read, write }) => {
    const prediction = predicted?.partitions.find((candidate) => candidate.partition === partition.name);
    const messagesThatAre = (state: ReturnType<typeof keyState>) =>
      keys.filter((key) => keyState(key) === state).length * service.messagesPerKey;
    const untried = messagesThatAre('untried');
    const inVain = keys.filter(({ tried, answered, inCompleteScan }) => tried > 0 && answered === 0 && inCompleteScan);
    return {
      partition: partition.name,
      copies: partition.copies,
      messages: keys.length * service.messagesPerKey,
      readableMessages: messagesThatAre('readable'),
      ...(untried === 0 ? {} : { untriedMessages: untried }),
      ...(inVain.length === 0 ? {} : { onlyScannedMessages: inVain.length * service.messagesPerKey }),
      predictedReadable: prediction?.readable,
      predictedWritable: prediction?.writable,
      ...(prediction?.stalled === undefined ? {} : { predictedStalled: prediction.stalled }),
      read: read.availability(),
      write: write.availability(),
    };
  });
}
