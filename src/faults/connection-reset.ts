/** `connection-reset`: open connections break with a reset as soon as they are used. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { errorText } from '../model/errors.ts';
import type { Session } from '../sql/session.ts';
import { withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { endMarked, holdMarked, STATEMENT_LIMIT_MS } from './own-sessions.ts';
import { addRules, betweenParams, type Cut, metByRules, namesOf, proveRules, removeRules } from './packet-rules.ts';

const params = z.strictObject({
  ...betweenParams.shape,
  from: betweenParams.shape.from.default('everybody'),
});

interface Struck extends Cut {
  /** Opened before the rules were added, if these concern pgquake too. */
  readonly witness: Session | undefined;
}

export const connectionReset = defineFault<z.output<typeof params>, readonly Struck[]>({
  name: 'connection-reset',
  summary: 'Breaks open connections between the targets and others with a TCP reset as soon as they are used.',
  docs: {
    note: 'Connections opened meanwhile break with their first packet. `for: 100ms` breaks those in use.',
    proof: 'the rules are in force, and an open session of pgquake breaks.',
    undo: 'as for `network-drop`.',
    example: ['faults:', '  - { fault: connection-reset, target: coordinator, for: 100ms }'],
  },
  state: 'connections reset',
  params,
  needs: ['network-rules'],
  names: namesOf,

  async inject(targets, params, context) {
    const witness = (node: NodeControl) => (params.from === 'everybody' ? holdMarked(node, context) : undefined);
    const witnesses = await Promise.all(targets.map(witness));
    const cuts = await addRules(targets, params, { verdict: 'reset', established: true }, context);
    return cuts.map((cut, i) => ({ ...cut, witness: witnesses[i] }));
  },

  prove(targets, _params, struck) {
    return proveRules(targets, struck, async (node, { witness }) => {
      if (!witness) return 'for connections of other nodes';
      try {
        await witness.query('SELECT 1', [], { timeoutMs: STATEMENT_LIMIT_MS });
      } catch (error) {
        return `an open connection broke (${(error as { code?: string }).code ?? errorText(error)})`;
      }
      throw withoutEffect(node, 'an open connection still works');
    });
  },

  met: (targets, _params, struck) => metByRules(targets, struck),

  async undo(undo, node, context) {
    const gone = await removeRules(undo, node, context);
    // The server does not know that the witness is gone.
    await endMarked(undo, node, context);
    return gone;
  },
});
