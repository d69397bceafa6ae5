/** Names in a stored plan that this pgquake does not know: the plan was edited, or has a team's own variants. */

import { join } from 'node:path';
import { errorText, InputError } from '../model/errors.ts';

/**
 * Looks up names of a stored plan.
 * @param run the folder of the run.
 * @throws InputError that names the plan's file, in place of the one that `look` throws.
 */
export function lookUpInPlan<T>(run: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw new InputError(`${join(run, 'plan.json')}: ${errorText(error)}`, {
      code: 'run-unreadable',
      hint: 'give the folder of a run as pgquake wrote it; --config names the file with your own variants',
      cause: error,
    });
  }
}
