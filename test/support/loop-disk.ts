/** A file system of its own, which can be filled and can hang. Only root can make one. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SIZE = '32M';
/** Belongs to the file system. */
const OWN = 'lost+found';

export class LoopDisk implements Disposable {
  readonly #folder: string;
  #isFrozen = false;

  /** @param folder where it is mounted, and made if it does not exist. */
  constructor(folder: string) {
    this.#folder = folder;
    const image = `${folder}.disk`;
    mkdirSync(folder, { recursive: true });
    execFileSync('truncate', [`--size=${SIZE}`, image]);
    execFileSync('mkfs.ext4', ['-q', image]);
    execFileSync('mount', ['-o', 'loop', image, folder]);
  }

  /** As full as it can be. */
  fill(): void {
    try {
      writeFileSync(join(this.#folder, 'ballast'), Buffer.alloc(64 << 20));
    } catch {
      // That is what was wanted.
    }
  }

  /** From now on, writing waits in the kernel, where no signal reaches it. */
  freeze(): void {
    execFileSync('fsfreeze', ['--freeze', this.#folder]);
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#isFrozen) execFileSync('fsfreeze', ['--unfreeze', this.#folder]);
    this.#isFrozen = false;
  }

  clear(): void {
    for (const name of readdirSync(this.#folder)) {
      if (name !== OWN) rmSync(join(this.#folder, name), { recursive: true });
    }
  }

  [Symbol.dispose](): void {
    this.thaw();
    execFileSync('umount', ['--lazy', this.#folder]);
  }
}
