/** Asks the user on a terminal to confirm that pgquake may break a cluster that it did not create. */

import { createInterface } from 'node:readline/promises';
import type { Scenario } from '../model/scenario.ts';

/** Time for the user to read the question and type a name. */
const LIMIT_MS = 120_000;

/** @returns the name that the user typed; `undefined` without a terminal, without an answer, or if no question is needed. */
export async function askToConfirm({ cluster, faults }: Scenario): Promise<string | undefined> {
  const { inventory, confirm } = cluster;
  if (!inventory || faults.length === 0 || confirm !== undefined) return undefined;
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const struck = [...new Set(faults.map(({ fault }) => fault))].join(', ');
    const question = `This breaks the cluster ${inventory.name} with ${struck}. Type its name to allow that: `;
    return await asking.question(question, { signal: AbortSignal.timeout(LIMIT_MS) });
  } catch {
    return undefined;
  } finally {
    asking.close();
  }
}
