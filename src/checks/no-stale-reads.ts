/** No read left out a message acknowledged before the read was sent. */

import { z } from 'zod';
import { exposureOf } from '../measure/exposure.ts';
import { describeLate, lateWritesOf } from '../measure/late-writes.ts';
import { auditReads, describeRead } from '../measure/read-audit.ts';
import type { History, Operation, RunInfo } from '../model/history.ts';
import { duration } from '../model/quantities.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  max: duration
    .optional()
    .describe('How long after its acknowledgement a read may still miss a message; not at all by default.'),
});

export const noStaleReads = defineCheck<z.output<typeof params>>({
  name: 'no-stale-reads',
  summary: 'No read left out a message that was acknowledged before the read was sent.',
  unknownWhen: 'no read was answered after the first fault.',
  params,
  requires: ['reads'],
  provenByPart: (history, { max }) => max === undefined || knownStaleMs(history) > max,

  check(history, { max }) {
    const expected = `every read returns all that was acknowledged ${max === undefined ? '' : `more than ${formatDuration(max)} `}before it was sent`;
    const { stale, staleWitnesses, staleForMs } = auditReads(history);
    const { late, first, forMs } = lateWritesOf(history);
    const upTo = (ms: number | null) =>
      ms === null ? '' : `, up to ${formatDuration(ms)} after their acknowledgement`;
    const observed = [
      ...(stale > 0 ? [`${formatCount(stale, 'read')} left out messages${upTo(staleForMs)}`] : []),
      ...(late.count > 0
        ? [`${formatCount(late.count, 'message')} stayed invisible after the load had stopped${upTo(forMs)}`]
        : []),
    ].join('; ');
    const worstMs = Math.max(
      stale > 0 ? (staleForMs ?? Number.POSITIVE_INFINITY) : 0,
      late.count > 0 ? (forMs ?? Number.POSITIVE_INFINITY) : 0,
    );
    if (observed !== '' && (max === undefined || worstMs > max)) {
      const evidence = [
        ...staleWitnesses.map((operation) => describeStale(history.run, operation)),
        ...first.map(describeLate),
      ];
      return { judgement: 'fail', expected, observed, evidence };
    }
    const { answered, answeredSince } = exposureOf(history);
    if (answeredSince === 0) {
      const observed =
        answered === 0 ? 'no read was answered' : 'no read of the load was answered after the first fault';
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    return {
      judgement: 'pass',
      expected,
      observed: observed === '' ? `nothing left out in ${formatCount(answered, 'read')}` : observed,
      evidence: [],
    };
  },
});

/** A lower limit: the acknowledgement of a message may itself be missing in the history. */
function knownStaleMs(history: History): number {
  return Math.max(auditReads(history).staleForMs ?? 0, lateWritesOf(history).forMs ?? 0);
}

function describeStale(run: RunInfo, operation: Operation): string {
  const { missing, missingCount } = operation.anomaly ?? {};
  if (!missing)
    return `${describeRead(run, operation)}: only ${formatCount(operation.verified ?? 0, 'initial message')}`;
  return `${describeRead(run, operation)}: without ${missing.join(', ')}${(missingCount ?? 0) > missing.length ? ' ...' : ''}`;
}
