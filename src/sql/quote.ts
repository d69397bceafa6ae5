/** Quoting for SQL text that must be put together: names and constants that no parameter can stand for. */

import pg from 'pg';

/** `"a name"` */
export const quoteName: (name: string) => string = pg.escapeIdentifier;

/** `'a text'` */
export const quoteText: (text: string) => string = pg.escapeLiteral;
