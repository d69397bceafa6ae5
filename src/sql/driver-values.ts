/** How `pg` writes names and values. Its other parts are in `driver.ts`: they are slower to load. */

import { createRequire } from 'node:module';
import type pg from 'pg';

/** `prepareValue` writes values as the driver does: numbers and dates as text, arrays in PostgreSQL's notation. */
export const { escapeIdentifier, escapeLiteral, prepareValue } = createRequire(import.meta.url)('pg/lib/utils') as Pick<
  typeof pg,
  'escapeIdentifier' | 'escapeLiteral'
> & { readonly prepareValue: (value: unknown) => string | null };
