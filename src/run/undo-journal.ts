/**
 * What has to be undone, on disk before it is done. A line for every undo that was promised, a line
 * for every one that was kept; what a crash leaves open can be read back and kept later.
 */

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Undo } from '../faults/fault.ts';

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

export class UndoJournal implements Disposable {
  readonly #file: number;
  readonly #pending = new Map<number, PendingUndo>();
  #nextId = 1;

  constructor(folder: string) {
    this.#file = openSync(join(folder, FILE), 'a');
  }

  /** On disk when it returns. */
  promise(promised: PromisedUndo): void {
    const pending: PendingUndo = { id: this.#nextId++, ...promised };
    this.#write({ type: 'promised', ...pending });
    this.#pending.set(pending.id, pending);
  }

  kept(id: number): void {
    this.#write({ type: 'kept', id });
    this.#pending.delete(id);
  }

  /** Not yet kept, newest first; of one act, or of all. */
  pending(act?: number): PendingUndo[] {
    return [...this.#pending.values()].filter((entry) => act === undefined || entry.act === act).reverse();
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#file);
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
  using journal = new UndoJournal(folder);
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
