/** Asks a person on a terminal whether a cluster of somebody else's may be broken. */

import { createInterface } from 'node:readline/promises';
import type { Scenario } from '../model/scenario.ts';

/** For a person to read what will be done, and to type a name. */
const LIMIT_MS = 120_000;

/** @returns the name that a person has typed; `undefined` where there is nothing to ask, or nobody. */
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
