/** The undos that a run owes, on disk before each act, so that pgquake can carry them out after a crash. */

import { join } from 'node:path';
import { z } from 'zod';
import { CLUSTER_FILE } from '../cluster/platform.ts';
import { SilentDiskError } from '../disk/disk-process.ts';
import { filesIn, writeHint } from '../disk/files-in.ts';
import { DisplacedError, LineFile } from '../disk/line-file.ts';
import type { Undo } from '../faults/fault.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';

const FILE = 'undo.ndjson';

export interface PromisedUndo {
  /** Index of the act in the plan. */
  readonly act: number;
  /** The fault whose `undo` carries it out. */
  readonly fault: string;
  /** The mark on everything that the act left. */
  readonly mark: string;
  readonly undo: Undo;
}

export interface PendingUndo extends PromisedUndo {
  readonly id: number;
}

/** What an undo needs; the rest of a line is kept as it is. */
const lineSchema = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('promised'),
    id: z.int(),
    act: z.int(),
    fault: z.string(),
    mark: z.string(),
    undo: z.looseObject({ action: z.string(), node: z.string() }),
  }),
  z.looseObject({ type: z.literal('kept'), id: z.int() }),
]);

type Line = ({ readonly type: 'promised' } & PendingUndo) | { readonly type: 'kept'; readonly id: number };

/** An undo could not be recorded, so its act must not be done. */
export class JournalError extends EnvironmentError {}

export class UndoJournal implements Disposable {
  readonly #path: string;
  readonly #file: LineFile;
  /** By which `heal` finds the folder; absent where several runs share a cluster. */
  readonly #clusterFile: string | undefined;
  readonly #pending = new Map<number, PendingUndo>();
  #nextId = 1;
  #unwritten = false;

  /**
   * @param owed undos that the journal already has.
   * @throws JournalError when it cannot be opened.
   */
  constructor(folder: string, owed: readonly PendingUndo[] = []) {
    this.#path = join(folder, FILE);
    const clusterFile = join(folder, CLUSTER_FILE);
    for (const entry of owed) this.#pending.set(entry.id, entry);
    try {
      this.#clusterFile = filesIn(clusterFile).look(clusterFile) && clusterFile;
      this.#file = new LineFile(this.#path);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /**
   * Records an undo; when this returns, it is on disk where `heal` looks.
   * @throws JournalError when it cannot be; then the act must not be done.
   */
  promise(promised: PromisedUndo): void {
    const pending: PendingUndo = { id: this.#nextId++, ...promised };
    try {
      if (this.#clusterFile !== undefined && !filesIn(this.#clusterFile).look(this.#clusterFile)) {
        throw new DisplacedError(`${CLUSTER_FILE} beside it was removed or moved during the run`);
      }
      this.#file.appendForOthers(lineOf({ type: 'promised', ...pending }));
    } catch (error) {
      throw this.#unwritable(error);
    }
    this.#pending.set(pending.id, pending);
  }

  /** Notes that an undo was carried out. Never throws: if the note is lost, the undo is repeated, which is harmless. */
  kept(id: number): void {
    this.#pending.delete(id);
    try {
      this.#file.append(lineOf({ type: 'kept', id }), true);
    } catch {
      this.#unwritten = true;
    }
    // If nothing is owed, an empty journal says so without needing disk space.
    if (this.#unwritten && this.#pending.size === 0 && this.#file.clear()) this.#unwritten = false;
  }

  /** Undos that are still owed, newest first; of one act, or of all. */
  pending(act?: number): PendingUndo[] {
    return [...this.#pending.values()].filter((entry) => act === undefined || entry.act === act).reverse();
  }

  /** Never throws: every line that counts is on disk. */
  [Symbol.dispose](): void {
    try {
      this.#file[Symbol.dispose]();
    } catch {
      // Its disk does not answer.
    }
  }

  #unwritable(cause: unknown): JournalError {
    const displaced = cause instanceof DisplacedError;
    const what = `${this.#path} cannot be ${displaced ? 'relied on' : 'written'}`;
    return new JournalError(`${what}, so pgquake breaks nothing: ${errorText(cause)}`, {
      code: 'journal-unwritable',
      hint: displaced ? 'leave the reports folder alone while a run uses it' : writeHint(cause),
      cause,
    });
  }
}

/** @throws the system's error. */
function textIn(path: string): string {
  return Buffer.from(filesIn(path).read(path)).toString('utf8');
}

function lineOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** Notes that undos of an earlier process were kept. First removes a line that its crash cut short. */
export function noteKept(folder: string, ids: readonly number[]): void {
  if (ids.length === 0) return;
  const path = join(folder, FILE);
  const text = textIn(path);
  {
    using file = new LineFile(path);
    file.cut(Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)));
  }
  using journal = new UndoJournal(folder, readPendingUndos(folder).reverse());
  for (const id of ids) journal.kept(id);
}

/**
 * The undos that a run owes, newest first; none without a journal. Ignores a last line that a crash cut short.
 * @throws EnvironmentError when the journal is damaged, or its disk does not answer.
 */
export function readPendingUndos(folder: string): PendingUndo[] {
  const path = join(folder, FILE);
  let line = 0;
  try {
    const pending = new Map<number, PendingUndo>();
    for (const text of textIn(path).split('\n').slice(0, -1)) {
      line++;
      const { type, ...entry } = lineSchema.parse(JSON.parse(text));
      if (type === 'promised') pending.set(entry.id, entry as PendingUndo);
      else pending.delete(entry.id);
    }
    return [...pending.values()].reverse();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if (error instanceof SilentDiskError) throw error;
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : errorText(error);
    throw new EnvironmentError(
      `${path}${line === 0 ? '' : `:${line}`} cannot be read: ${reason.replaceAll('\n', ' ')}`,
      {
        code: 'journal-damaged',
        hint: 'undo by hand what the file lists, and move the file away; then "pgquake heal" does the rest',
        cause: error,
      },
    );
  }
}
