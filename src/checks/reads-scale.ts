/**
 * Whether more workers serve more reads. If servers and client share a machine with too few processors, a low ratio
 * says nothing about the cluster.
 */

import { z } from 'zod';
import { whyNotObserved } from '../measure/observations.ts';
import { placementOf } from '../measure/partitions.ts';
import type { ReadScalingStep } from '../model/event.ts';
import { eventsOf } from '../model/history.ts';
import { formatCount, formatPerSecond, formatTimes } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  min: z.number().min(1).describe('The least ratio of reads per second, all workers to one.'),
});

/** The coordinator and the client, besides the workers. */
const OTHERS = 2;

export const readsScale = defineCheck<z.output<typeof params>>({
  name: 'reads-scale',
  summary: 'All workers together serve more reads than one of them.',
  unknownWhen:
    'it could not be measured; one node serves everything; most reads failed; or the ratio is low on a machine with fewer processors than servers plus client.',
  params,
  requires: ['probes'],
  tells: 'figure',
  needs: ['read-scaling'],
  provenByPart: true,

  check(history, { min }) {
    const expected = `at least ${formatTimes(min)} the reads of one worker from all of them`;
    const seen = eventsOf(history, 'read-scaling')[0];
    const first = seen?.steps[0];
    const last = seen?.steps.at(-1);
    if (!seen || !first || !last) {
      return { judgement: 'unknown', expected, observed: whyNotObserved(history, 'read-scaling'), evidence: [] };
    }
    const workers = placementOf(history)?.partitions.flatMap(({ copies: placements }) => placements) ?? [];
    const wanted = new Set(workers).size + OTHERS;
    const limit = `${formatCount(seen.cores, 'core')} for ${formatCount(wanted - 1, 'server')} and the client`;
    const evidence = [...seen.steps.map(describe), limit];
    const found = (judgement: Judgement, observed: string) => ({ judgement, expected, observed, evidence });
    if (first.ok === 0) return found('unknown', 'no read succeeded');
    if (first === last) return found('unknown', 'one worker serves everything; there is nothing to compare');
    if (last.failed > last.ok || first.failed > first.ok) {
      return found('unknown', 'most reads failed, so the rate means nothing');
    }
    const idle = last.workers - last.served.length;
    const ratio = perMs(last) / perMs(first);
    const observed =
      `${formatTimes(ratio)} the reads: ${formatPerSecond(first.ok, first.forMs)} from one worker, ` +
      `${formatPerSecond(last.ok, last.forMs)} from ${last.workers}`;
    if (last.served.length === 0) return found('unknown', `${observed}; no worker was seen to serve its part`);
    if (idle > 0) return found('fail', `${observed}; only ${last.served.join(', ')} served them`);
    if (ratio >= min) return found('pass', observed);
    return seen.cores < wanted ? found('unknown', `${observed}; ${limit} are the limit`) : found('fail', observed);
  },
});

function perMs({ ok, forMs }: ReadScalingStep): number {
  return ok / Math.max(1, forMs);
}

function describe({ workers, served, ok, failed, forMs }: ReadScalingStep): string {
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  const by = served.length === 0 ? 'no worker was seen to serve its part' : `served by ${served.join(', ')}`;
  return `${formatCount(workers, 'worker')}: ${formatPerSecond(ok, forMs)}${failures}, ${by}`;
}
