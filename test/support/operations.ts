/** Random operations, with stamps to the microsecond as the load takes them. */

import fc from 'fast-check';
import type { Anomaly, Operation, Outcome } from '../../src/model/history.ts';

const number = fc.option(fc.nat({ max: 1_000_000 }), { nil: undefined });
const microseconds = fc.nat({ max: 5_000_000 });
const key = fc.tuple(fc.nat({ max: 9 }), fc.nat()).map(([writer, seq]) => `${writer}:${seq}`);
const text = fc.constantFrom('connect ECONNREFUSED', '<script>', 'ünïcode\u0000', '');

const one = fc.record({
  kind: fc.constantFrom('read', 'scan', 'write', 'probe'),
  // In steps that a sum with microseconds keeps exact.
  intendedAt: fc.nat({ max: 1_000_000 }).map((n) => n / 8),
  sentUs: microseconds.map((us) => us - (us % 125)),
  settledUs: microseconds.map((us) => us - (us % 125)),
  outcome: fc.constantFrom<Outcome>('ok', 'fail', 'unknown', 'unsent'),
  partitionKey: number,
  partition: number,
  session: number,
  rows: number,
  verified: number,
  key: fc.option(key, { nil: undefined }),
  error: fc.option(fc.tuple(fc.constantFrom('57P01', 'deadline'), fc.option(text, { nil: undefined })), {
    nil: undefined,
  }),
  anomaly: fc.option(fc.record({ missing: fc.array(key, { maxLength: 3 }), missingCount: fc.nat() }), {
    nil: undefined,
  }),
});

/** Operations with the ids 1 to n, given in any order. */
export const operations: fc.Arbitrary<Operation[]> = fc.array(one, { maxLength: 40 }).map((list) =>
  list.map(({ sentUs, settledUs, error, ...rest }, i): Operation => {
    const given = {
      ...rest,
      id: i + 1,
      sentAt: rest.intendedAt + sentUs / 1_000,
      settledAt: rest.intendedAt + settledUs / 1_000,
      errorCode: error?.[0],
      errorText: error?.[1],
      anomaly: rest.anomaly as Anomaly | undefined,
    };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as Operation;
  }),
);
