/** A folder for the run of one test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RunFolder extends Disposable {
  readonly path: string;
}

/** Creates the folder now; the end of the scope removes it with its contents. */
export function runFolder(): RunFolder {
  const path = mkdtempSync(join(tmpdir(), 'pgquake-contract-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
