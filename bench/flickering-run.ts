/** A run of any length, made at full speed: what `rendering` and `day` read. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationKind } from '../src/model/history.ts';
import { OperationTable } from '../src/model/operations.ts';
import { OPERATIONS_FILE, OperationsWriter, PROBES_FILE } from '../src/operations-file.ts';
import { PROBES } from '../test/support/history-builder.ts';
import { storeHistory } from '../test/support/stored-run.ts';
import { KEYS, longHistory, PARTITIONS } from './long-history.ts';

/** Operations a second. */
export const RATE = 2_000;
const BATCH = 100;
const PROBES_PER_SECOND = 400;

const KINDS: readonly OperationKind[] = [
  { name: 'read', access: 'read', scope: 'partition', ratePerSecond: RATE * 0.75, deadlineMs: 1_000 },
  { name: 'write', access: 'write', scope: 'partition', ratePerSecond: RATE * 0.25, deadlineMs: 1_000 },
];

/**
 * A stored run at 2,000 operations a second, of which 12 % failed, and 400 probes a second.
 * @param count of operations.
 * @param written is told how many operations are in the file so far.
 * @returns its folder.
 */
export async function writeFlickeringRun(
  reports: string,
  count: number,
  written?: (operations: number) => void,
): Promise<string> {
  const { run, events } = longHistory(
    count,
    RATE,
    KINDS.map((kind) => ({ ...kind, ratePerSecond: 1 })),
  );
  const history = {
    run: { ...run, kinds: KINDS },
    events,
    operations: new OperationTable(),
    probes: new OperationTable(),
  };
  const folder = await storeHistory(reports, history, []);
  // Their places, for as many as no array of objects holds.
  for (const file of [OPERATIONS_FILE, PROBES_FILE]) rmSync(join(folder, file));

  const names = (kinds: readonly OperationKind[]) => kinds.map(({ name }) => name);
  write(join(folder, OPERATIONS_FILE), names(KINDS), count, RATE, (i) => i % 4 === 3, written);
  const probes = (count / RATE) * PROBES_PER_SECOND;
  write(join(folder, PROBES_FILE), names(PROBES), probes, PROBES_PER_SECOND, (i) => i % 2 === 1);
  return folder;
}

/** A flickering run: one in four fails during every other second of the fault, each with a text of its own. */
function write(
  path: string,
  kinds: readonly string[],
  count: number,
  rate: number,
  isWrite: (i: number) => boolean,
  written?: (operations: number) => void,
): void {
  using writer = new OperationsWriter(
    path,
    kinds.map((name) => ({ name })),
  );
  let seq = 0;
  for (let from = 0; from < count; from += BATCH) {
    const batch = new OperationTable(kinds, BATCH);
    for (let i = from; i < from + BATCH; i++) {
      const intendedAt = 1_000 + (i * 1_000) / rate;
      const second = Math.floor(intendedAt / 1_000);
      const failed = i > count / 4 && i < (count * 3) / 4 && second % 2 === 0 && i % 4 === second % 4;
      const partitionKey = (i % KEYS) + 1;
      const port = 40_000 + (i % 20_000);
      batch.add({
        id: i + 1,
        kind: kinds[isWrite(i) ? 1 : 0] as string,
        partitionKey,
        partition: (partitionKey - 1) % PARTITIONS,
        intendedAt,
        sentAt: intendedAt + 0.05,
        settledAt: intendedAt + 0.4 + ((i * 7_919) % 1_000) / 500,
        outcome: failed ? 'fail' : 'ok',
        ...(isWrite(i) ? { key: `1:${++seq}` } : { rows: 5, verified: 5 }),
        ...(failed ? { errorCode: '08006', errorText: `connection from port ${port} lost: <b>terminated</b>` } : {}),
      });
    }
    writer.write(batch);
    written?.(from + BATCH);
  }
}
