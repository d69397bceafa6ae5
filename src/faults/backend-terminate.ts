/** `backend-terminate`: an administrator ends sessions of clients, as before maintenance. */

import type { z } from 'zod';
import { untilServes } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { share } from '../model/quantities.ts';
import { formatCount } from '../model/units.ts';
import { until } from '../model/until.ts';
import { ACT_MARKS, CLIENT_NAMES, OBSERVER_NAMES } from '../sql/application-names.ts';
import { proveEach, strikeEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { againAndAgain, repeated } from './momentary.ts';
import { askOnce } from './own-sessions.ts';

/** A session ends when it next checks for signals; a large write may delay that. */
const END_LIMIT_MS = 3_000;
const LOOK_AGAIN_MS = 20;

const params = repeated.extend({
  share: share.prefault('100%').describe('Share of the client sessions on the node, the oldest first; at least one.'),
});

/** A session that was told to end, with its start: process ids are reused. */
interface Told {
  readonly pid: number;
  readonly since: string;
  readonly name: string;
}

/** Clients are all sessions except those with which pgquake observes and strikes. */
const TERMINATE = `
  WITH clients AS (
    SELECT pid, backend_start, application_name FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND application_name <> ALL ($2::text[]) AND application_name !~ $3
  ), doomed AS (
    SELECT * FROM clients ORDER BY backend_start, pid
    LIMIT (SELECT ceil(count(*) * $1::float8) FROM clients)
  )
  SELECT pid, backend_start::text, application_name FROM doomed WHERE pg_terminate_backend(pid)`;

const LEFT = `
  SELECT count(*) FROM unnest($1::int[], $2::text[]) AS told (pid, since)
  JOIN pg_stat_activity AS a ON a.pid = told.pid AND a.backend_start::text = told.since`;

export const backendTerminate = defineFault<z.output<typeof params>, readonly (readonly Told[])[]>({
  name: 'backend-terminate',
  summary: 'Ends all client sessions, or a share of them, with pg_terminate_backend.',
  docs: {
    note: 'On the coordinator it hits the load and the probes; on a worker, the sessions of other nodes. The sessions with which pgquake observes the cluster are spared.',
    proof: 'at least one session was ended, and `pg_stat_activity` shows none of them any more.',
    undo: 'nothing. Healed when the node accepts SQL.',
    example: ['faults:', '  - { fault: backend-terminate, target: coordinator, share: 50%, times: 5 }'],
  },
  state: 'sessions ended',
  params,
  needs: [],
  strikes: againAndAgain,

  inject(targets, params, context) {
    return strikeEach(targets, context, 'await-sql', async (node) => {
      const rows = await askOnce(node, TERMINATE, [params.share, Object.values(OBSERVER_NAMES), ACT_MARKS]);
      return rows.map(([pid, since, name]) => ({ pid: Number(pid), since: String(since), name: String(name) }));
    });
  },

  prove(targets, _params, struck) {
    return proveEach(targets, async (node, i) => {
      const told = struck[i] as readonly Told[];
      if (told.length === 0) throw withoutEffect(node, 'no client had a session to end');
      const left = await untilGone(node, told);
      if (left > 0) throw withoutEffect(node, `${left} of ${told.length} sessions survived`);
      return `${formatCount(told.length, 'session')} of clients ended, ${ofTheLoad(told)}`;
    });
  },

  async undo(_undo, node, { signal }) {
    await untilServes(node, Number.POSITIVE_INFINITY, signal);
    return 'new sessions are accepted';
  },
});

/** @returns how many of the sessions remain at the limit. */
async function untilGone(node: NodeControl, told: readonly Told[]): Promise<number> {
  const values = [told.map(({ pid }) => pid), told.map(({ since }) => since)];
  const left = await until({ limitMs: END_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () => {
    const [row] = await askOnce(node, LEFT, values);
    return Number(row?.[0]) || undefined;
  });
  return left ?? 0;
}

function ofTheLoad(told: readonly Told[]): string {
  const count = told.filter(({ name }) => name === CLIENT_NAMES.workload).length;
  return count === 0 ? 'none of them from the load' : `${count} of them from the load`;
}
