/** Problems of the load generator must not count against the cluster. */

import { z } from 'zod';
import { eventsOf, type History } from '../model/history.ts';
import { UNSENT } from '../model/operations.ts';
import { formatCount, formatDuration, formatNumber, formatShare } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

const MAX_UNSENT_SHARE = 0.01;
/**
 * As a share of the shortest deadline: an operation sent this late still has nearly all of its time, and one that waits
 * longer for a connection is not sent at all.
 */
const MAX_LATENESS_SHARE = 0.1;
/** A longer pause of the load excuses failures in it; a pass rests on the rest of the time. */
const EXCUSING_EVENT_LOOP_DELAY_MS = 250;
const MAX_EVENT_LOOP_DELAY_MS = 1_000;
/** Checked for each kind, because a rare kind vanishes in the total. */
const MAX_UNSENT_SHARE_OF_KIND = 0.1;

export const loadKeptItsSchedule = defineCheck<z.output<typeof params>>({
  name: 'load-kept-its-schedule',
  summary: 'The load generator sent what it should, when it should; otherwise the figures are its own.',
  unknownWhen:
    'more than 1 % of all operations, or 10 % of one kind, were not sent; the p99 of the lateness is above a tenth of the shortest deadline; the load thread was late by more than 1 s; or the load did not report.',
  params,
  always: true,
  excuses: 'the load did not keep its own schedule',

  check(history) {
    const maxLatenessMs = MAX_LATENESS_SHARE * Math.min(...history.run.kinds.map((kind) => kind.deadlineMs));
    const expected =
      `at most ${formatShare(MAX_UNSENT_SHARE)} (${formatShare(MAX_UNSENT_SHARE_OF_KIND)} of a kind) not sent, ` +
      `p99 lateness at most ${formatDuration(maxLatenessMs)}, ` +
      `load thread at most ${formatDuration(MAX_EVENT_LOOP_DELAY_MS)} late`;
    const kept = eventsOf(history, 'load-kept').find(({ of }) => of === undefined);
    if (!kept) {
      return { judgement: 'unknown', expected, observed: 'the load generator did not report', evidence: [] };
    }
    const { intended, unsent, latenessP99Ms, latenessMaxMs, eventLoopDelayMaxMs, stalls = [] } = kept;
    const reasons: string[] = [];
    if (intended === 0) reasons.push('nothing was due');
    else if (unsent / intended > MAX_UNSENT_SHARE) {
      reasons.push(`${formatNumber(unsent)} of ${formatNumber(intended)} not sent (${formatShare(unsent / intended)})`);
    }
    reasons.push(...idleKinds(history));
    if (latenessP99Ms > maxLatenessMs) reasons.push(`p99 lateness ${formatDuration(latenessP99Ms)}`);
    // A pause without a time, as in histories of earlier versions, makes the whole run doubtful.
    const isPlaced = stalls.some(({ fromMs, toMs }) => Math.ceil(toMs - fromMs) >= eventLoopDelayMaxMs);
    if (eventLoopDelayMaxMs > (isPlaced ? MAX_EVENT_LOOP_DELAY_MS : EXCUSING_EVENT_LOOP_DELAY_MS)) {
      reasons.push(`load thread late by ${formatDuration(eventLoopDelayMaxMs)}`);
    }
    const figures =
      `${formatNumber(unsent)} of ${formatNumber(intended)} not sent, lateness p99 ${formatDuration(latenessP99Ms)} and at most ` +
      `${formatDuration(latenessMaxMs)}, load thread late by at most ${formatDuration(eventLoopDelayMaxMs)}`;
    if (reasons.length > 0)
      return { judgement: 'unknown', expected, observed: reasons.join(', '), evidence: [figures] };
    const excuses = eventLoopDelayMaxMs > EXCUSING_EVENT_LOOP_DELAY_MS ? { excuses: stalls } : {};
    return { judgement: 'pass', ...excuses, expected, observed: figures, evidence: [] };
  },
});

/** Kinds that were hardly sent, although the total was. */
function idleKinds(history: History): string[] {
  const { count, kinds, columns } = history.operations.data;
  const intended = kinds.map(() => 0);
  const unsent = kinds.map(() => 0);
  for (let row = 0; row < count; row++) {
    const kind = columns.kind[row] as number;
    intended[kind] = (intended[kind] as number) + 1;
    if (columns.outcome[row] === UNSENT) unsent[kind] = (unsent[kind] as number) + 1;
  }
  return history.run.kinds.flatMap(({ name }) => {
    const [due = 0, missed = 0] = [intended, unsent].map((counts) => counts[kinds.indexOf(name)]);
    return missed > MAX_UNSENT_SHARE_OF_KIND * due
      ? [`${formatNumber(missed)} of ${formatCount(due, name)} not sent`]
      : [];
  });
}
