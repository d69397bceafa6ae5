/** A file to which whole lines are appended, or nothing, even when the disk is full. */

import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export class LineFile implements Disposable {
  readonly #file: number;
  #size: number;

  /** @throws the system's error. */
  constructor(path: string) {
    this.#file = openSync(path, 'a');
    this.#size = fstatSync(this.#file).size;
  }

  /**
   * Appends text to the file.
   * @param text whole lines.
   * @param sync whether to wait until they are on disk.
   * @throws the system's error; then the file is unchanged.
   */
  append(text: string, sync = false): void {
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.byteLength; ) at += writeSync(this.#file, bytes, at);
      if (sync) fsyncSync(this.#file);
      this.#size += bytes.byteLength;
    } catch (error) {
      this.#truncate(this.#size);
      throw error;
    }
  }

  /** Removes all lines, which needs no disk space. @returns whether that worked. */
  clear(): boolean {
    return this.#truncate(0);
  }

  #truncate(size: number): boolean {
    try {
      ftruncateSync(this.#file, size);
      this.#size = size;
      return true;
    } catch {
      return false; // Readers ignore half a line at the end.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
