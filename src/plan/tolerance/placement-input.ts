/** Reads a placement from options, a placement file or the report of a run. Reports all problems at once. */

import { z } from 'zod';
import { InputError } from '../../model/errors.ts';
import { nearest } from '../../model/nearest.ts';
import { expectedButFound, quoted } from '../../model/quoted.ts';
import type { Placement } from '../../model/service-rule.ts';
import { dataNodes, type NodeName, PURPOSES } from '../../model/topology.ts';
import { type Shape, workersNamed } from './layouts.ts';

export const MAX_WORKERS = 10_000;
const MAX_SHARDS = 1_000_000;
const MAX_PROBLEMS = 10;

export interface PlacementInput {
  readonly placement: Placement;
  /** The run's engine, if the file is a report. */
  readonly engine?: string;
}

/**
 * Checks what the command line asks for.
 * @throws InputError that names every option out of range.
 */
export function checkShape({ workers, replication, partitions }: Shape): void {
  const problems: string[] = [];
  const inRange = (option: string, value: number, max: number) => {
    if (Number.isInteger(value) && value >= 1 && value <= max) return true;
    problems.push(`${option}: ${expectedButFound(`a whole number from 1 to ${max}`, value)}`);
    return false;
  };
  const workersFit = inRange('--workers', workers, MAX_WORKERS);
  inRange('--shards', partitions, MAX_SHARDS);
  if (workersFit && inRange('--replication', replication, MAX_WORKERS) && replication > workers) {
    problems.push(`--replication: expected at most ${workers}, the number of workers, found ${replication}`);
  }
  refuse(problems);
}

const name = (what: string) =>
  z
    .string({ error: (issue) => expectedButFound(`the name of a ${what}`, issue.input) })
    .min(1, `expected the name of a ${what}, found ""`);

const list = <T extends z.ZodType>(of: T, what: string) =>
  z.array(of, { error: (issue) => expectedButFound(`a list of ${what}`, issue.input) });

const shardSchema = z.object(
  { name: name('shard'), placements: list(name('worker'), 'workers') },
  { error: (issue) => expectedButFound('a shard: { "name", "placements" }', issue.input) },
);

/** As in reports since version 2. */
const partitionSchema = z.object({ name: name('partition'), copies: list(name('node'), 'nodes') });

const placementSchema = z.object({
  workers: list(name('worker'), 'workers'),
  shards: list(shardSchema, 'shards'),
  writesAlsoNeed: name('worker').exactOptional(),
});

const reportSchema = z.object({
  topology: z.object({
    // Version 1 only; later versions have `nodes`.
    workers: z
      .int({ error: (issue) => expectedButFound('the number of workers', issue.input) })
      .min(1)
      .max(MAX_WORKERS)
      .optional(),
    nodes: z.array(z.object({ name: name('node'), role: z.string(), part: z.enum(PURPOSES) })).optional(),
    engine: z.string().optional(),
  }),
  placement: list(z.union([partitionSchema, shardSchema]), 'partitions'),
  // Only to find the event with the placement that the cluster reported.
  timeline: z
    .array(z.looseObject({ placement: z.looseObject({ writesAlsoNeed: z.string().optional() }).optional() }))
    .catch([])
    .default([]),
});

/**
 * Reads `{ "workers": [...], "shards": [{ "name", "placements" }] }`, or the `report.json` of a run.
 * @param source the file's name, for messages.
 * @throws InputError with every problem (at most 10), each with its place.
 */
export function parsePlacement(text: string, source: string): PlacementInput {
  const value = parseJson(text, source);
  if (isObject(value) && 'placement' in value && 'topology' in value) {
    const { topology, placement: reported, timeline } = validated(reportSchema, value, source);
    const also = timeline.find((event) => event.placement)?.placement?.writesAlsoNeed;
    const placement = {
      workers: topology.nodes ? dataNodes({ nodes: topology.nodes }) : workersNamed(topology.workers ?? 0),
      partitions: reported.map((one) => ('copies' in one ? one : partitionOf(one))),
      ...(also === undefined ? {} : { writesAlsoNeed: also }),
    };
    const copies = reported.every((one) => 'copies' in one) ? 'copies' : WRITTEN.copies;
    refuse(placementProblems(placement, { workers: 'topology', partitions: 'placement', copies }), source);
    return topology.engine === undefined ? { placement } : { placement, engine: topology.engine };
  }
  const { shards, ...rest } = validated(placementSchema, value, source);
  const placement = { ...rest, partitions: shards.map(partitionOf) };
  refuse(placementProblems(placement), source);
  return { placement };
}

function partitionOf({ name, placements }: z.output<typeof shardSchema>): Placement['partitions'][number] {
  return { name, copies: placements };
}

/** The keys of a placement file. */
const WRITTEN = { workers: 'workers', partitions: 'shards', copies: 'placements' };

/**
 * Checks a placement that did not come from a file.
 * @param source its origin, for messages.
 * @throws InputError with every problem (at most 10), each with its place.
 */
export function checkPlacement(placement: Placement, source: string): void {
  refuse(placementProblems(placement), source);
}

/** The contradictions in a placement that fits the schema, each with its place. */
export function placementProblems(
  { workers, partitions, writesAlsoNeed }: Placement,
  at: Readonly<typeof WRITTEN> = WRITTEN,
): string[] {
  const problems: string[] = [];
  if (workers.length === 0) problems.push(`${at.workers}: expected at least one worker, found none`);
  if (workers.length > MAX_WORKERS)
    problems.push(`${at.workers}: expected at most ${MAX_WORKERS}, found ${workers.length}`);
  if (partitions.length === 0) problems.push(`${at.partitions}: expected at least one shard, found none`);
  if (partitions.length > MAX_SHARDS)
    problems.push(`${at.partitions}: expected at most ${MAX_SHARDS}, found ${partitions.length}`);
  problems.push(...repeated(workers, (i) => `${at.workers}[${i}]`));
  problems.push(
    ...repeated(
      partitions.map((partition) => partition.name),
      (i) => `${at.partitions}[${i}].name`,
    ),
  );
  const known = new Set(workers);
  for (const [i, { copies }] of partitions.entries()) {
    const place = `${at.partitions}[${i}].${at.copies}`;
    if (copies.length === 0) problems.push(`${place}: expected at least one worker, found none`);
    problems.push(...repeated(copies, (p) => `${place}[${p}]`));
    for (const [p, worker] of copies.entries()) {
      if (known.has(worker)) continue;
      // Finding the nearest name is slow; problems that are not shown need no text.
      problems.push(problems.length < MAX_PROBLEMS ? `${place}[${p}]: ${unknownWorker(worker, workers)}` : place);
    }
  }
  if (writesAlsoNeed !== undefined && !known.has(writesAlsoNeed)) {
    problems.push(`writesAlsoNeed: ${unknownWorker(writesAlsoNeed, workers)}`);
  }
  return problems;
}

function repeated(names: readonly string[], placeOf: (index: number) => string): string[] {
  const first = new Map<string, number>();
  return names.flatMap((each, i) => {
    const before = first.get(each);
    if (before === undefined) {
      first.set(each, i);
      return [];
    }
    return [`${placeOf(i)}: expected each name once, found ${quoted(each)} again (first at ${placeOf(before)})`];
  });
}

function unknownWorker(found: string, workers: readonly NodeName[]): string {
  const meant = nearest(found, workers);
  const known = workers.length <= 8 ? workers.join(', ') : `${workers.slice(0, 3).join(', ')}, ... ${workers.at(-1)}`;
  return `expected one of the workers (${known}), found ${quoted(found)}${meant === undefined ? '' : `; did you mean ${quoted(meant)}?`}`;
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InputError(`${source}: not JSON: ${(error as SyntaxError).message}`, {
      code: 'placement-invalid',
      hint: HINT,
      cause: error,
    });
  }
}

const HINT =
  'a placement is { "workers": ["worker1", ...], "shards": [{ "name": "A", "placements": ["worker1", ...] }] }, or the report.json of a run';

function validated<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  refuse(error?.issues.map(({ path, message }) => `${pathText(path)}${message}`) ?? [], source);
  throw new Error('a failed parse has issues');
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws InputError where there are problems. */
function refuse(problems: readonly string[], source?: string): void {
  if (problems.length === 0) return;
  const shown = problems
    .slice(0, MAX_PROBLEMS)
    .map((problem) => (source === undefined ? problem : `${source}: ${problem}`));
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  throw new InputError(shown.join('\n'), {
    code: 'placement-invalid',
    ...(source === undefined ? {} : { hint: HINT }),
  });
}
