/** `backend-kill`: SIGKILL ends one server process, and the whole server goes through crash recovery. */

import type { z } from 'zod';
import { untilServes } from '../cluster/health.ts';
import { without } from '../cluster/platform.ts';
import type { Session } from '../sql/session.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { againAndAgain, repeated } from './momentary.ts';
import { holdMarked, STATEMENT_LIMIT_MS } from './own-sessions.ts';

const END_LIMIT_MS = 3_000;

interface Struck {
  readonly pid: number;
  /** A session of another process: only crash recovery ends it. */
  readonly witness: Session;
}

export const backendKill = defineFault<z.output<typeof repeated>, readonly Struck[]>({
  name: 'backend-kill',
  summary: 'Kills one server process with SIGKILL: the server ends all its sessions and recovers as after a crash.',
  docs: {
    note: 'The process serves a session of pgquake.',
    proof: 'the server ends a second session of pgquake, whose process was not killed.',
    undo: 'nothing. Healed when the node accepts SQL.',
    example: ['faults:', '  - { fault: backend-kill, target: worker1, times: 3, between: 2s }'],
  },
  state: 'crash recovery',
  params: repeated,
  needs: ['backend-kill'],
  strikes: againAndAgain,

  async inject(targets, _params, context) {
    return await Promise.all(
      targets.map(async (node) => {
        const backends = node.backends ?? without(node.name, 'backend-kill');
        const [victim, witness] = await Promise.all([holdMarked(node, context), holdMarked(node, context)]);
        const [row] = await victim.query('SELECT pg_backend_pid()', [], { timeoutMs: STATEMENT_LIMIT_MS });
        const pid = Number(row?.[0]);
        await context.defer({ action: 'await-recovery', node: node.name });
        await backends.kill(pid);
        return { pid, witness };
      }),
    );
  },

  prove(targets, _params, struck) {
    return proveEach(targets, async (node, i) => {
      const { pid, witness } = struck[i] as Struck;
      const ending = await witness.ended(END_LIMIT_MS);
      if (ending === undefined) throw withoutEffect(node, `process ${pid} was killed, but another session survived`);
      return `process ${pid} was killed, and the server ended another session (${ending})`;
    });
  },

  async undo(_undo, node, { signal }) {
    await untilServes(node, Number.POSITIVE_INFINITY, signal);
    return 'recovered';
  },
});
