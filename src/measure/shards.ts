/** What was seen of every room and shard within a stretch of the run, beside what was predicted. */

import type { EventOf } from '../model/event.ts';
import type { ShardFigures, TimeRange } from '../model/figures.ts';
import { eventsOf, type History, type Operation, type OperationKind } from '../model/history.ts';
import type { PlacementMap, Shard } from '../model/topology.ts';
import { Tally } from './availability.ts';
import { actsOf, type FullEffect } from './spans.ts';

/** What the reads of one room showed. */
export interface RoomService {
  readonly room: number;
  /** Reads sent and settled within the stretch. */
  tried: number;
  /** Of those, ended `ok` ... */
  answered: number;
  /** ... with all messages of the initial data set, each with the right content ... */
  complete: number;
  /** ... or with messages left out, doubled or corrupted. */
  wrong: number;
  /** A scan within the stretch returned all messages of all rooms, so this one's too. */
  inCompleteScan: boolean;
}

export interface ShardService {
  readonly shard: Shard;
  readonly rooms: readonly RoomService[];
  /** Of the probes, or of the load's room reads and writes: where there are no probes, or the load contradicts them. */
  readonly read: Tally;
  readonly write: Tally;
}

/** What the scans, which need every shard, returned. */
export interface ScanService {
  tried: number;
  answered: number;
  /** Messages of the initial data set with the right content, of the best and the worst answer. */
  best: number | undefined;
  worst: number | undefined;
  /** Answers with all messages of the initial data set, each once and with the right content. */
  complete: number;
}

export interface Service {
  /** Messages of the initial data set in each room. */
  readonly messagesPerRoom: number;
  readonly shards: readonly ShardService[];
  readonly scans: ScanService;
}

/** How many messages of the initial data set a room has; they are spread evenly. */
export function messagesPerRoom(history: History, placement: PlacementMap): number {
  return history.run.messages / Math.max(1, Object.keys(placement.shardOfRoom).length);
}

/** Sequence numbers (of writer 0) of a room's initial messages. */
export function initialKeysOfRoom(room: number, perRoom: number): { readonly first: number; readonly last: number } {
  return { first: (room - 1) * perRoom + 1, last: room * perRoom };
}

/** The placement map of the formed cluster; `undefined` where it was never formed. */
export function placementOf(history: Pick<History, 'events'>): PlacementMap | undefined {
  return eventsOf(history, 'cluster-formed')[0]?.placement;
}

/**
 * Everything that was sent and settled within a stretch; nothing where there is no stretch.
 * @returns `undefined` where the cluster was never formed.
 */
export function serviceWithin(history: History, range: TimeRange | undefined): Service | undefined {
  const placement = placementOf(history);
  if (!placement) return undefined;
  const perRoom = messagesPerRoom(history, placement);
  const rooms = new Map<number, RoomService>();
  const roomsOfShard = placement.shards.map((): RoomService[] => []);
  for (const [name, shard] of Object.entries(placement.shardOfRoom)) {
    const room = { room: Number(name), tried: 0, answered: 0, complete: 0, wrong: 0, inCompleteScan: false };
    rooms.set(room.room, room);
    roomsOfShard[shard]?.push(room);
  }
  const shards = placement.shards.map((shard, index) => ({
    shard,
    rooms: roomsOfShard[index] ?? [],
    read: new Tally(),
    write: new Tally(),
  }));
  const scans: ScanService = { tried: 0, answered: 0, best: undefined, worst: undefined, complete: 0 };
  if (range) {
    const kinds = new Map(history.run.kinds.map((kind) => [kind.name, kind]));
    for (const operation of history.operations.scan()) {
      if (operation.sentAt < range.fromMs || operation.settledAt > range.toMs) continue;
      const kind = kinds.get(operation.kind);
      if (!kind || operation.outcome === 'unsent') continue;
      count(operation, kind, { shards, rooms, scans, perRoom, messages: history.run.messages });
    }
    countProbes(history, range, shards);
    if (scans.complete > 0) for (const room of rooms.values()) room.inCompleteScan = true;
  }
  return { messagesPerRoom: perRoom, shards, scans };
}

/** An answer that took longer than this is none: the shard stalled. */
const STALLED_MS = 5_000;

/** Probes saw each shard far more often than the load did, so they stand in its place, unless the load contradicts. */
function countProbes(history: History, range: TimeRange, shards: { read: Tally; write: Tally }[]): void {
  const kinds = new Map(history.run.probes.map((kind) => [kind.name, kind]));
  const probed = shards.map(() => ({ read: new Tally(), write: new Tally() }));
  for (const { kind: name, sentAt, settledAt, outcome, shard } of history.probes.scan()) {
    const kind = kinds.get(name);
    if (kind?.connection !== 'pooled' || shard === undefined || outcome === 'unsent') continue;
    if (sentAt < range.fromMs || settledAt > range.toMs) continue;
    const stalled = outcome === 'ok' && settledAt - sentAt > STALLED_MS;
    probed[shard]?.[kind.access].add(stalled ? 'fail' : outcome);
  }
  for (const [index, { read, write }] of probed.entries()) {
    const shard = shards[index];
    if (!shard) continue;
    shard.read = toldBy(read, shard.read);
    shard.write = toldBy(write, shard.write);
  }
}

/** With fewer failures, and nothing else, the load may have met chance. */
const MIN_LOAD_TRIED = 10;

/** The probes, but where one of the two had no success at all and the other had: their tables may not be the same. */
function toldBy(probes: Tally, load: Tally): Tally {
  const [seen, worked] = [probes.availability(), load.availability()];
  if (seen.intended === 0) return load;
  const onlyProbes = worked.ok === 0 && worked.intended >= MIN_LOAD_TRIED && seen.ok > 0;
  const onlyLoad = worked.ok > 0 && seen.ok === 0;
  return onlyProbes || onlyLoad ? load : probes;
}

interface Counters {
  readonly shards: readonly ShardService[];
  readonly rooms: ReadonlyMap<number, RoomService>;
  readonly scans: ScanService;
  readonly perRoom: number;
  readonly messages: number;
}

function count(operation: Operation, kind: OperationKind, { shards, rooms, scans, perRoom, messages }: Counters): void {
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
  const shard = operation.shard === undefined ? undefined : shards[operation.shard];
  shard?.[kind.access].add(outcome);
  const room = kind.access === 'read' && operation.room !== undefined ? rooms.get(operation.room) : undefined;
  if (!room) return;
  room.tried++;
  if (outcome !== 'ok') return;
  room.answered++;
  if (clean && verified === perRoom) room.complete++;
  else room.wrong++;
}

/**
 * Readable: at least one read returned all its messages, and none returned a wrong answer. A room that no
 * read tried is readable where a complete scan returned it.
 */
export function roomState({
  tried,
  complete,
  wrong,
  inCompleteScan,
}: RoomService): 'readable' | 'unreadable' | 'untried' {
  if (tried === 0) return inCompleteScan ? 'readable' : 'untried';
  return complete > 0 && wrong === 0 ? 'readable' : 'unreadable';
}

/**
 * The engine's prediction for the largest set of nodes that was down or frozen among those struck. Where roles move, what
 * the loss of the same nodes means changes from strike to strike: the last word before they were lost counts.
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

/** Each shard while the faults were in full effect; empty where the cluster was never formed. */
export function shardFigures(history: History, effect: FullEffect | undefined): ShardFigures[] {
  const service = serviceWithin(history, effect);
  if (!service) return [];
  const predicted = effect && predictionFor(history, effect);
  return service.shards.map(({ shard, rooms, read, write }) => {
    const prediction = predicted?.shards.find((candidate) => candidate.shard === shard.name);
    const messagesThatAre = (state: ReturnType<typeof roomState>) =>
      rooms.filter((room) => roomState(room) === state).length * service.messagesPerRoom;
    const untried = messagesThatAre('untried');
    const inVain = rooms.filter(({ tried, answered, inCompleteScan }) => tried > 0 && answered === 0 && inCompleteScan);
    return {
      shard: shard.name,
      placements: shard.placements,
      messages: rooms.length * service.messagesPerRoom,
      readableMessages: messagesThatAre('readable'),
      ...(untried === 0 ? {} : { untriedMessages: untried }),
      ...(inVain.length === 0 ? {} : { onlyScannedMessages: inVain.length * service.messagesPerRoom }),
      predictedReadable: prediction?.readable,
      predictedWritable: prediction?.writable,
      ...(prediction?.stalled === undefined ? {} : { predictedStalled: prediction.stalled }),
      read: read.availability(),
      write: write.availability(),
    };
  });
}
