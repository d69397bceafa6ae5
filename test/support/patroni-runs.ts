/** Shipped scenarios on real Patroni with the shortest settings that it allows, and a light load, because tests run beside it. */

import { expect } from 'vitest';
import type { Workplace } from './cli.ts';

export const TTL_MS = 20_000;
export const LOOP_WAIT_MS = 1_000;
/** Of a test, with all its retries. */
export const LIMIT_MS = 400_000;
const SHORT = [
  `cluster.settings.loop_wait=${LOOP_WAIT_MS / 1_000}`,
  'cluster.settings.retry_timeout=3',
  'workload.read.rate=10/s',
  'probes.rate=5/s',
];

/**
 * Runs a scenario whose fault lasts for a time of its own, to the verdict that it passes. @returns what a check has seen.
 * @param writes a second; `undefined` where the scenario's own rate is part of what it claims.
 */
export async function passes(
  place: Workplace,
  scenario: string,
  { lasts, writes }: { readonly lasts: string; readonly writes?: number },
): Promise<(check: string) => string | undefined> {
  const written = writes === undefined ? [] : [`workload.write.rate=${writes}/s`];
  const changes = [...SHORT, ...written, `faults[0].for=${lasts}`].flatMap((change) => ['--set', change]);
  const { code, stdout, stderr } = await place.runJudged([scenario, ...changes]);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  expect(place.leftovers()).toEqual([]);
  const { results } = place.report();
  return (name) => results.find(({ check }) => check === name)?.observed;
}

/** For how long clients could not write, by each route. */
export function writesOutMs(place: Workplace): Readonly<Record<string, number>> {
  const [seen] = place.report().figures.promises ?? [];
  return Object.fromEntries(seen?.writesOut.map(({ route, outMs }) => [route, outMs ?? 0]) ?? []);
}
