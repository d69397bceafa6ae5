/** A file to which lines are added: each is there whole or not at all, also where the disk fills. */

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
   * In the file when it returns.
   * @param text whole lines.
   * @param sync whether they must be on disk, too.
   * @throws the system's error; then the file is as it was.
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

  /** Takes all lines away, which needs no space. @returns whether that worked. */
  clear(): boolean {
    return this.#truncate(0);
  }

  #truncate(size: number): boolean {
    try {
      ftruncateSync(this.#file, size);
      this.#size = size;
      return true;
    } catch {
      return false; // Half a line at the end is ignored by whoever reads the file.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
