/** Whether every worker that holds data serves its part of the reads and writes, by the workers' own counts. */

import { z } from 'zod';
import { whyNotObserved } from '../measure/observations.ts';
import { placementOf } from '../measure/partitions.ts';
import { spansOf } from '../measure/spans.ts';
import type { WorkOfWorker } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';
import { share } from '../model/quantities.ts';
import { formatCount, formatShare } from '../model/units.ts';
import { worst } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const ACCESS = ['read', 'write'] as const;

const params = z.strictObject({
  of: z.enum(ACCESS).optional().describe('Reads or writes alone; by default both.'),
  'min-share': share.prefault('1%').describe('The least share of all reads or writes that each worker must serve.'),
});

/** The workers must account for this share of the load's answers; otherwise their counts are wrong or late. */
const MIN_COUNTED_SHARE = 0.5;

type Params = z.output<typeof params>;

export const workersServe = defineCheck<Params>({
  name: 'workers-serve',
  summary: 'Every worker serves its part of the reads and writes in the steady state.',
  unknownWhen:
    'nothing was counted; a node that holds a partition has no count; or the counts explain less than half of the answers.',
  params,
  requires: ['partitions'],

  hopeless({ of }, { writes }) {
    return of !== 'read' && writes === false ? 'this workload writes nothing' : undefined;
  },

  tells: 'figure',
  needs: ['work-of-workers'],

  check(history, { of, 'min-share': minShare }) {
    const asked = of === undefined ? ACCESS : [of];
    const expected = `every worker serves at least ${formatShare(minShare)} of the ${asked.map((a) => `${a}s`).join(' and of the ')}`;
    const seen = eventsOf(history, 'work-of-workers')[0];
    if (!seen) {
      const observed = whyNotObserved(history, 'work-of-workers');
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const holders = new Set(placementOf(history)?.partitions.flatMap(({ copies: placements }) => placements));
    const workers = seen.workers.filter(({ node }) => holders.has(node));
    const uncounted = [...holders].filter((node) => !workers.some((one) => one.node === node));
    const counted = workers.map(
      ({ node, reads, writes }) => `${node}: ${formatCount(reads, 'read')}, ${formatCount(writes, 'write')}`,
    );
    if (holders.size === 0 || uncounted.length > 0) {
      const observed = holders.size === 0 ? 'no worker holds a copy' : `${uncounted.join(', ')} could not be counted`;
      return { judgement: 'unknown', expected, observed, evidence: counted };
    }
    const parts = asked.map((access) => judge(workers, access, minShare, answeredBefore(history, access)));
    return {
      judgement: worst(parts.map(({ judgement }) => judgement)),
      expected,
      observed: parts.map(({ observed }) => observed).join('; '),
      evidence: counted,
    };
  },
});

function judge(workers: readonly WorkOfWorker[], access: Params['of'] & string, minShare: number, answered: number) {
  const counts = workers.map((worker) => ({
    node: worker.node,
    count: access === 'read' ? worker.reads : worker.writes,
  }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return { judgement: 'unknown', observed: `no ${access} was counted on any worker` } as const;
  // Every write is stored on a worker, and every partition key is read on one.
  if (total < answered * MIN_COUNTED_SHARE) {
    const observed = `the workers counted ${formatCount(total, access)}, but the load had ${answered} answers`;
    return { judgement: 'unknown', observed } as const;
  }
  const least = Math.min(...counts.map(({ count }) => count)) / total;
  const most = Math.max(...counts.map(({ count }) => count)) / total;
  const idle = counts.filter(({ count }) => count / total < minShare).map(({ node }) => node);
  const range = `${access}s: ${formatShare(least)} to ${formatShare(most)} on each of ${formatCount(counts.length, 'worker')}`;
  return idle.length === 0
    ? ({ judgement: 'pass', observed: range } as const)
    : ({ judgement: 'fail', observed: `${range}, too few on ${idle.join(', ')}` } as const);
}

/** Operations of single partition keys that the load had answered in the steady state. */
function answeredBefore(history: History, access: 'read' | 'write'): number {
  const span = spansOf(history)['steady-state'];
  const kinds = history.run.kinds.filter((kind) => kind.access === access && kind.scope === 'partition');
  const names = new Set(kinds.map(({ name }) => name));
  let count = 0;
  for (const { kind, outcome, sentAt, settledAt } of history.operations.scan()) {
    if (outcome !== 'ok' || !names.has(kind) || !span) continue;
    if (sentAt >= span.fromMs && settledAt <= span.toMs) count++;
  }
  return count;
}
