/** The longest time without a success, of a kind of operation or of one of its partitions. */

import { z } from 'zod';
import { figuresOf } from '../measure/figures.ts';
import { mainRouteOf, onOneRoute } from '../measure/main-route.ts';
import { placementOf, wordOf } from '../measure/partitions.ts';
import { disagreementWords } from '../measure/sources.ts';
import { type Spans, spanAt } from '../measure/spans.ts';
import { describeWindow } from '../measure/windows.ts';
import { SPANS, type TimeRange } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { partitionNamed, partitionWordOf } from '../model/partition-words.ts';
import { duration } from '../model/quantities.ts';
import { formatDuration } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';
import { defineCheck, unknownKind } from './check.ts';

const params = z.strictObject({
  of: z.string().describe('A kind of operation of the workload, such as read.'),
  during: z.enum(SPANS).default('fault').describe('The part of the run that an outage must touch to count.'),
  shard: z.string().optional().describe('The outages of this partition alone; by default, of the kind as a whole.'),
  max: duration.describe('The longest that a single outage may last; 0s for none at all.'),
});

type Params = z.output<typeof params>;

const MAX_WINDOWS = 8;
/** An outage takes at least two failures in a row. */
const MIN_OPERATIONS = 2;

export const outage = defineCheck<Params>({
  name: 'outage',
  summary: 'How long the longest outage of a kind of operation lasted: a time without a single success.',
  unknownWhen:
    'nothing was intended; no probe watched and there was one operation; the limit lies within the uncertainty; or the outage was still open, and within `max`, when the load stopped.',
  answers: 'outage',
  params,
  needsKeptSchedule: 'operations',

  validate({ of, shard: partition }, facts) {
    const problems = unknownKind(of, facts);
    const { partitions, partitionWord } = facts;
    if (partition !== undefined && !partitions.includes(partition)) {
      problems.push({
        path: ['shard'],
        message: `there is no ${partitionWordOf(partitionWord)} ${JSON.stringify(partition)}`,
        known: partitions,
      });
    }
    return problems;
  },

  check(history, { of, during, shard: partition, max }) {
    const word = wordOf(history);
    const what = `${of}${partition === undefined ? '' : ` on ${partitionNamed(word, partition)}`}`;
    const expected = `no outage of ${what} longer than ${formatDuration(max)} in the ${during} span`;
    const figures = figuresOf(history);
    const { spans, windows } = figures;
    const span = spans[during];
    const count = span ? intended(history, { of, during, shard: partition }, spans) : 0;
    if (!span || count === 0) {
      const observed = `no ${what} was intended in the ${during} span`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const outages = windows
      .filter((window) => window.type === 'outage' && window.kind === of && window.partition === partition)
      .filter(({ fromMs, toMs }) => fromMs <= span.toMs && toMs >= span.fromMs)
      .toSorted((a, b) => b.durationMs - a.durationMs);
    const evidence = [
      ...outages.slice(0, MAX_WINDOWS).map((window) => describeWindow(window, word)),
      ...disagreementWords(figures, of),
    ];
    const found = (judgement: Judgement, observed: string) => ({ judgement, expected, observed, evidence });
    const [longest] = outages;
    if (!longest && count < MIN_OPERATIONS && !probedIn(history, of, span)) {
      return found('unknown', `only one ${what} was intended in the ${during} span: too few to see an outage`);
    }
    if (!longest) return found('pass', 'no outage');
    const { durationMs, uncertaintyMs } = longest;
    const length = `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}`;
    const observed = `${outages.length === 1 ? 'one outage of' : `${outages.length} outages, the longest of`} ${length}`;
    if (outages.some((one) => one.durationMs - one.uncertaintyMs > max)) return found('fail', observed);
    if (outages.some(({ open }) => open)) {
      return found('unknown', `${observed}; one was still open when the load stopped`);
    }
    if (outages.some((one) => one.durationMs + one.uncertaintyMs > max)) {
      return found('unknown', `${observed}: the limit lies within the uncertainty`);
    }
    return found('pass', observed);
  },
});

/** Operations of the load that were due, without those that the client could not send. */
function intended(history: History, { of, during, shard: partition }: Omit<Params, 'max'>, spans: Spans): number {
  let count = 0;
  const index = placementOf(history)?.partitions.findIndex(({ name }) => name === partition);
  for (const operation of history.operations.scan()) {
    if (operation.kind !== of || operation.outcome === 'unsent') continue;
    if (partition !== undefined && operation.partition !== index) continue;
    if (spanAt(spans, operation.intendedAt) === during) count++;
  }
  return count;
}

/** Whether probes watched the kind in that time. */
function probedIn(history: History, of: string, span: TimeRange): boolean {
  const kind = history.run.kinds.find(({ name }) => name === of);
  const main = mainRouteOf(history);
  const probe = history.run.probes.find(
    (one) => one.connection === 'pooled' && one.access === kind?.access && onOneRoute(one, kind, main),
  );
  if (kind?.scope !== 'partition' || !probe) return false;
  for (const { kind: name, outcome, sentAt } of history.probes.scan()) {
    if (name === probe.name && outcome !== 'unsent' && sentAt >= span.fromMs && sentAt <= span.toMs) return true;
  }
  return false;
}
