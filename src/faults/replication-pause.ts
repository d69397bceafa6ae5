/** `replication-pause`: a standby receives WAL but does not replay it, so reads there return old data. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import type { Patience } from '../model/until.ts';
import { countEach, proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { askOnce, executeOnce, untilSeen } from './own-sessions.ts';
import { lackingRight } from './rights.ts';
import { isStandby } from './role-changes.ts';

const PROOF_LIMIT_MS = 3_000;
const MAY_PAUSE = `has_function_privilege('pg_wal_replay_pause()', 'EXECUTE')
  AND has_function_privilege('pg_wal_replay_resume()', 'EXECUTE')`;

export const replicationPause = defineFault({
  name: 'replication-pause',
  summary: 'A standby keeps receiving WAL but replays none of it (pg_wal_replay_pause).',
  docs: {
    note: 'Reads from that standby return old data. Primary/standby clusters only.',
    proof: '`pg_get_wal_replay_pause_state()` is `paused`, and WAL awaits replay just before the undo.',
    undo: '`pg_wal_replay_resume()`. Healed when replay continues, or the node was promoted.',
    example: [
      'cluster: { engine: streaming, members: 3 }',
      'faults:',
      '  - { fault: replication-pause, target: { role: standby }, for: 5s }',
    ],
  },
  state: 'replay paused',
  params: z.strictObject({}),
  needs: [],
  lacking: (node) =>
    lackingRight(node, MAY_PAUSE, 'a superuser, or allowed to execute pg_wal_replay_pause and pg_wal_replay_resume'),
  movingRoles: true,

  async inject(targets, _params, { defer }) {
    await Promise.all(
      targets.map(async (node) => {
        if (!(await isStandby(node))) throw withoutEffect(node, 'it is not a standby, so it replays nothing');
        await defer({ action: 'resume-replay', node: node.name });
        await askOnce(node, 'SELECT pg_wal_replay_pause()');
      }),
    );
  },

  prove(targets) {
    return proveEach(targets, async (node) => {
      // Replay pauses before the next record, which may take a moment.
      const state = await untilState(node, (one) => one === 'paused', { limitMs: PROOF_LIMIT_MS });
      return `replay is ${state}`;
    });
  },

  /** What the standby has received but not replayed: if zero, no read can have returned old data. */
  met(targets) {
    const behind = 'SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8';
    return countEach(targets, 'bytes of WAL', async (node) => Number((await askOnce(node, behind))[0]?.[0] ?? 0));
  },

  async undo(_undo, node, { signal }) {
    // A node that was promoted meanwhile has replayed everything.
    await executeOnce(node, 'DO $$ BEGIN IF pg_is_in_recovery() THEN PERFORM pg_wal_replay_resume(); END IF; END $$');
    const state = await untilState(node, (one) => one !== 'paused' && one !== 'pause requested', {
      limitMs: Number.POSITIVE_INFINITY,
      signal,
    });
    return state === undefined ? 'is no longer a standby' : `replay is ${state}`;
  },
});

/** `paused`, `pause requested` or `not paused`; `undefined` if the node is not a standby. */
async function replayState(node: NodeControl): Promise<string | undefined> {
  const state = 'SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END';
  const [row] = await askOnce(node, state);
  return row?.[0] === null ? undefined : String(row?.[0]);
}

function untilState(
  node: NodeControl,
  good: (state: string | undefined) => boolean,
  patience: Patience,
): Promise<string | undefined> {
  return untilSeen(
    patience,
    () => replayState(node),
    (state) =>
      good(state) ? undefined : withoutEffect(node, state === undefined ? 'it is not a standby' : `replay is ${state}`),
  );
}
