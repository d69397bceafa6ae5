/** What a cluster under Patroni promises when some of its nodes are lost. Pure. */

import type { ClusterState, Expectation, Loss } from '../../cluster/engine.ts';
import { patroniSpecOf } from './spec.ts';

/** For the election, the promotion and a client that looks for the new primary, on a busy machine too. */
const SLACK_MS = 2_000;

/** By the route `direct`, by which clients write, and read what they wrote. */
export function expectPatroni(
  { placement, roles, own }: ClusterState,
  { down, frozen = new Set() }: Loss,
): Expectation {
  const [rows] = placement.partitions;
  const settings = patroniSpecOf(own)?.settings;
  if (!rows || !settings) return { partitions: [] };
  const lost = (node: string) => down.has(node) || frozen.has(node);
  const primary = Object.entries(roles ?? {}).find(([, { role }]) => role === 'primary')?.[0] ?? rows.copies[0];
  const left = rows.copies.filter((node) => !lost(node));
  const served = primary !== undefined && !lost(primary);
  const writable = settings.synchronousModeStrict ? left.length > 1 : true;
  if (served) return { partitions: [{ partition: rows.name, readable: true, writable, ...(writable ? {} : STALLED) }] };
  if (left.length === 0) return { partitions: [{ partition: rows.name, readable: false, writable: false }] };
  const outMs = settings.ttlMs + settings.loopWaitMs + SLACK_MS;
  return { partitions: [{ partition: rows.name, readable: true, writable, outMs, ...(writable ? {} : STALLED) }] };
}

const STALLED = { stalled: ['write'] } as const;
