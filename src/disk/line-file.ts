/** A file to which whole lines are appended, or nothing, even when the disk is full. */

import type { FileFacts, Files } from './files.ts';
import { filesIn } from './files-in.ts';

/** The path no longer leads to the file that was opened, or others have cut it. */
export class DisplacedError extends Error {}

export class LineFile implements Disposable {
  readonly #path: string;
  readonly #files: Files;
  readonly #file: number;
  /** Of what was in it at first and was appended since. */
  #size: number;

  /** @throws the system's error. */
  constructor(path: string) {
    this.#path = path;
    this.#files = filesIn(path);
    this.#file = this.#files.open(path, 'a');
    this.#size = this.#facts().size;
  }

  /**
   * Appends text to the file.
   * @param text whole lines.
   * @param sync whether to wait until they are on disk.
   * @throws the system's error; then the file is unchanged.
   */
  append(text: string, sync = false): void {
    this.#append(text, () => {
      if (sync) this.#files.sync(this.#file);
    });
  }

  /**
   * Appends text; when this returns, another process that opens the path reads it, and everything before it.
   * @param text whole lines.
   * @throws the system's error, or a `DisplacedError`; then the text is not in the file.
   */
  appendForOthers(text: string): void {
    this.#append(text, (size) => {
      this.#files.sync(this.#file);
      this.#expectInPlace(size);
    });
  }

  /**
   * Removes the end, such as a line that a crash cut short.
   * @param size what remains, in bytes.
   * @throws the system's error.
   */
  cut(size: number): void {
    this.#files.truncate(this.#file, size);
    this.#size = size;
  }

  /** Removes all lines, which needs no disk space. @returns whether that worked. */
  clear(): boolean {
    if (!this.#truncate(0)) return false;
    this.#size = 0;
    return true;
  }

  /** @param finish gets the size that the file then has. */
  #append(text: string, finish: (size: number) => void): void {
    const bytes = Buffer.from(text);
    const size = this.#size + bytes.byteLength;
    let before = this.#size;
    try {
      // Less if others have cut the file, which must not grow then.
      before = Math.min(before, this.#facts().size);
      this.#files.write(this.#file, bytes);
      finish(size);
      this.#size = size;
    } catch (error) {
      this.#truncate(before);
      throw error;
    }
  }

  /** A descriptor stays writable after its file is removed, moved or replaced. */
  #expectInPlace(size: number): void {
    const own = this.#facts();
    const there = this.#files.look(this.#path);
    if (!there) throw new DisplacedError('it was removed or moved during the run');
    if (there.dev !== own.dev || there.ino !== own.ino) throw new DisplacedError('it was replaced during the run');
    if (own.size < size) throw new DisplacedError('it was truncated during the run');
  }

  #facts(): FileFacts {
    return this.#files.facts(this.#file);
  }

  #truncate(size: number): boolean {
    try {
      this.#files.truncate(this.#file, size);
      return true;
    } catch {
      return false; // Readers ignore half a line at the end.
    }
  }

  [Symbol.dispose](): void {
    this.#files.close(this.#file);
  }
}
