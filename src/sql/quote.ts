/** Quoting for SQL text that must be put together: names and constants that no parameter can stand for. */

import { escapeIdentifier, escapeLiteral } from './driver.ts';

/** `"a name"` */
export const quoteName: (name: string) => string = escapeIdentifier;

/** `'a text'` */
export const quoteText: (text: string) => string = escapeLiteral;
