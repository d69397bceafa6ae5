/** Write outages, lost acknowledged writes and two primaries stayed within the promise of the cluster's settings. */

import { z } from 'zod';
import { figuresOf } from '../measure/figures.ts';
import { notRead } from '../measure/final-reads.ts';
import { type JudgedPart, judgePromise } from '../measure/promise-words.ts';
import { actsOf } from '../measure/spans.ts';
import { auditWrites } from '../measure/write-audit.ts';
import { eventsOf, type History } from '../model/history.ts';
import { promisedRanges } from '../model/promise.ts';
import { formatCount } from '../model/units.ts';
import { type Finding, worst } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

export const withinPromise = defineCheck<z.output<typeof params>>({
  name: 'within-promise',
  summary:
    "Write outages, losses and two primaries stayed within what the cluster's own settings promise for the loss.",
  unknownWhen: 'nothing was promised, no fault took effect, or a part above is unknown and none fails.',
  params,
  requires: ['roles'],
  needsKeptSchedule: 'whole-run',
  // Missing operations may end an outage earlier; they cannot find what is lost.
  provenByPart: (history) =>
    auditWrites(history).lostInitial.count > 0 ||
    partsOf(history).some(({ judgement, ofOutage }) => judgement === 'fail' && !ofOutage),

  hopeless(_, { writes, faults }) {
    if (faults?.length === 0) return 'without a fault nothing is lost, so nothing is promised';
    return writes === false ? 'this workload writes nothing' : undefined;
  },

  check(history) {
    const { promises = [] } = figuresOf(history);
    const [first] = promises;
    const expected = first ? promisedRanges(first.promise) : "what the cluster's own settings promise for the loss";
    return { expected, ...judge(history) };
  },
});

function judge(history: History): Omit<Finding, 'expected'> {
  const unknown = (observed: string) => ({ judgement: 'unknown' as const, observed, evidence: [] });
  if (eventsOf(history, 'promised').length === 0) return unknown('nothing was promised for the faults of this run');
  if (!actsOf(history).some(({ effectMs }) => effectMs !== undefined)) return unknown('no fault took effect');
  const parts = partsOf(history);
  if (parts.length === 0) return unknown('nothing was promised for a fault that took effect');
  const { finalReads, lostInitial } = auditWrites(history);
  if (lostInitial.count > 0) {
    const rows = formatCount(lostInitial.count, 'initial message');
    return {
      judgement: 'fail',
      observed: `${rows} lost: the promise puts no initial message at risk`,
      evidence: [...lostInitial.keys.map((key) => `${key} lost`), ...parts.map(({ line }) => line)],
    };
  }
  const judgement = worst(parts.map((part) => part.judgement));
  const decisive = parts.filter((part) => part.judgement === judgement);
  const { missing, made } = finalReads;
  return {
    judgement,
    observed: decisive.map(({ observed }) => observed).join('; '),
    evidence: [...parts.map(({ line }) => line), ...(made ? notRead(missing) : [])],
  };
}

function partsOf(history: History): JudgedPart[] {
  return (figuresOf(history).promises ?? []).flatMap((one) => judgePromise(one));
}
