/**
 * The index of all runs in a reports folder: `index.json` with a summary of each run, and `index.html` for people. It
 * reads only new and changed reports, so an update after a run is cheap.
 */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SilentDiskError } from './disk/disk-process.ts';
import { filesIn, writeHint } from './disk/files-in.ts';
import { EnvironmentError, errorText, InputError } from './model/errors.ts';
import type { Report } from './model/report.ts';
import { type IndexedRun, indexedReport, indexedRunSchema, newestFirst, RUN_INDEX_VERSION } from './model/run-index.ts';
import { readRegular } from './regular-file.ts';
import { readReport } from './store.ts';

const INDEX_JSON = 'index.json';
const INDEX_HTML = 'index.html';

/** A run, with the time and size of the report.json that it was read from. */
const keptSchema = z.object({ mtimeMs: z.number(), size: z.number(), run: indexedRunSchema });
const indexSchema = z.object({ version: z.literal(RUN_INDEX_VERSION), runs: z.array(keptSchema) });

type Kept = z.output<typeof keptSchema>;

export interface RunIndexPage {
  readonly render: (runs: readonly IndexedRun[]) => string;
  /** Text that marks a page as pgquake's. Any other `index.html` is never replaced. */
  readonly mark: string;
}

/**
 * Rebuilds the index of a reports folder from its reports.
 * @returns its runs, the newest first.
 * @throws InputError where there is no such folder, or pgquake did not write its index.html.
 * @throws EnvironmentError where it cannot be written.
 */
export async function rebuildRunIndex(reportsFolder: string, page: RunIndexPage): Promise<IndexedRun[]> {
  if (ownerOf(reportsFolder, page) === 'other') {
    throw new InputError(`${join(reportsFolder, INDEX_HTML)} was not written by pgquake, so it stays as it is`, {
      code: 'index-foreign',
      hint: 'keep runs in a separate folder, such as reports/',
    });
  }
  return writeIndex(reportsFolder, page, new Map());
}

/**
 * Updates the index after a run was reported. Leaves files alone that pgquake did not write.
 * @param create whether a folder without an index gets one: true for a new run, false for a stored run, which may be
 * anywhere.
 * @param written the report just written, so that it is not read again.
 * @throws EnvironmentError where it cannot be written, or its disk does not answer.
 */
export async function keepRunIndex(
  reportsFolder: string,
  page: RunIndexPage,
  create: boolean,
  written?: WrittenReport,
): Promise<void> {
  const owner = ownerOf(reportsFolder, page);
  if (owner === 'other' || (owner === 'nobody' && !create)) return;
  await writeIndex(reportsFolder, page, await readKnown(join(reportsFolder, INDEX_JSON)), written);
}

export interface WrittenReport {
  /** The name of the run's folder. */
  readonly id: string;
  readonly text: string;
}

/** @throws SilentDiskError before anything waits for the disk without a limit. */
function ownerOf(reportsFolder: string, { mark }: RunIndexPage): 'pgquake' | 'other' | 'nobody' {
  const path = join(reportsFolder, INDEX_HTML);
  try {
    return Buffer.from(filesIn(path).read(path)).includes(mark) ? 'pgquake' : 'other';
  } catch (error) {
    if (error instanceof SilentDiskError) throw error;
    return 'nobody';
  }
}

async function writeIndex(
  reportsFolder: string,
  { render }: RunIndexPage,
  known: ReadonlyMap<string, Kept>,
  written?: WrittenReport,
): Promise<IndexedRun[]> {
  const kept: Kept[] = [];
  for (const id of await runFolders(reportsFolder)) {
    const text = written?.id === id ? written.text : undefined;
    kept.push(await look(join(reportsFolder, id), id, known.get(id), text));
  }
  const runs = newestFirst(kept.map(({ run }) => run));
  const data = `{"version":${RUN_INDEX_VERSION},"runs":[\n${kept.map((one) => JSON.stringify(one)).join(',\n')}\n]}\n`;
  replace(join(reportsFolder, INDEX_JSON), data);
  replace(join(reportsFolder, INDEX_HTML), render(runs));
  return runs;
}

/** The known runs; empty where `index.json` is missing or unreadable, since it can be rebuilt. */
async function readKnown(path: string): Promise<ReadonlyMap<string, Kept>> {
  try {
    const { runs } = indexSchema.parse(JSON.parse((await readRegular(path)).toString('utf8')));
    return new Map(runs.map((kept) => [kept.run.id, kept]));
  } catch {
    return new Map();
  }
}

/** Folders that have a run.json or a report.json: no suites, links or other entries. */
async function runFolders(reportsFolder: string): Promise<string[]> {
  const entries = await readdir(reportsFolder, { withFileTypes: true }).catch((error: unknown) => {
    throw new InputError(`cannot read the folder ${reportsFolder}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: 'name a folder of runs with --reports <folder>',
      cause: error,
    });
  });
  const folders: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const files = await Promise.all(
      ['run.json', 'report.json'].map((name) => statOf(join(reportsFolder, entry.name, name))),
    );
    if (files.some((file) => file !== undefined)) folders.push(entry.name);
  }
  return folders;
}

async function look(folder: string, id: string, known: Kept | undefined, text: string | undefined): Promise<Kept> {
  const file = await statOf(join(folder, 'report.json'));
  if (!file) {
    const problem = `no report: the run is under way, or was killed; pgquake judge ${id} writes one`;
    return { mtimeMs: 0, size: 0, run: { id, problem } };
  }
  const { mtimeMs, size } = file;
  if (known && known.mtimeMs === mtimeMs && known.size === size) return known;
  try {
    const report = text === undefined ? await readReport(folder) : (JSON.parse(text) as Report);
    return { mtimeMs, size, run: { id, report: indexedReport(report) } };
  } catch (error) {
    return { mtimeMs, size, run: { id, problem: errorText(error) } };
  }
}

async function statOf(path: string): Promise<{ readonly mtimeMs: number; readonly size: number } | undefined> {
  return stat(path).catch(() => undefined);
}

/** Replaces a file atomically: a reader never sees half of it, even if two runs end at once. */
function replace(path: string, text: string): void {
  try {
    filesIn(path).replace(path, text, `${path}.${process.pid}.new`);
  } catch (error) {
    throw new EnvironmentError(`cannot write ${path}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: writeHint(error),
      cause: error,
    });
  }
}
