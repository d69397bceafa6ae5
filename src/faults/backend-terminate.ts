/** `backend-terminate`: an administrator ends sessions of clients, as before maintenance. */

import type { z } from 'zod';
import { untilAcceptsSql } from '../cluster/health.ts';
import { share } from '../model/quantities.ts';
import { formatCount } from '../model/units.ts';
import type { Session } from '../sql/session.ts';
import { defineFault } from './fault.ts';
import { againAndAgain, repeated } from './momentary.ts';
import { askOnce, holdMarked, proveEach, withoutEffect } from './own-sessions.ts';

const END_LIMIT_MS = 3_000;
const ADMIN_SHUTDOWN = '57P01';

const params = repeated.extend({
  share: share.prefault('100%').describe('Of all sessions of clients on the node, at least one; the oldest first.'),
});

interface Struck {
  /** Sessions that were told to end. */
  readonly ended: number;
  /** One of them. */
  readonly witness: Session;
}

/** Those that look at the cluster for pgquake are no clients of it. The witness is told by its process. */
const TERMINATE = `
  WITH clients AS (
    SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND (application_name NOT LIKE 'pgquake-%' OR application_name = 'pgquake-load')
    ORDER BY backend_start, pid
    LIMIT (
      SELECT ceil(count(*) * $1::float8) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND (application_name NOT LIKE 'pgquake-%' OR application_name = 'pgquake-load')
    )
  )
  SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM clients UNION SELECT $2::int) AS doomed`;

export const backendTerminate = defineFault<z.output<typeof params>, readonly Struck[]>({
  name: 'backend-terminate',
  summary: 'Ends sessions of clients with pg_terminate_backend, all of them or a share.',
  params,
  needs: [],
  strikes: againAndAgain,

  async inject(targets, params, context) {
    return await Promise.all(
      targets.map(async (node) => {
        const witness = await holdMarked(node, context);
        const [row] = await witness.query('SELECT pg_backend_pid()');
        await context.defer({ action: 'await-sql', node: node.name });
        const doomed = await askOnce(node, TERMINATE, [params.share, Number(row?.[0])]);
        return { ended: doomed.filter(([told]) => told === true).length, witness };
      }),
    );
  },

  prove(targets, _params, struck) {
    return proveEach(targets, async (node, i) => {
      const { ended, witness } = struck[i] as Struck;
      const ending = await witness.ended(END_LIMIT_MS);
      if (ending !== ADMIN_SHUTDOWN) {
        throw withoutEffect(
          node,
          `a session that was to end ${ending === undefined ? 'lives on' : `ended by ${ending}`}`,
        );
      }
      return `${formatCount(ended, 'session')} ended, one of pgquake's own with ${ADMIN_SHUTDOWN}`;
    });
  },

  async undo(_undo, node, { signal }) {
    await untilAcceptsSql(node, Number.POSITIVE_INFINITY, signal);
    return 'new sessions are let in';
  },
});
