/**
 * What has to be undone, on disk before it is done. A line for every undo that was promised, a line
 * for every one that was kept; what a crash leaves open can be read back and kept later.
 */

import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Undo } from '../faults/fault.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { LineFile } from './line-file.ts';

const FILE = 'undo.ndjson';

export interface PromisedUndo {
  /** Index of the act in the plan. */
  readonly act: number;
  /** Whose `undo` knows how. */
  readonly fault: string;
  /** What tags the traces of the act. */
  readonly mark: string;
  readonly undo: Undo;
}

export interface PendingUndo extends PromisedUndo {
  readonly id: number;
}

type Line = ({ readonly type: 'promised' } & PendingUndo) | { readonly type: 'kept'; readonly id: number };

/** An undo could not be promised, so its act must not be done. */
export class JournalError extends EnvironmentError {}

export class UndoJournal implements Disposable {
  readonly #path: string;
  readonly #file: LineFile;
  readonly #pending = new Map<number, PendingUndo>();
  #nextId = 1;
  #unwritten = false;

  /**
   * @param owed what the journal holds already.
   * @throws JournalError when it cannot be opened.
   */
  constructor(folder: string, owed: readonly PendingUndo[] = []) {
    this.#path = join(folder, FILE);
    for (const entry of owed) this.#pending.set(entry.id, entry);
    try {
      this.#file = new LineFile(this.#path);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /** On disk when it returns. @throws JournalError when it cannot be written; then nothing may be done. */
  promise(promised: PromisedUndo): void {
    const pending: PendingUndo = { id: this.#nextId++, ...promised };
    try {
      this.#write({ type: 'promised', ...pending });
    } catch (error) {
      throw this.#unwritable(error);
    }
    this.#pending.set(pending.id, pending);
  }

  /** Never throws: an undo that was carried out counts, on disk or not, and is harmless twice. */
  kept(id: number): void {
    this.#pending.delete(id);
    try {
      this.#write({ type: 'kept', id });
    } catch {
      this.#unwritten = true;
    }
    // Where nothing is owed any more, an empty journal says so, and needs no space.
    if (this.#unwritten && this.#pending.size === 0 && this.#file.clear()) this.#unwritten = false;
  }

  /** Not yet kept, newest first; of one act, or of all. */
  pending(act?: number): PendingUndo[] {
    return [...this.#pending.values()].filter((entry) => act === undefined || entry.act === act).reverse();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #write(line: Line): void {
    this.#file.append(`${JSON.stringify(line)}\n`, true);
  }

  #unwritable(cause: unknown): JournalError {
    return new JournalError(`${this.#path} cannot be written, so nothing is broken: ${errorText(cause)}`, {
      code: 'journal-unwritable',
      hint: 'make space, or choose another folder with --reports <folder>',
      cause,
    });
  }
}

/**
 * Notes that undos of an earlier process were kept. A line cut short by its crash is taken away first, as
 * what follows on it would be unreadable.
 */
export async function noteKept(folder: string, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  const path = join(folder, FILE);
  const text = await readFile(path, 'utf8');
  await truncate(path, Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)));
  using journal = new UndoJournal(folder, (await readPendingUndos(folder)).reverse());
  for (const id of ids) journal.kept(id);
}

/** What a run left undone, newest first; empty when it has no journal. A last line cut short by a crash is no promise. */
export async function readPendingUndos(folder: string): Promise<PendingUndo[]> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const pending = new Map<number, PendingUndo>();
  for (const text_ of text.split('\n').slice(0, -1)) {
    const line = JSON.parse(text_) as Line;
    const { type, ...entry } = line;
    if (type === 'promised') pending.set(entry.id, entry as PendingUndo);
    else pending.delete(entry.id);
  }
  return [...pending.values()].reverse();
}
