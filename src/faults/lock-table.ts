/** `lock-table`: somebody holds a lock on a table in a transaction that does not end. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { quoteName } from '../sql/quote.ts';
import { defineFault } from './fault.ts';
import {
  askOnce,
  endMarked,
  executeOnce,
  holdMarked,
  proveEach,
  STATEMENT_LIMIT_MS,
  undoByEnding,
  withoutEffect,
} from './own-sessions.ts';

const LOCK_NOT_AVAILABLE = '55P03';

/** As a scenario writes them; SQL has blanks for hyphens. */
const MODES = [
  'access-share',
  'row-share',
  'row-exclusive',
  'share-update-exclusive',
  'share',
  'share-row-exclusive',
  'exclusive',
  'access-exclusive',
] as const;

const params = z.strictObject({
  table: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'expected the name of a table such as messages')
    .default('messages')
    .describe('The table; on a worker, all shards of it.'),
  mode: z.enum(MODES).default('access-exclusive').describe("PostgreSQL's lock mode, in lower case and with hyphens."),
});

/** Shards of a table are tables of their own: `messages_102008` in Citus, `messages_shard_0` natively. */
const TABLES = `
  SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND c.relname ~ ('^' || $1 || '(_shard_[0-9]+|_[0-9]+)?$')
  ORDER BY 1`;

interface Locked {
  readonly tables: readonly string[];
  readonly pid: number;
}

export const lockTable = defineFault<z.output<typeof params>, readonly Locked[]>({
  name: 'lock-table',
  summary: 'Holds a lock on a table, in a transaction that does not end.',
  params,
  needs: [],

  async inject(targets, { table, mode }, context) {
    return await Promise.all(
      targets.map(async (node) => {
        const tables = await tablesOf(node, table);
        await context.defer(undoByEnding(node));
        const session = await holdMarked(node, context);
        const [row] = await session.query('SELECT pg_backend_pid()');
        // Under load it waits for its turn, and everybody who comes later waits behind it.
        const words = mode.replaceAll('-', ' ').toUpperCase();
        await session.execute(`BEGIN; LOCK TABLE ${tables.join(', ')} IN ${words} MODE`, STATEMENT_LIMIT_MS);
        return { tables, pid: Number(row?.[0]) };
      }),
    );
  },

  prove(targets, { mode }, locked) {
    return proveEach(targets, async (node, i) => {
      const { tables, pid } = locked[i] as Locked;
      const held = await locksOf(node, pid, tables, mode);
      if (held < tables.length) throw withoutEffect(node, `${held} of ${tables.length} tables are locked`);
      const refusal = await refusalOf(node, tables[0] as string);
      if (refusal !== LOCK_NOT_AVAILABLE) throw withoutEffect(node, `${tables[0]} can be locked by others`);
      return `process ${pid} holds ${mode} on ${tables.join(', ')}; another lock is refused (${refusal})`;
    });
  },

  undo: endMarked,
});

/** @throws EnvironmentError where there is none. */
async function tablesOf(node: NodeControl, table: string): Promise<string[]> {
  const tables = (await askOnce(node, TABLES, [table])).map(([name]) => String(name));
  if (tables.length === 0) throw withoutEffect(node, `there is no table ${quoteName(table)}, and no shard of one`);
  return tables;
}

async function locksOf(node: NodeControl, pid: number, tables: readonly string[], mode: string): Promise<number> {
  const name = `${mode.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase())}Lock`;
  const text = `SELECT count(*) FROM pg_locks
    WHERE locktype = 'relation' AND granted AND pid = $1 AND mode = $2 AND relation = ANY ($3::regclass[]::oid[])`;
  const [row] = await askOnce(node, text, [pid, name, tables]);
  return Number(row?.[0]);
}

/** What becomes of a lock that no other lock stands beside, without waiting for it. */
async function refusalOf(node: NodeControl, table: string): Promise<string | undefined> {
  try {
    await executeOnce(node, `BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE NOWAIT; ROLLBACK`);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
