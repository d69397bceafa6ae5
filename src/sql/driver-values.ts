/** How `pg` quotes names and values. Separate from `driver.ts`, which is slower to load. */

import { createRequire } from 'node:module';
import type pg from 'pg';

/** `prepareValue` formats values as the driver does: numbers and dates as text, arrays in PostgreSQL's notation. */
export const { escapeIdentifier, escapeLiteral, prepareValue } = createRequire(import.meta.url)('pg/lib/utils') as Pick<
  typeof pg,
  'escapeIdentifier' | 'escapeLiteral'
> & { readonly prepareValue: (value: unknown) => string | null };
