/** How often operations of a kind are sent, and with what limits: the same words for every kind of every workload. */

import { z } from 'zod';
import type { OperationKind } from '../model/history.ts';
import { duration, rate } from '../model/quantities.ts';

const MAX_CONNECTIONS = 10_000;

/** Beside the rate, how operations of a kind are sent. */
export const paceKeys = {
  deadline: duration.prefault('2s').describe('From the intended start; an answer after it does not count.'),
  schedule: z
    .enum(['constant', 'poisson'])
    .optional()
    .describe('Evenly spaced (constant, the default), or by chance from the seed, as independent users would come.'),
  connections: z
    .int()
    .min(1)
    .max(MAX_CONNECTIONS)
    .optional()
    .describe('Most connections at once; as many as the rate and the deadline can need where it is left out.'),
  route: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'expected the name of a route such as standby')
    .optional()
    .describe('The way to the data, such as standby; the one that takes writes where it is left out.'),
} as const;

/** The parameters of one kind, with its defaults. */
export function pace(ratePerSecond: string, deadline: string) {
  const { deadline: _, ...beside } = paceKeys;
  return z
    .strictObject({
      rate: rate.prefault(ratePerSecond).describe('How many, whatever became of the ones before.'),
      deadline: duration.prefault(deadline).describe('From the intended start; an answer after it does not count.'),
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
