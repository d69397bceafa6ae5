/** Quoting for text that must be put together: names and constants that no parameter can stand for, connection strings. */

import { escapeIdentifier, escapeLiteral } from './driver-values.ts';

/** `"a name"` */
export const quoteName: (name: string) => string = escapeIdentifier;

/** A table by its name, or by its schema and its name: `pgquake.probes` -> `"pgquake"."probes"`. */
export function quoteTable(table: string): string {
  return table.split('.').map(quoteName).join('.');
}

/** The schema of a table that names one. */
export function schemaOf(table: string): string | undefined {
  const dot = table.indexOf('.');
  return dot === -1 ? undefined : table.slice(0, dot);
}

/** `'a text'` */
export const quoteText: (text: string) => string = escapeLiteral;

/** How a server or a program of PostgreSQL is told to connect: `host='db1' port='5432'`. */
export function connInfoText(options: Readonly<Record<string, string | number>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}='${String(value).replace(/['\\]/g, '\\$&')}'`)
    .join(' ');
}
