/** The tables of a data set, made on a primary: standbys get them with its log. */

import type { Dataset } from '../../cluster/engine.ts';
import { quoteName, quoteTable, schemaOf } from '../../sql/quote.ts';
import type { Session } from '../../sql/session.ts';
import { ask, STATEMENT_LIMIT_MS } from './sql.ts';

export async function loadTables(session: Session, { tables }: Dataset): Promise<void> {
  for (const { name, columns, primaryKey, rows } of tables) {
    const list = columns.map((column) => `${quoteName(column.name)} ${column.type}`).join(', ');
    const schema = schemaOf(name);
    await session.execute(
      `${schema === undefined ? '' : `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)};`}
       CREATE TABLE ${quoteTable(name)} (${list}, PRIMARY KEY (${primaryKey.map(quoteName).join(', ')}));`,
      STATEMENT_LIMIT_MS,
    );
    if (rows.length === 0) continue;
    const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`);
    await ask(
      session,
      `INSERT INTO ${quoteTable(name)} SELECT * FROM unnest(${arrays.join(', ')})`,
      columns.map((_, i) => rows.map((row) => row[i])),
    );
  }
}
