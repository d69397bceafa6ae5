/** What `node-stop` and `node-kill` share: the proof that a node is down. */

import { sqlRefusal } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';

/**
 * @returns for every node what shows that it does not run and refuses SQL.
 * @throws EnvironmentError naming the first node that still runs or answers.
 */
export async function proveDown(targets: readonly NodeControl[]): Promise<string> {
  const proofs = await Promise.all(
    targets.map(async (node) => {
      const state = await node.state();
      const refusal = await sqlRefusal(node);
      if (state !== 'stopped' || refusal === undefined) {
        const answer = refusal === undefined ? 'accepts SQL' : `refuses SQL (${refusal})`;
        throw new EnvironmentError(`${node.name} is ${state} and ${answer}; it was to be down`, {
          code: 'fault-without-effect',
        });
      }
      return `${node.name}: ${await node.describeState()}, SQL refused (${refusal})`;
    }),
  );
  return proofs.join('; ');
}
