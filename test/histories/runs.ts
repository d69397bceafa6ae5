/** Whole runs as they are seen with the native engine and with Citus, in small. */

import type { History } from '../../src/model/history.ts';
import { buildHistory, REFUSED, timesOf } from '../support/history-builder.ts';

const { effectMs, healAskedMs, healedMs } = timesOf();

const SHARDS = ['A', 'B', 'C', 'D'];

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
        shards: SHARDS.map((shard) => ({ shard, readable: true, writable: !'AD'.includes(shard) })),
      },
    ],
    answer: ({ kind, intendedAt }) =>
      kind === 'write' && intendedAt >= effectMs && intendedAt < healAskedMs + 100 ? REFUSED : undefined,
  });
}

/** Workers 2, 3 and 4 stop: shards B and C have no placement left, so that scans fail as well. */
export function threeWorkers(): History {
  return buildHistory({
    acts: [{ targets: ['worker2', 'worker3', 'worker4'] }],
    predictions: [
      {
        down: ['worker2', 'worker3', 'worker4'],
        shards: SHARDS.map((shard) => ({ shard, readable: 'AD'.includes(shard), writable: 'AD'.includes(shard) })),
      },
    ],
    answer: ({ intendedAt, shard }) => {
      if (intendedAt < effectMs || intendedAt >= healedMs) return undefined;
      return shard === 0 || shard === 3 ? undefined : REFUSED;
    },
  });
}
