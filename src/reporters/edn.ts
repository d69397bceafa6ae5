/**
 * A history as EDN, as transactions on registers, in which Jepsen's Elle (`elle.rw-register`) can find anomalies. Each
 * message is a register: a write sets it to 1; a read returns, for messages of its partition key, 1 if it saw them and
 * nil if not. A read covers only what the run knows: the workload compared its answer with the messages that were
 * acknowledged before it was sent, and recorded those that were missing.
 */

import type { Timed, TimedEvent } from '../model/event.ts';
import { type Anomaly, eventsOf, type History, type OperationKind } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import type { OperationRow } from '../model/operations.ts';
import type { Roles } from '../model/roles.ts';
import { plainText } from './escape.ts';

/** A read lists its newest messages, at most this many; all of them would make the file grow quadratically. */
const NEWEST = 32;
/** Time stamps are rounded to the microsecond, so operations this close count as concurrent. */
const ROUNDING_MS = 0.001;
const NS_PER_MS = 1_000_000;

/** A line to write, with its time. */
interface Moment {
  readonly atMs: number;
  /** At equal times, beginnings come before ends, so that no unknown order is claimed. */
  readonly ends: boolean;
}

interface OperationMoment extends Moment {
  /** The index of the operation in the log. */
  readonly row: number;
}

interface Known {
  readonly keys: string[];
}

/** @returns lines without line breaks, in the order of time: one for the beginning and one for the end of each operation. */
export function* ednLines(history: History): Generator<string> {
  const kinds = new Map(history.run.kinds.map((kind) => [kind.name, kind]));
  const operations = [...sent(history)];
  const writer = new Lines();
  const setup = neverWritten(operations);
  if (setup.length > 0) yield* writer.transaction(0, 0, setup.map(wrote));

  const acknowledgedIn = new Map<number, Known>();
  const acknowledged: Known = { keys: [] };
  const due = new Map<number, number>();
  const processes = new Processes();
  for (const moment of moments(operations, history.events)) {
    if ('event' in moment) {
      yield writer.nemesis(moment.event, moment.atMs);
      continue;
    }
    const operation = operations[moment.row] as Sent;
    const { kind, partitionKey, key, outcome } = operation;
    const isWrite = kinds.get(kind)?.access === 'write';
    const known = isKeyRead(kinds.get(kind), partitionKey) ? knownOf(acknowledgedIn, partitionKey) : acknowledged;
    if (!moment.ends) {
      due.set(moment.row, known.keys.length);
      const value = isWrite
        ? [wrote(key ?? 'none')]
        : readKeys(known, known.keys.length, operation.anomaly).map(unread);
      yield writer.line('invoke', processes.take(moment.row), moment.atMs, value);
      continue;
    }
    const process = processes.end(moment.row, outcome !== 'unknown');
    const count = due.get(moment.row) ?? 0;
    due.delete(moment.row);
    if (isWrite) {
      if (outcome === 'ok' && key !== undefined) {
        acknowledged.keys.push(key);
        if (partitionKey !== undefined) knownOf(acknowledgedIn, partitionKey).keys.push(key);
      }
      yield writer.line(typeOf(outcome), process, moment.atMs, [wrote(key ?? 'none')]);
    } else if (outcome === 'ok') {
      yield writer.line('ok', process, moment.atMs, seen(known, count, operation.anomaly), operation.anomaly);
    } else {
      yield writer.line(typeOf(outcome), process, moment.atMs, readKeys(known, count, operation.anomaly).map(unread));
    }
  }
  yield* readsAfterHealing(history, operations, writer);
}

type Sent = Pick<OperationRow, 'kind' | 'outcome' | 'partitionKey' | 'key' | 'sentAt' | 'settledAt' | 'anomaly'>;

function* sent({ operations }: History): Generator<Sent> {
  for (const { kind, outcome, partitionKey, key, sentAt, settledAt, anomaly } of operations.scan()) {
    if (outcome !== 'unsent') yield { kind, outcome, partitionKey, key, sentAt, settledAt, anomaly };
  }
}

/** Missing messages that this run did not write: those of the initial data set. */
function neverWritten(operations: readonly Sent[]): string[] {
  const missing = new Set(operations.flatMap(({ anomaly }) => anomaly?.missing ?? []));
  if (missing.size === 0) return [];
  for (const { key } of operations) if (key !== undefined) missing.delete(key);
  return [...missing];
}

function isKeyRead(kind: OperationKind | undefined, partitionKey: number | undefined): partitionKey is number {
  return kind?.scope === 'partition' && partitionKey !== undefined;
}

function knownOf(partitionKeys: Map<number, Known>, partitionKey: number): Known {
  const known = partitionKeys.get(partitionKey);
  if (known) return known;
  const fresh: Known = { keys: [] };
  partitionKeys.set(partitionKey, fresh);
  return fresh;
}

function* moments(
  operations: readonly Sent[],
  events: readonly TimedEvent[],
): Generator<OperationMoment | (Moment & { readonly event: NemesisEvent })> {
  // Two entries per operation: even indices are beginnings, odd ones are ends.
  const times = new Float64Array(2 * operations.length);
  operations.forEach(({ sentAt, settledAt }, row) => {
    times[2 * row] = sentAt - ROUNDING_MS;
    times[2 * row + 1] = settledAt + ROUNDING_MS;
  });
  const order = Uint32Array.from({ length: times.length }, (_, i) => i).sort(
    (a, b) => (times[a] as number) - (times[b] as number) || (a % 2) - (b % 2) || a - b,
  );
  const acts = events.filter(isNemesis);
  let next = 0;
  for (const i of order) {
    const atMs = times[i] as number;
    for (; next < acts.length && (acts[next] as NemesisEvent).at <= atMs; next++) yield nemesisMoment(acts[next]);
    yield { atMs, ends: i % 2 === 1, row: i >> 1 };
  }
  for (; next < acts.length; next++) yield nemesisMoment(acts[next]);
}

function nemesisMoment(event: NemesisEvent | undefined): Moment & { readonly event: NemesisEvent } {
  return { atMs: event?.at ?? 0, ends: false, event: event as NemesisEvent };
}

type NemesisEvent = Timed<
  Extract<TimedEvent, { readonly type: 'fault-asked' | 'fault-in-effect' | 'heal-asked' | 'healed' | 'roles-seen' }>
>;

function isNemesis(event: TimedEvent): event is NemesisEvent {
  return ['fault-asked', 'fault-in-effect', 'heal-asked', 'healed', 'roles-seen'].includes(event.type);
}

/** The keys that a read covers: the newest, and those that it missed. */
function readKeys({ keys }: Known, count: number, anomaly: Anomaly | undefined): string[] {
  const { missing = [], missingCount = missing.length } = anomaly ?? {};
  // If it missed more keys than are listed, the state of the other keys is unknown.
  const newest = missingCount > missing.length ? [] : keys.slice(Math.max(0, count - NEWEST), count);
  return [...new Set([...newest, ...missing])];
}

function seen(known: Known, count: number, anomaly: Anomaly | undefined): string[] {
  const missing = new Set(anomaly?.missing ?? []);
  return readKeys(known, count, anomaly).map((key) => (missing.has(key) ? unread(key) : `[:r "${key}" 1]`));
}

function wrote(key: string): string {
  return `[:w "${key}" 1]`;
}

function unread(key: string): string {
  return `[:r "${key}" nil]`;
}

function typeOf(outcome: Sent['outcome']): 'ok' | 'fail' | 'info' {
  return outcome === 'unknown' ? 'info' : outcome === 'ok' ? 'ok' : 'fail';
}

/**
 * The reads after healing, through the cluster: all messages that the load tried to write. If transactions were prepared,
 * there are two reads: before and after these transactions ended.
 */
function* readsAfterHealing(history: History, operations: readonly Sent[], writer: Lines): Generator<string> {
  const written = operations.flatMap(({ key }) => key ?? []);
  if (written.length === 0) return;
  const phase = eventsOf(history, 'phase-started').find((event) => event.phase === 'final-reads');
  const early = eventsOf(history, 'read-in-doubt').filter(({ partition }) => partition === undefined);
  const reads = [...early, ...eventsOf(history, 'final-read').slice(0, 1)];
  let beganAt = phase?.at ?? reads[0]?.at ?? 0;
  for (const { at, read } of reads) {
    const present = KeySet.fromRanges(read.present);
    const value = written.map((key) => {
      const [writerOf, seq] = key.split(':').map(Number) as [number, number];
      return present.has(writerOf, seq) && formatKey(writerOf, seq) === key ? `[:r "${key}" 1]` : unread(key);
    });
    yield* writer.transaction(Math.min(beganAt, at), at, value, written.map(unread));
    beganAt = at;
  }
}

/** Numbers of concurrent operations. As in Jepsen, a process is not reused after an operation without a known end. */
class Processes {
  readonly #free: number[] = [];
  readonly #of = new Map<number, number>();
  #next = 1;

  take(row: number): number {
    const process = this.#free.pop() ?? this.#next++;
    this.#of.set(row, process);
    return process;
  }

  end(row: number, known: boolean): number {
    const process = this.#of.get(row) ?? 0;
    this.#of.delete(row);
    if (known) this.#free.push(process);
    return process;
  }
}

class Lines {
  #index = 0;
  readonly #acts = new Map<number, { readonly fault: string; readonly targets: readonly string[] }>();

  line(type: string, process: number, atMs: number, value: readonly string[], anomaly?: Anomaly): string {
    const odd = (['duplicated', 'corrupted'] as const).map((name) => {
      const keys = anomaly?.[name] ?? [];
      return keys.length === 0 ? '' : `, :pgquake/${name} [${keys.map(text).join(' ')}]`;
    });
    return `{:index ${this.#index++}, :time ${nanoseconds(atMs)}, :type :${type}, :process ${process}, :f :txn, :value [${value.join(' ')}]${odd.join('')}}`;
  }

  /** Uses process 0, which no other operation has. */
  *transaction(fromMs: number, toMs: number, value: readonly string[], asked = value): Generator<string> {
    yield this.line('invoke', 0, fromMs, asked);
    yield this.line('ok', 0, toMs, value);
  }

  nemesis(event: NemesisEvent, atMs: number): string {
    if (event.type === 'roles-seen') return this.#nemesisLine(event.type, atMs, rolesOf(event.roles));
    if (event.type === 'fault-asked') this.#acts.set(event.act, { fault: event.fault, targets: event.targets });
    const { fault = 'fault', targets = [] } = this.#acts.get(event.act) ?? {};
    const value = `{:fault ${text(fault)}, :targets [${targets.map(text).join(' ')}]}`;
    return this.#nemesisLine(event.type, atMs, value);
  }

  #nemesisLine(type: string, atMs: number, value: string): string {
    return `{:index ${this.#index++}, :time ${nanoseconds(atMs)}, :type :info, :process :nemesis, :f :${type}, :value ${value}}`;
  }
}

/** `{"pg1" {:role :primary, :timeline 1}}`. */
function rolesOf(roles: Roles): string {
  const nodes = Object.entries(roles).map(([node, { role, timeline }]) => {
    const on = timeline === undefined ? '' : `, :timeline ${timeline}`;
    return `${text(node)} {:role :${role}${on}}`;
  });
  return `{${nodes.join(', ')}}`;
}

function nanoseconds(atMs: number): number {
  return Math.max(0, Math.round(atMs * NS_PER_MS));
}

/** EDN has fewer escapes than JSON, but for plain text JSON needs only those of quote and backslash. */
function text(value: string): string {
  return JSON.stringify(plainText(value));
}
