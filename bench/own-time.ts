/** What of a run's time is pgquake's own: all but the phases that its scenario asks for. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ASKED_FOR = new Set(['steady-state', 'fault', 'settle']);

interface Phase {
  readonly type: string;
  readonly phase: string;
  readonly at: number;
}

/**
 * @param folder of the run.
 * @param wallMs all that it took.
 * @returns seconds.
 */
export function ownSeconds(folder: string, wallMs: number): number {
  const lines = readFileSync(join(folder, 'events.ndjson'), 'utf8').trim().split('\n');
  const phases = lines.map((line) => JSON.parse(line) as Phase).filter(({ phase }) => ASKED_FOR.has(phase));
  const askedMs = phases.reduce((sum, { type, at }) => sum + (type === 'phase-ended' ? at : -at), 0);
  return (wallMs - askedMs) / 1_000;
}
