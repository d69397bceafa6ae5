/** `checkpoint-storm`: one checkpoint after another, each as fast as the disk allows. */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { duration } from '../model/quantities.ts';
import type { Session } from '../sql/session.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { askOnce, endMarked, openMarked, undoByEnding } from './own-sessions.ts';
import { lackingRight, SUPERUSER } from './rights.ts';

const PROOF_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 50;
/** One may have been running already. */
const CHECKPOINTS_TO_SEE = 2;
/** The role exists since PostgreSQL 15. */
const MAY_CHECKPOINT = `${SUPERUSER} OR pg_has_role(current_user, to_regrole('pg_checkpoint'), 'MEMBER')`;

const params = z.strictObject({
  every: duration.prefault('0s').describe('From the end of a checkpoint to the next request.'),
});

/** Requests checkpoints until disposal. */
class Storm implements AsyncDisposable {
  readonly #session: Session;
  #over = false;

  /** Whether it still requests checkpoints. */
  get raging(): boolean {
    return !this.#over && this.#session.usable;
  }

  constructor(session: Session, everyMs: number) {
    this.#session = session;
    void this.#rage(everyMs);
  }

  async #rage(everyMs: number): Promise<void> {
    while (this.raging) {
      try {
        await this.#session.execute('CHECKPOINT');
      } catch {
        return; // its session was ended, or its server is down: the proof and the history show that
      }
      await sleep(everyMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    this.#session.discard();
  }
}

interface Begun {
  /** Requested checkpoints before the strike. */
  readonly before: number;
  readonly storm: Storm;
}

export const checkpointStorm = defineFault<z.output<typeof params>, readonly Begun[]>({
  name: 'checkpoint-storm',
  summary: 'Requests one checkpoint after another, with or without a pause.',
  docs: {
    proof: 'the server counts at least two more requested checkpoints.',
    undo: 'the session is ended.',
    example: ['faults:', '  - { fault: checkpoint-storm, target: [worker1, worker2], every: 100ms, for: 5s }'],
  },
  state: 'checkpoints',
  params,
  needs: [],
  lacking: (node) => lackingRight(node, MAY_CHECKPOINT, 'a superuser, or a member of pg_checkpoint'),

  async inject(targets, { every }, { defer, hold, mark }) {
    return await Promise.all(
      targets.map(async (node) => {
        const before = await checkpointsOf(node);
        await defer(undoByEnding(node));
        return { before, storm: hold(new Storm(await openMarked(node, mark), every)) };
      }),
    );
  },

  prove(targets, _params, begun) {
    return proveEach(targets, async (node, i) => {
      const { before, storm } = begun[i] as Begun;
      const giveUpAt = performance.now() + PROOF_LIMIT_MS;
      for (;;) {
        const asked = (await checkpointsOf(node)) - before;
        if (!storm.raging) throw withoutEffect(node, 'the session that requests checkpoints has ended');
        if (asked >= CHECKPOINTS_TO_SEE) return `${asked} checkpoints requested so far`;
        if (performance.now() > giveUpAt) throw withoutEffect(node, `only ${asked} checkpoints were requested`);
        await sleep(LOOK_AGAIN_MS);
      }
    });
  },

  undo: endMarked,
});

/** Requested checkpoints since the server's statistics were reset. */
async function checkpointsOf(node: NodeControl): Promise<number> {
  const [version] = await askOnce(node, `SELECT current_setting('server_version_num')::int`);
  const since17 = 'SELECT num_requested FROM pg_stat_checkpointer';
  const before = 'SELECT checkpoints_req FROM pg_stat_bgwriter';
  const [row] = await askOnce(node, Number(version?.[0]) >= 170_000 ? since17 : before);
  return Number(row?.[0]);
}
