/** The tables of a data set as SQL, the same for every engine. Pure text; nothing is sent here. */

import type { TableSpec } from '../cluster/engine.ts';
import { quoteName, quoteTable, quoteText, schemaOf } from '../sql/quote.ts';

/** The comment on tables of a data set by which a later run recognises them. */
export const MARK = 'data set of pgquake';

export function markTable(name: string): string {
  return `COMMENT ON TABLE ${quoteTable(name)} IS ${quoteText(MARK)}`;
}

/** @returns one statement for each schema of the tables. */
export function createSchemas(names: readonly string[]): string[] {
  const schemas = new Set(names.flatMap((name) => schemaOf(name) ?? []));
  return [...schemas].map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`);
}

export function createTable(table: TableSpec): string {
  const primaryKey = table.primaryKey.map(quoteName).join(', ');
  return `CREATE TABLE ${quoteTable(table.name)} (${columnList(table)}, PRIMARY KEY (${primaryKey}))`;
}

export function columnList({ columns }: Pick<TableSpec, 'columns'>): string {
  return columns.map(({ name, type }) => `${quoteName(name)} ${type}`).join(', ');
}

/** Takes `columnArrays` as parameters. */
export function insertRows({ name, columns }: TableSpec): string {
  const arrays = columns.map((column, i) => `$${i + 1}::${column.type}[]`);
  return `INSERT INTO ${quoteTable(name)} (${columns.map((column) => quoteName(column.name)).join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`;
}

/** One array for each column. */
export function columnArrays({ columns }: Pick<TableSpec, 'columns'>, rows: TableSpec['rows']): unknown[][] {
  return columns.map((_, i) => rows.map((row) => row[i]));
}
