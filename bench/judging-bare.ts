/**
 * What any judge in JavaScript pays at least: loops over the columns that answer the questions that `judging-peer` asks in
 * SQL, and nothing else. No window has borders with an uncertainty, no finding a witness, no check an answer of its own.
 */

import { join } from 'node:path';
import { OUTCOMES } from '../src/model/operations.ts';
import { OPERATIONS_FILE, readOperations } from '../src/operations-file.ts';

const OK = OUTCOMES.indexOf('ok');
const KINDS = 2;
/** Latencies by microseconds; those above count as this. */
const MOST_US = 1_000_000;

export interface Bare {
  readonly readS: number;
  readonly answeredS: number;
}

/** @throws where an answer is another than that of a run without findings. */
export function answerBare(folder: string, operations: number): Bare {
  const began = performance.now();
  const { count, columns } = readOperations(join(folder, OPERATIONS_FILE)).data;
  const readAt = performance.now();
  const { kind, outcome, intendedAt, settledAfterUs, partitionKey, partition, seq, rows, verified } = columns;
  const seen = new Uint8Array(operations / 2 + 1);
  const latencies = Array.from({ length: KINDS }, () => new Uint32Array(MOST_US + 1));
  const seconds = new Uint32Array(KINDS * (1 + Math.floor((intendedAt[count - 1] as number) / 1_000)));
  const failedInRow = new Map<number, number>();
  const keys = new Set<number>();
  let wrong = 0;
  let second = -1;
  let leastKeys = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const of = kind[i] as number;
    const now = Math.floor((intendedAt[i] as number) / 1_000);
    const lane = of * 256 + (partition[i] as number);
    if (now !== second) {
      if (second >= 0) leastKeys = Math.min(leastKeys, keys.size);
      keys.clear();
      second = now;
    }
    if (outcome[i] !== OK) {
      failedInRow.set(lane, (failedInRow.get(lane) ?? 0) + 1);
      continue;
    }
    const cell = now * KINDS + of;
    seconds[cell] = (seconds[cell] as number) + 1;
    const us = Math.min(MOST_US, settledAfterUs[i] as number);
    const counts = latencies[of] as Uint32Array;
    counts[us] = (counts[us] as number) + 1;
    if (of === 0) {
      keys.add(partitionKey[i] as number);
      if ((verified[i] as number) < (rows[i] as number)) wrong++;
    } else {
      const number = seq[i] as number;
      // Lost where it is past what the final read found, a duplicate where it was acknowledged before.
      if (number < 1 || number >= seen.length || seen[number] === 1) wrong++;
      else seen[number] = 1;
    }
  }
  const percentile = (counts: Uint32Array, share: number) => {
    const upTo = share * counts.reduce((sum, one) => sum + one, 0);
    let sum = 0;
    for (let us = 0; us < counts.length; us++) {
      sum += counts[us] as number;
      if (sum >= upTo) return us;
    }
    return -1;
  };
  const found = latencies.flatMap((counts) => [0.5, 0.95, 0.99, 0.999, 1].map((share) => percentile(counts, share)));
  if (wrong > 0 || failedInRow.size > 0 || leastKeys < 1 || found.includes(-1))
    throw new Error('findings in a run without any');
  return { readS: (readAt - began) / 1_000, answeredS: (performance.now() - readAt) / 1_000 };
}
