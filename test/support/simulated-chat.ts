/**
 * A chat on a cluster that is not there: the workload's own operations, sent to placements in memory by a script
 * that may plant any kind of harm. What comes out is a history as a run records it, and the trace of what really
 * happened, from which a test tells by brute force what has to be found.
 */

import fc from 'fast-check';
import type { TimedEvent } from '../../src/model/event.ts';
import type { History, Operation, Outcome } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { Session } from '../../src/sql/session.ts';
import { chat } from '../../src/workloads/chat.ts';
import type { OperationRequest } from '../../src/workloads/workload.ts';
import { ring, sharded } from './sharded.ts';

export const PARAMS = chat.params.parse({ rooms: 3, 'messages-per-room': 2 });
const TOPOLOGY = sharded({ workers: 3, replication: 2, partitions: 2 });
const PARTITIONS = ring(TOPOLOGY);
const STEP_MS = 10;
/** In place of a row's number: the row of the load that was written last. */
const NEWEST = -1;
const KEPT = { latenessP99Ms: 0, latenessMaxMs: 0, eventLoopDelayMaxMs: 0 };
const partitionOf = (partitionKey: number) => (partitionKey - 1) % TOPOLOGY.partitions;

export type Row = readonly [partitionKey: number, writer: number, seq: number, member: number, body: string];
export const keyOf = ([, writer, seq]: Row) => `${writer}:${seq}`;

/** `one`: the first placement of the partition, which the coordinator asks. `other`: the second. */
type Where = 'one' | 'other' | 'all';

export type Step =
  | {
      readonly do: 'write';
      readonly outcome: Outcome;
      /** Of an unknown write: whether it takes place. Of others: ignored. */
      readonly happens: boolean;
      readonly when: 'at once' | 'at the end' | 'afterwards';
      /** Steps until it settles. */
      readonly takes: number;
      /** Acknowledged and dropped; failed and carried out; on one placement alone. */
      readonly harm?: 'dropped' | 'carried out' | 'half' | undefined;
    }
  | {
      readonly do: 'read' | 'scan';
      readonly ok: boolean;
      readonly takes: number;
      /** When the server looks. */
      readonly when: 'at once' | 'at the end';
      /** Rows that the answer leaves out, has twice, or has with another body; by their number, modulo. */
      readonly omits?: readonly number[] | undefined;
      readonly doubles?: readonly number[] | undefined;
      readonly spoils?: readonly number[] | undefined;
    }
  /** Behind everyone's back. */
  | { readonly do: 'delete' | 'spoil'; readonly row: number; readonly where: Where }
  | { readonly do: 'insert'; readonly writer: 1 | 9; readonly where: Where };

const takes = fc.nat({ max: 3 });
const healthyWrite = fc.record({
  do: fc.constant('write' as const),
  outcome: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Outcome>('ok') },
    fc.constantFrom<Outcome>('fail', 'unknown', 'unknown', 'unsent'),
  ),
  happens: fc.boolean(),
  when: fc.constantFrom('at once', 'at the end', 'afterwards'),
  takes,
});
const healthyRead = fc.record({
  do: fc.constantFrom('read', 'read', 'scan'),
  ok: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  takes,
  when: fc.constantFrom('at once', 'at the end'),
});

/** Whatever becomes of single operations, nothing is wrong with the cluster. */
export const healthySteps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(healthyWrite, healthyRead) as fc.Arbitrary<Step>, {
  maxLength: 20,
});

const where = fc.constantFrom<Where>('one', 'other', 'all');
const fewRows = fc.option(fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 3 }), { nil: undefined });
const harmfulStep = fc.oneof(
  { weight: 3, arbitrary: healthyWrite },
  { weight: 3, arbitrary: healthyRead },
  fc
    .tuple(healthyWrite, fc.constantFrom('dropped', 'carried out', 'half'))
    .map(([write, harm]) => ({ ...write, harm })),
  fc
    .tuple(healthyRead, fewRows, fewRows, fewRows)
    .map(([read, omits, doubles, spoils]) => ({ ...read, omits, doubles, spoils })),
  fc.record({ do: fc.constantFrom('delete', 'spoil'), row: fc.nat({ max: 20 }), where }),
  fc.record({ do: fc.constant('insert'), writer: fc.constantFrom(1, 9), where }),
);

/** A write that is seen and then gone takes three steps that chance alone seldom brings together. */
const seenAndGone: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.constantFrom<Outcome>('unknown', 'unknown', 'ok', 'fail'),
    fc.record({ do: fc.constantFrom('scan', 'read'), ok: fc.constant(true), takes, when: fc.constant('at the end') }),
  )
  .map(([outcome, read]) => [
    { do: 'write', outcome, happens: true, when: 'at once', takes: 0, harm: 'carried out' },
    read as Step,
    { do: 'read', ok: true, takes: 0, when: 'at once' },
    { do: 'delete', row: NEWEST, where: 'all' },
  ]);

/** Losses, stale answers, doubled and corrupted rows and the rest, at random. */
export const harmfulSteps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: (harmfulStep as fc.Arbitrary<Step>).map((step) => [step]) },
      { weight: 1, arbitrary: seenAndGone },
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.flat());

/** What really became of a write; orders count sends and settlements. */
export interface TracedWrite {
  readonly key: string;
  readonly partitionKey: number;
  readonly member: number;
  readonly outcome: Outcome;
  readonly settledOrder: number;
  readonly settledAt: number;
}

/** What a read of the load that was answered returned. */
export interface TracedRead {
  readonly partitionKey: number | undefined;
  readonly session: number | undefined;
  readonly sentOrder: number;
  readonly settledOrder: number;
  readonly sentAt: number;
  readonly rows: readonly Row[];
}

export interface Trace {
  readonly writes: TracedWrite[];
  readonly reads: TracedRead[];
  readonly initial: readonly Row[];
  /** Every row as it has to be, by its key. */
  readonly truth: ReadonlyMap<string, Row>;
  readonly partitionOf: (partitionKey: number) => number;
  /** At the end: what the coordinator shows, and each placement. */
  readonly coordinator: readonly Row[];
  readonly placements: readonly { readonly partition: number; readonly rows: readonly Row[] }[];
}

interface Placement {
  readonly partition: number;
  readonly node: string;
  rows: Row[];
}

interface Pending {
  readonly due: number;
  readonly settle: () => Promise<void>;
}

/** Runs a script to its end. */
export async function simulate(steps: readonly Step[]): Promise<{ readonly history: History; readonly trace: Trace }> {
  return await new Simulation().run(steps);
}

class Simulation {
  readonly #run = chat.start(PARAMS, 1);
  readonly #initial = (chat.dataset(PARAMS).tables.find(({ name }) => name === 'messages')?.rows ??
    []) as unknown as Row[];
  readonly #placements: Placement[] = PARTITIONS.flatMap(({ index, copies: placements }) =>
    placements.map((node) => ({
      partition: index,
      node,
      rows: this.#initial.filter(([partitionKey]) => partitionOf(partitionKey) === index),
    })),
  );
  readonly #truth = new Map(this.#initial.map((row) => [keyOf(row), row]));
  readonly #strangers = { 1: strangers(1), 9: strangers(9) };
  readonly #writes: TracedWrite[] = [];
  readonly #reads: TracedRead[] = [];
  readonly #operations: Operation[] = [];
  #pending: Pending[] = [];
  #order = 0;
  #now = 0;
  #nextId = 1;

  async run(steps: readonly Step[]) {
    for (const [i, step] of steps.entries()) {
      await this.#advance(i);
      if (step.do === 'write') this.#write(step, i);
      else if ('ok' in step) this.#read(step, i);
      else this.#tamper(step);
    }
    for (let i = steps.length; this.#pending.length > 0; i++) await this.#advance(i);
    return { history: await this.#history(), trace: this.#trace() };
  }

  async #advance(step: number): Promise<void> {
    this.#now = (step + 1) * STEP_MS;
    const due = this.#pending.filter((one) => one.due <= step);
    this.#pending = this.#pending.filter((one) => one.due > step);
    for (const { settle } of due) await settle();
  }

  #write({ outcome, happens, when, takes: steps, harm }: Extract<Step, { do: 'write' }>, now: number): void {
    const request = this.#run.next('write');
    const sentAt = this.#now;
    const id = this.#nextId++;
    let row: Row | undefined;
    let answer: { resolve: (rows: unknown[]) => void; reject: (error: Error) => void } | undefined;
    const session = {
      query: (_: string, values: Row) => {
        row = values;
        return new Promise((resolve, reject) => {
          answer = { resolve, reject };
        });
      },
    };
    // What was not sent has no row anywhere.
    const running = outcome === 'unsent' ? undefined : request.run(session as unknown as Session);
    if (row) this.#truth.set(keyOf(row), row);
    const takesPlace =
      (outcome === 'ok' && harm !== 'dropped') ||
      (outcome === 'fail' && harm === 'carried out') ||
      (outcome === 'unknown' && happens);
    const apply = () => {
      if (row && takesPlace) this.#insert(row, harm === 'half' ? 'one' : 'all');
    };
    if (when === 'at once') apply();
    this.#pending.push({
      due: now + steps,
      settle: async () => {
        // What is acknowledged has taken place by then.
        if (when === 'at the end' || (when === 'afterwards' && outcome === 'ok')) apply();
        if (outcome === 'ok') answer?.resolve([]);
        else answer?.reject(new Error('it ended'));
        await running?.catch(() => undefined);
        request.settled(outcome);
        this.#settled(request, { id, kind: 'write', outcome, sentAt });
        this.#writes.push({
          key: request.key as string,
          partitionKey: request.partitionKey as number,
          member: row?.[3] ?? 0,
          outcome,
          settledOrder: this.#order++,
          settledAt: this.#now,
        });
        if (when === 'afterwards' && outcome !== 'ok') {
          this.#pending.push({ due: now + steps + 1, settle: async () => apply() });
        }
      },
    });
  }

  #read(step: Extract<Step, { do: 'read' | 'scan' }>, now: number): void {
    const { do: kind, ok, takes: steps, when } = step;
    const request = this.#run.next(kind);
    const sentAt = this.#now;
    const sentOrder = this.#order++;
    const id = this.#nextId++;
    const look = () => harmed(this.#coordinatorRows(request.partitionKey), step);
    let rows = look();
    let answer: { resolve: (rows: readonly Row[]) => void; reject: (error: Error) => void } | undefined;
    const answered = new Promise<readonly Row[]>((resolve, reject) => {
      answer = { resolve, reject };
    });
    const session = {
      query: () => answered,
      forEachRow: async (_: string, __: unknown, onRow: (row: Row) => void) => (await answered).forEach(onRow),
    };
    const running = request.run(session as unknown as Session);
    this.#pending.push({
      due: now + steps,
      settle: async () => {
        if (when === 'at the end') rows = look();
        if (ok) answer?.resolve(rows);
        else answer?.reject(new Error('it ended'));
        const observed = await running.catch(() => undefined);
        const outcome = ok ? 'ok' : 'fail';
        request.settled(outcome);
        this.#settled(request, { id, kind, outcome, sentAt, ...observed });
        if (!ok) return;
        const { partitionKey, session: reader } = request;
        this.#reads.push({ partitionKey, session: reader, sentOrder, settledOrder: this.#order++, sentAt, rows });
      },
    });
  }

  #tamper(step: Extract<Step, { do: 'delete' | 'spoil' | 'insert' }>): void {
    if (step.do === 'insert') {
      this.#insert(this.#strangers[step.writer], step.where);
      return;
    }
    const all = [...new Map(this.#placements.flatMap(({ rows }) => rows).map((row) => [keyOf(row), row])).values()];
    const newest = all.filter(([, writer]) => writer === 1).toSorted(([, , a], [, , b]) => b - a);
    const chosen = step.row === NEWEST ? newest[0] : all[step.row % Math.max(1, all.length)];
    if (!chosen) return;
    const key = keyOf(chosen);
    for (const placement of this.#at(partitionOf(chosen[0]), step.where)) {
      placement.rows =
        step.do === 'delete'
          ? placement.rows.filter((row) => keyOf(row) !== key)
          : placement.rows.map((row) => (keyOf(row) === key ? spoiled(row) : row));
    }
  }

  #insert(row: Row, at: Where): void {
    for (const placement of this.#at(partitionOf(row[0]), at)) {
      // As its primary key demands.
      if (!placement.rows.some((other) => keyOf(other) === keyOf(row))) placement.rows = [...placement.rows, row];
    }
  }

  #at(partition: number, at: Where): Placement[] {
    const holders = this.#placements.filter((placement) => placement.partition === partition);
    return at === 'all' ? holders : holders.slice(at === 'one' ? 0 : 1, at === 'one' ? 1 : 2);
  }

  #coordinatorRows(partitionKey?: number): Row[] {
    const rows = PARTITIONS.flatMap(({ index }) => this.#at(index, 'one')).flatMap((placement) => placement.rows);
    return partitionKey === undefined ? rows : rows.filter((row) => row[0] === partitionKey);
  }

  #settled(request: OperationRequest, operation: Omit<Operation, 'intendedAt' | 'settledAt'>): void {
    const { partitionKey, session, key } = request;
    const partition = partitionKey === undefined ? undefined : partitionOf(partitionKey);
    const { sentAt } = operation;
    this.#operations.push({
      partitionKey,
      partition,
      session,
      key,
      intendedAt: sentAt,
      settledAt: this.#now,
      ...operation,
    });
  }

  async #history(): Promise<History> {
    const read = (rows: readonly Row[]) => {
      const session = { forEachRow: async (_: string, __: unknown, onRow: (row: Row) => void) => rows.forEach(onRow) };
      return chat.ledger.readAll(session as unknown as Session, 'messages', PARAMS, 1_000);
    };
    const at = this.#now + STEP_MS;
    const placement = {
      partitions: PARTITIONS,
      partitionOfKey: Object.fromEntries(Array.from({ length: PARAMS.rooms }, (_, i) => [i + 1, partitionOf(i + 1)])),
    };
    const formed = { platform: 'local', engine: 'native', reason: 'simulated', nodes: [], placement };
    const events: TimedEvent[] = [
      { at: 0, type: 'cluster-formed', ...formed },
      { at, type: 'load-kept', writer: 1, intended: this.#nextId - 1, unsent: 0, ...KEPT },
      { at, type: 'final-read', route: 'coordinator', read: await read(this.#coordinatorRows()) },
    ];
    for (const { partition, node, rows } of this.#placements) {
      events.push({
        at,
        type: 'placement-read',
        node,
        partition: PARTITIONS[partition]?.name ?? '',
        read: await read(rows),
      });
    }
    return {
      run: {
        id: 'simulated',
        scenario: 'simulated',
        summary: 'Simulated.',
        seed: 1,
        startedAt: '2026-11-23T10:00:00.000Z',
        pgquakeVersion: '0.0.0',
        nodeVersion: 'v24.0.0',
        kinds: chat.kinds(PARAMS),
        probes: [],
        messages: chat.ledger.initialRows(PARAMS),
        plannedActs: 0,
        again: '',
      },
      events,
      operations: tableOf(this.#operations),
      probes: tableOf([]),
    };
  }

  #trace(): Trace {
    return {
      writes: this.#writes,
      reads: this.#reads,
      initial: this.#initial,
      truth: this.#truth,
      partitionOf,
      coordinator: this.#coordinatorRows(),
      placements: this.#placements,
    };
  }
}

/** As the run's, without room for a thousand. */
function tableOf(operations: readonly Operation[]): OperationTable {
  const table = new OperationTable([], operations.length);
  for (const operation of operations.toSorted((a, b) => a.id - b.id)) table.add(operation);
  return table;
}

/** A row as its key demands, of a writer or a sequence number that no script reaches. */
function strangers(writer: 1 | 9): Row {
  const run = chat.start(PARAMS, 1, writer);
  for (let seq = 1; seq < 40; seq++) run.next('write');
  let row: Row | undefined;
  const session = {
    query: async (_: string, values: Row) => {
      row = values;
      return [];
    },
  };
  void run.next('write').run(session as unknown as Session);
  return row as unknown as Row;
}

function spoiled([partitionKey, writer, seq, member, body]: Row): Row {
  return [partitionKey, writer, seq, member, `${body}!`];
}

function harmed(rows: readonly Row[], { omits, doubles, spoils }: Extract<Step, { do: 'read' | 'scan' }>): Row[] {
  const picked = (numbers: readonly number[] = []) => new Set(numbers.map((n) => n % Math.max(1, rows.length)));
  const [left, twice, wrong] = [picked(omits), picked(doubles), picked(spoils)];
  return rows.flatMap((row, i) => {
    if (left.has(i)) return [];
    const shown = wrong.has(i) ? spoiled(row) : row;
    return twice.has(i) ? [shown, shown] : [shown];
  });
}

/** Whether a session read after a write of its own that was acknowledged, and one after another read. */
export function bothGuaranteesTried(history: History, { reads }: Trace): boolean {
  const answered = [...history.operations].filter(({ outcome }) => outcome === 'ok');
  const followed = (isRead: boolean) =>
    reads.some(({ session, sentAt }) =>
      answered.some(
        (before) => before.session === session && (before.kind !== 'write') === isRead && before.settledAt <= sentAt,
      ),
    );
  return followed(true) && followed(false);
}
