/** Whether every worker that holds data does its part of the reads and writes, by the workers' own counts. */

import { z } from 'zod';
import { whyNotObserved } from '../measure/observations.ts';
import { placementOf } from '../measure/shards.ts';
import type { WorkOfWorker } from '../model/event.ts';
import { eventsOf } from '../model/history.ts';
import { share } from '../model/quantities.ts';
import { formatCount, formatShare } from '../model/units.ts';
import { worst } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const ACCESS = ['read', 'write'] as const;

const params = z.strictObject({
  of: z.enum(ACCESS).optional().describe('Reads or writes alone; both where it is left out.'),
  'min-share': share
    .prefault('1%')
    .describe('Of what all workers served, how much each must have served at the least.'),
});

type Params = z.output<typeof params>;

export const workersServe = defineCheck<Params>({
  name: 'workers-serve',
  summary: 'Every worker serves its part of the reads and writes in the steady state.',
  params,
  needs: ['work-of-workers'],

  check(history, { of, 'min-share': minShare }) {
    const asked = of === undefined ? ACCESS : [of];
    const expected = `every worker serves at least ${formatShare(minShare)} of the ${asked.map((a) => `${a}s`).join(' and of the ')}`;
    const seen = eventsOf(history, 'work-of-workers')[0];
    if (!seen) {
      const observed = whyNotObserved(history, 'work-of-workers');
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const holders = new Set(placementOf(history)?.shards.flatMap(({ placements }) => placements));
    const workers = seen.workers.filter(({ node }) => holders.has(node));
    const parts = asked.map((access) => judge(workers, access, minShare));
    return {
      judgement: worst(parts.map(({ judgement }) => judgement)),
      expected,
      observed: parts.map(({ observed }) => observed).join('; '),
      evidence: workers.map(
        ({ node, reads, writes }) => `${node}: ${formatCount(reads, 'read')}, ${formatCount(writes, 'write')}`,
      ),
    };
  },
});

function judge(workers: readonly WorkOfWorker[], access: Params['of'] & string, minShare: number) {
  const counts = workers.map((worker) => ({
    node: worker.node,
    count: access === 'read' ? worker.reads : worker.writes,
  }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return { judgement: 'unknown', observed: `no ${access} was counted on any worker` } as const;
  const least = Math.min(...counts.map(({ count }) => count)) / total;
  const most = Math.max(...counts.map(({ count }) => count)) / total;
  const idle = counts.filter(({ count }) => count / total < minShare).map(({ node }) => node);
  const range = `${access}s: ${formatShare(least)} to ${formatShare(most)} on each of ${formatCount(counts.length, 'worker')}`;
  return idle.length === 0
    ? ({ judgement: 'pass', observed: range } as const)
    : ({ judgement: 'fail', observed: `${range}, too few on ${idle.join(', ')}` } as const);
}
