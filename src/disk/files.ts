/** The file operations of a run, with plain arguments and results, so that another process can do them. */

import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { makeFolder } from '../make-folder.ts';
import { readRegularSync } from '../regular-file.ts';

/** Of a file that is copied: a slow disk writes it in a second. */
const PART_BYTES = 4 << 20;

export interface FileFacts {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly isLink: boolean;
}

/** Each throws the system's error. */
export const ownFiles = {
  /** @param flags `a` appends; `wx` makes a file that must not exist yet. */
  open: (path: string, flags: 'a' | 'wx'): number => openSync(path, flags),

  /** Writes all of it. */
  write(file: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
  },

  /** Waits until all that was written is on the disk. */
  sync: (file: number): void => fsyncSync(file),

  truncate: (file: number, size: number): void => ftruncateSync(file, size),

  facts: (file: number): FileFacts => factsOf(fstatSync(file)),

  close: (file: number): void => closeSync(file),

  /** @returns `undefined` if there is nothing. */
  look: (path: string): FileFacts | undefined => factsOfAny(statSync(path, { throwIfNoEntry: false })),

  /** The same without following a link. */
  lookAtLink: (path: string): FileFacts | undefined => factsOfAny(lstatSync(path, { throwIfNoEntry: false })),

  /**
   * Makes or replaces a file atomically: a reader never sees half of it.
   * @param unfinished the file that it writes first.
   */
  replace(path: string, content: string, unfinished = `${path}.unfinished`): void {
    moveInto(path, unfinished, () => writeFileSync(unfinished, content));
  },

  /**
   * Appends a part of another file.
   * @param at where the part begins.
   * @returns its size; 0 at the end.
   */
  appendPart(file: number, from: string, at: number): number {
    const bytes = Buffer.allocUnsafe(PART_BYTES);
    const source = openSync(from, 'r');
    try {
      const size = readSync(source, bytes, 0, PART_BYTES, at);
      ownFiles.write(file, bytes.subarray(0, size));
      return size;
    } finally {
      closeSync(source);
    }
  },

  move: (from: string, to: string): void => renameSync(from, to),

  read: (path: string): Uint8Array => readRegularSync(path),

  /** Harmless if there is nothing. */
  remove: (path: string): void => rmSync(path, { force: true }),

  link: (target: string, path: string): void => symlinkSync(target, path),

  /** The parent must exist, the folder must not. */
  makeNewFolder: (path: string): void => void mkdirSync(path),

  makeFolder,
};

export type Files = typeof ownFiles;

/** Makes or replaces a file atomically. In parts, since the time for an operation is limited, and files may be large. */
export function copyFile(files: Files, from: string, path: string): void {
  const unfinished = `${path}.unfinished`;
  try {
    files.remove(unfinished);
    const file = files.open(unfinished, 'wx');
    try {
      for (let at = 0, size = -1; size !== 0; at += size) size = files.appendPart(file, from, at);
    } finally {
      files.close(file);
    }
    files.move(unfinished, path);
  } catch (error) {
    ignoringErrors(() => files.remove(unfinished));
    throw error;
  }
}

function moveInto(path: string, unfinished: string, write: () => void): void {
  try {
    write();
    renameSync(unfinished, path);
  } catch (error) {
    ignoringErrors(() => rmSync(unfinished, { force: true }));
    throw error;
  }
}

/** For work whose failure something else shows. */
export function ignoringErrors(work: () => void): void {
  try {
    work();
  } catch {
    // As said.
  }
}

function factsOf(stats: Stats): FileFacts {
  const { dev, ino, size } = stats;
  return { dev, ino, size, isLink: stats.isSymbolicLink() };
}

function factsOfAny(stats: Stats | undefined): FileFacts | undefined {
  return stats && factsOf(stats);
}
