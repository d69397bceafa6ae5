/** `lock-table`: a transaction that does not end holds a lock on a table. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { quoteName, quoteText } from '../sql/quote.ts';
import { countEach, proveEach, withoutEffect } from './each-target.ts';
import { defineFault, type StruckCluster } from './fault.ts';
import { askOnce, endMarked, holdMarked, refusedWith, STATEMENT_LIMIT_MS, undoByEnding } from './own-sessions.ts';

const LOCK_NOT_AVAILABLE = '55P03';

/** As in scenarios; SQL has spaces instead of hyphens. */
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
    .describe('The table; on a node that holds part of it, that part.'),
  mode: z.enum(MODES).default('access-exclusive').describe("PostgreSQL's lock mode, in lower case and with hyphens."),
});

interface Locked {
  readonly tables: readonly string[];
  readonly pid: number;
  /** SQL that lets a session lock these tables. */
  readonly settings: string;
}

export const lockTable = defineFault<z.output<typeof params>, readonly Locked[]>({
  name: 'lock-table',
  summary: 'Holds a lock on a table, in a transaction that does not end.',
  docs: {
    note: 'It waits up to 10 s for the lock.',
    proof:
      '`pg_locks` shows the lock, another lock is refused with SQLSTATE 55P03, and sessions wait for it when it is released.',
    undo: 'the session is ended, and its lock with it.',
    example: ['faults:', '  - { fault: lock-table, target: worker2, table: messages, mode: exclusive, for: 5s }'],
  },
  state: 'locked',
  params,
  needs: [],

  async inject(targets, { table, mode }, context) {
    return await Promise.all(
      targets.map(async (node) => {
        const tables = await tablesOf(node, table, context.cluster);
        const settings = settingsSql(context.cluster);
        await context.defer(undoByEnding(node));
        const session = await holdMarked(node, context);
        const [row] = await session.query('SELECT pg_backend_pid()');
        // Under load this waits its turn, and later requests queue behind it.
        const words = mode.replaceAll('-', ' ').toUpperCase();
        const lock = `${settings}BEGIN; LOCK TABLE ${tables.join(', ')} IN ${words} MODE`;
        await session.execute(lock, STATEMENT_LIMIT_MS);
        return { tables, settings, pid: Number(row?.[0]) };
      }),
    );
  },

  prove(targets, { mode }, locked) {
    return proveEach(targets, async (node, i) => {
      const { tables, settings, pid } = locked[i] as Locked;
      const held = await locksOf(node, pid, tables, mode);
      if (held < tables.length) throw withoutEffect(node, `${held} of ${tables.length} tables are locked`);
      const refusal = await refusedWith(
        node,
        `${settings}BEGIN; LOCK TABLE ${tables[0]} IN ACCESS EXCLUSIVE MODE NOWAIT; ROLLBACK`,
      );
      if (refusal !== LOCK_NOT_AVAILABLE) throw withoutEffect(node, `others can still lock ${tables[0]}`);
      return `process ${pid} holds ${mode} on ${tables.join(', ')}; another lock is refused (${refusal})`;
    });
  },

  met: (targets, _params, locked) =>
    countEach(targets, 'sessions that waited', (node, i) => waitingFor(node, (locked[i] as Locked).pid)),

  undo: endMarked,
});

/** Counts the sessions that wait for the lock, directly or behind others that wait. */
async function waitingFor(node: NodeControl, pid: number): Promise<number> {
  const [row] = await askOnce(node, WAITING, [pid]);
  return Number(row?.[0]);
}

const WAITING = `
  WITH RECURSIVE waiting (pid) AS (
    SELECT $1::int
    UNION
    SELECT a.pid FROM pg_stat_activity AS a, waiting AS w
    WHERE a.wait_event_type = 'Lock' AND w.pid = ANY (pg_blocking_pids(a.pid))
  )
  SELECT count(*) - 1 FROM waiting`;

/**
 * The placements of the table on the node, else the table itself.
 * @throws EnvironmentError if the node has neither.
 */
async function tablesOf(node: NodeControl, table: string, { placementSources }: StruckCluster): Promise<string[]> {
  const placed = placementSources(table).filter((source) => source.node === node.name);
  const names = placed.length > 0 ? placed.map(({ relation }) => relation) : [quoteName(table)];
  const found = await askOnce(node, EXISTING, [names]);
  if (found.length === 0) throw withoutEffect(node, `there is no table ${quoteName(table)} and no part of it`);
  return found.map(([name]) => String(name));
}

const EXISTING = 'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL ORDER BY 1';

function settingsSql({ placementSettings = {} }: StruckCluster): string {
  return Object.entries(placementSettings)
    .map(([name, value]) => `SET ${name} = ${quoteText(value)}; `)
    .join('');
}

async function locksOf(node: NodeControl, pid: number, tables: readonly string[], mode: string): Promise<number> {
  const name = `${mode.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase())}Lock`;
  const text = `SELECT count(*) FROM pg_locks
    WHERE locktype = 'relation' AND granted AND pid = $1 AND mode = $2 AND relation = ANY ($3::regclass[]::oid[])`;
  const [row] = await askOnce(node, text, [pid, name, tables]);
  return Number(row?.[0]);
}
