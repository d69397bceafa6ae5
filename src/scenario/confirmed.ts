/** Whether the user has allowed pgquake to break a cluster. */

import { InputError } from '../model/errors.ts';
import type { Scenario } from '../model/scenario.ts';

/**
 * pgquake breaks a user's cluster only after the user has repeated its name.
 * @throws InputError without that confirmation.
 */
export function refuseUnconfirmed({ cluster, faults, file }: Scenario, confirm = cluster.confirm): void {
  const { inventory } = cluster;
  if (!inventory || faults.length === 0 || confirm === inventory.name) return;
  throw new InputError(
    `${file} breaks the cluster ${inventory.name}, ${confirm === undefined ? 'which you have not confirmed' : `but "${confirm}" is confirmed`}`,
    {
      code: 'unconfirmed',
      hint: `add --confirm ${inventory.name}, or confirm: ${inventory.name} below cluster: in the scenario`,
    },
  );
}
