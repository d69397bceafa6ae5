/** How often operations of a kind are sent, and with which limits: the same keys for every workload. */

import { z } from 'zod';
import type { OperationKind } from '../model/history.ts';
import { duration, rate } from '../model/quantities.ts';

const MAX_CONNECTIONS = 10_000;

const deadlineKey = (byDefault: string) =>
  duration.prefault(byDefault).describe('Counts from the intended start; a later answer does not count.');

/** The keys of a kind apart from `rate`. */
export const paceKeys = {
  deadline: deadlineKey('2s'),
  schedule: z
    .enum(['constant', 'poisson'])
    .optional()
    .describe('constant: evenly spaced (the default). poisson: random from the seed, like independent users.'),
  connections: z
    .int()
    .min(1)
    .max(MAX_CONNECTIONS)
    .optional()
    .describe('Maximum connections; by default as many as rate and deadline can need.'),
  route: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'expected the name of a route such as standby')
    .optional()
    .describe('The route to the data, such as standby; by default the one that takes writes.'),
} as const;

/** The schema of one kind with its default rate and deadline. */
export function pace(ratePerSecond: string, deadline: string) {
  return z
    .strictObject({
      rate: rate.prefault(ratePerSecond).describe('Operations that start, whether or not earlier ones were answered.'),
      ...paceKeys,
      deadline: deadlineKey(deadline),
    })
    .prefault({});
}

type Pace = z.output<ReturnType<typeof pace>>;

export function pacedKind(
  kind: Pick<OperationKind, 'name' | 'access' | 'scope'>,
  { rate: ratePerSecond, deadline: deadlineMs, schedule, connections, route }: Pace,
): OperationKind {
  return {
    ...kind,
    ratePerSecond,
    deadlineMs,
    ...(route === undefined ? {} : { route }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(connections === undefined ? {} : { maxConnections: connections }),
  };
}
