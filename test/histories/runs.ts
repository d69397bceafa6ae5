/** Whole runs as they are seen with the native engine and with Citus, in small. */

import type { History } from '../../src/model/history.ts';
import { buildHistory, REFUSED, timesOf } from '../support/history-builder.ts';

const { effectMs, healAskedMs, healedMs } = timesOf();

const PARTITIONS = ['A', 'B', 'C', 'D'];

/** No fault, and nothing to see. */
export function control(): History {
  return buildHistory({ acts: [] });
}

/** worker1 stops: reads go on, all writes fail until 100 ms after it was asked to heal. */
export function oneWorker(): History {
  return buildHistory({
    predictions: [
      {
        down: ['worker1'],
        partitions: PARTITIONS.map((partition) => ({ partition, readable: true, writable: !'AD'.includes(partition) })),
      },
    ],
    answer: ({ kind, intendedAt }) =>
      kind === 'write' && intendedAt >= effectMs && intendedAt < healAskedMs + 100 ? REFUSED : undefined,
  });
}

/** Workers 2, 3 and 4 stop: partitions B and C have no placement left, so that scans fail as well. */
export function threeWorkers(): History {
  return buildHistory({
    acts: [{ targets: ['worker2', 'worker3', 'worker4'] }],
    predictions: [
      {
        down: ['worker2', 'worker3', 'worker4'],
        partitions: PARTITIONS.map((partition) => ({
          partition,
          readable: 'AD'.includes(partition),
          writable: 'AD'.includes(partition),
        })),
      },
    ],
    answer: ({ intendedAt, partition }) => {
      if (intendedAt < effectMs || intendedAt >= healedMs) return undefined;
      return partition === 0 || partition === 3 ? undefined : REFUSED;
    },
  });
}
