/** Creates the tables of a data set on a primary; standbys get them with its log. */

import type { Dataset } from '../../cluster/engine.ts';
import type { Session } from '../../sql/session.ts';
import { columnArrays, createSchemas, createTable, insertRows } from '../data-set-sql.ts';
import { ask, STATEMENT_LIMIT_MS } from './sql.ts';

export async function loadTables(session: Session, { tables }: Dataset): Promise<void> {
  for (const table of tables) {
    await session.execute([...createSchemas([table.name]), createTable(table)].join(';\n'), STATEMENT_LIMIT_MS);
    if (table.rows.length > 0) await ask(session, insertRows(table), columnArrays(table, table.rows));
  }
}
