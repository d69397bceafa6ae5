/** Quoting for text that cannot be a parameter: names, constants, connection strings. */

import { escapeIdentifier, escapeLiteral } from './driver-values.ts';

/** `"a name"` */
export const quoteName: (name: string) => string = escapeIdentifier;

/** `pgquake.probes` -> `"pgquake"."probes"` */
export function quoteTable(table: string): string {
  return table.split('.').map(quoteName).join('.');
}

/** The schema in a table's name, if any. */
export function schemaOf(table: string): string | undefined {
  const dot = table.indexOf('.');
  return dot === -1 ? undefined : table.slice(0, dot);
}

/** `'a text'` */
export const quoteText: (text: string) => string = escapeLiteral;

/** A libpq connection string: `host='db1' port='5432'`. */
export function connInfoText(options: Readonly<Record<string, string | number>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}='${String(value).replace(/['\\]/g, '\\$&')}'`)
    .join(' ');
}
