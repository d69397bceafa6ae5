/** How often operations of a kind are sent, and with what limits: the same words for every kind of every workload. */

import { z } from 'zod';
import type { OperationKind } from '../model/history.ts';
import { duration, rate } from '../model/quantities.ts';

const MAX_CONNECTIONS = 10_000;

/** Beside the rate, how operations of a kind are sent. */
export const paceKeys = {
  deadline: duration.prefault('2s').describe('Counts from the intended start; a later answer does not count.'),
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
    .describe('The way to the data, such as standby; by default the one that takes writes.'),
} as const;

/** The parameters of one kind, with its defaults. */
export function pace(ratePerSecond: string, deadline: string) {
  const { deadline: _, ...beside } = paceKeys;
  return z
    .strictObject({
      rate: rate.prefault(ratePerSecond).describe('Operations that start, whether or not earlier ones were answered.'),
      deadline: duration.prefault(deadline).describe('Counts from the intended start; a later answer does not count.'),
      ...beside,
    })
    .prefault({});
}

export type Pace = z.output<ReturnType<typeof pace>>;

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
