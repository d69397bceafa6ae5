/** Run folders below `reports/`: creates them, writes their files, reads stored runs. */

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { filesIn, writeHint } from './disk/files-in.ts';
import { EnvironmentError, errorText, InputError } from './model/errors.ts';
import type { TimedEvent } from './model/event.ts';
import { parseEventLine } from './model/event-line.ts';
import type { History, OperationKind, RunInfo } from './model/history.ts';
import type { OperationTable } from './model/operations.ts';
import type { Plan } from './model/plan.ts';
import { quoted } from './model/quoted.ts';
import { REPORT_VERSION, type Report } from './model/report.ts';
import { readRegular } from './regular-file.ts';
import { eventOfNow, planOfNow, reportOfNow, runOfNow } from './version-1.ts';

export const DEFAULT_REPORTS_FOLDER = 'reports';

/** Imported when a run is read: these schemas are the largest, and most commands need none of them. */
async function schemas() {
  const [report, plan] = await Promise.all([import('./model/report-schema.ts'), import('./model/plan-schema.ts')]);
  return { ...report, ...plan };
}

/** Loads the modules for reading a run ahead of time. */
export async function loadReaders(): Promise<void> {
  await Promise.all([schemas(), operationsFile()]);
}

/** Arrow is slow to load, and most commands read no operations. */
function operationsFile() {
  return import('./operations-file.ts');
}

export interface StoredRun {
  readonly folder: string;
  readonly plan: Plan;
  readonly history: History;
}

/**
 * Creates the folder of a new run, `<UTC time>-<scenario>`, followed by a number where that name is taken.
 * @returns its absolute path.
 * @throws EnvironmentError when it cannot be created.
 */
export function createRunFolder(reportsFolder: string, scenario: string, startedAt: Date): string {
  const folder = createFolder(reportsFolder, scenario, startedAt);
  writing(folder, () => filesIn(folder).makeNewFolder(join(folder, 'logs')));
  return folder;
}

/** The same for a suite: `<UTC time>-suite-<name>`. */
export function createSuiteFolder(reportsFolder: string, name: string, startedAt: Date): string {
  return createFolder(reportsFolder, `suite-${name}`, startedAt);
}

function createFolder(reportsFolder: string, name: string, startedAt: Date): string {
  const stamp = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  const base = join(resolve(reportsFolder), `${stamp}-${name}`);
  const files = filesIn(base);
  try {
    files.makeFolder(resolve(reportsFolder));
    for (let attempt = 1; ; attempt++) {
      const folder = attempt === 1 ? base : `${base}-${attempt}`;
      try {
        files.makeNewFolder(folder);
        return folder;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt >= 1_000) throw error;
      }
    }
  } catch (error) {
    throw new EnvironmentError(`cannot create the run's folder in ${reportsFolder}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: writeHint(error, 'choose a writable folder with --reports <folder>'),
      cause: error,
    });
  }
}

/**
 * Writes the inputs of a run: `scenario.yaml`, `plan.json`, `run.json`.
 * @throws EnvironmentError when they cannot be written.
 */
export function writeRunInputs(folder: string, plan: Plan, run: RunInfo): void {
  writeFiles(folder, { 'scenario.yaml': plan.scenario.source });
  writePlan(folder, plan);
  writeFiles(folder, { 'run.json': `${JSON.stringify(run, null, 2)}\n` });
}

/** Replaces an earlier plan once its open targets are picked. */
export function writePlan(folder: string, plan: Plan): void {
  writeFiles(folder, { 'plan.json': `${JSON.stringify(plan, null, 2)}\n` });
}

/**
 * Points the link `latest`, beside the folder, at this run. Never replaces a `latest` that is not a link.
 * @returns why it did not, in words; `undefined` where it did.
 */
export function pointLatest(folder: string): string | undefined {
  const latest = join(folder, '..', 'latest');
  const files = filesIn(folder);
  try {
    const there = files.lookAtLink(latest);
    if (there && !there.isLink) {
      return `${latest} is not a link, so pgquake leaves it as it is; this run is in ${folder}`;
    }
    files.remove(latest);
    // Some Windows accounts may not create links; the folders' names still show the newest run.
    files.link(basename(folder), latest);
    return undefined;
  } catch (error) {
    return `${latest} does not lead to this run: ${errorText(error)}`;
  }
}

/**
 * Writes files into a folder, by name, each whole or not at all.
 * @throws EnvironmentError when one cannot be written.
 */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  const failures: unknown[] = [];
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      writing(path, () => filesIn(path).replace(path, content));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function writing(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new EnvironmentError(`cannot write ${path}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: writeHint(error),
      cause: error,
    });
  }
}

/**
 * Reads the plan of a run, to run it again.
 * @throws InputError where the folder is not a run, or is damaged.
 */
export async function readPlan(folder: string): Promise<Plan> {
  const { wholePlanSchema } = await schemas();
  return (await readChecked(folder, 'plan.json', wholePlanSchema, planOfNow)) as unknown as Plan;
}

/** After the load has stopped, no operation is due. */
const STOPPED_MS = 60 * 1_000;
/** No run goes on for this long without an event. */
const QUIET_MS = 24 * 60 * 60 * 1_000;

/** An operation due later is damage, which nothing else shows in runs of earlier versions. */
function latestDueMs(events: readonly TimedEvent[]): number {
  const stopped = events.findLast(({ type }) => type === 'load-kept');
  return stopped ? stopped.at + STOPPED_MS : (events.at(-1)?.at ?? 0) + QUIET_MS;
}

/**
 * Reads a stored run.
 * @throws InputError with file and line, where the folder is not a run or is damaged.
 */
export async function readRun(folder: string): Promise<StoredRun> {
  const { runSchema, eventSchema, planSchema } = await schemas();
  const run = (await readChecked(folder, 'run.json', runSchema, runOfNow)) as RunInfo;
  // Without what only a replay needs: an earlier version may not have written that.
  const plan = (await readChecked(folder, 'plan.json', planSchema, planOfNow)) as unknown as Plan;
  if (plan.scenario.name !== run.scenario || plan.seed !== run.seed) {
    throw notARun(join(folder, 'plan.json'), `it belongs to another run than run.json, which is of ${run.scenario}`);
  }
  const events = (await readEvents(folder, eventSchema)).toSorted((a, b) => a.at - b.at);
  const { OPERATIONS_FILE, PROBES_FILE, WITNESS_FILE, readOperations } = await operationsFile();
  const untilMs = latestDueMs(events);
  const read = (name: string) => readTable(join(folder, name), (path) => readOperations(path, untilMs));
  const operations = read(OPERATIONS_FILE);
  const probes = read(PROBES_FILE);
  refuseMissingKind(folder, run.kinds, operations);
  refuseMissingKind(folder, run.probes, probes);
  const witness = existsSync(join(folder, WITNESS_FILE)) ? { witness: read(WITNESS_FILE) } : {};
  const history = { run, events, operations, probes, ...witness };
  return { folder, plan, history };
}

/**
 * Reads the report of a stored run, in this version's format or the previous one.
 * @param path the run's folder, or its report.json.
 * @throws InputError where there is none, or it has another format.
 */
export async function readReport(path: string): Promise<Report> {
  const folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = folder ? join(path, 'report.json') : path;
  const { storedReportSchema } = await schemas();
  const stored = await readChecked(dirname(file), basename(file), storedReportSchema, reportOfNow);
  return { ...stored, version: REPORT_VERSION } as Report;
}

/** @param ofNow converts what an earlier version wrote; by default the value is unchanged. */
async function readChecked<T>(
  folder: string,
  name: string,
  schema: z.ZodType<T>,
  ofNow: (value: unknown) => unknown = (value) => value,
): Promise<T> {
  const path = join(folder, name);
  try {
    return checked(ofNow(JSON.parse((await readRegular(path)).toString('utf8'))), schema);
  } catch (error) {
    throw notARun(path, errorText(error), error);
  }
}

/** Without a kind that was recorded, checks would judge half of the run. */
function refuseMissingKind(folder: string, kinds: readonly OperationKind[], { data }: OperationTable): void {
  const missing = data.kinds.find((recorded) => !kinds.some(({ name }) => name === recorded));
  if (missing === undefined) return;
  throw notARun(join(folder, 'run.json'), `it lacks the kind ${quoted(missing)}, which was recorded`);
}

async function readEvents(folder: string, schema: z.ZodType): Promise<TimedEvent[]> {
  const path = join(folder, 'events.ndjson');
  let line = 0;
  try {
    // A crash may have cut off the text after the last newline.
    return (await readRegular(path))
      .toString('utf8')
      .split('\n')
      .slice(0, -1)
      .map((text) => {
        line++;
        return checked(eventOfNow(parseEventLine(text)), schema) as TimedEvent;
      });
  } catch (error) {
    throw notARun(line === 0 ? path : `${path}:${line}`, errorText(error), error);
  }
}

/** Returns the value itself, with keys that the schema does not know. @throws with the first path that does not fit. */
function checked<T>(value: unknown, schema: z.ZodType<T>): T {
  const { error } = schema.safeParse(value);
  if (!error) return value as T;
  const [issue] = error.issues;
  const { path = [], message } = issue ?? {};
  const found = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);
  throw new Error(`${path.join('.') || 'it'}: ${found === undefined ? 'it is missing' : message}`);
}

function readTable(path: string, read: (path: string) => OperationTable): OperationTable {
  try {
    return read(path);
  } catch (error) {
    throw notARun(path, errorText(error), error);
  }
}

function notARun(path: string, reason: string, cause?: unknown): InputError {
  const missing = (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
  const message = missing
    ? `cannot read the run ${dirname(path)}: there is no ${basename(path)}`
    : `${path}: not a readable run of pgquake: ${reason}`;
  return new InputError(message, {
    code: 'run-unreadable',
    hint: 'give the folder of a run, such as reports/latest',
    cause,
  });
}
