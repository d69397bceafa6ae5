/** Two nodes never acknowledged writes at once, or for no longer than a limit. */

import { z } from 'zod';
import { describeTwoPrimaries } from '../measure/role-words.ts';
import { roleFigures } from '../measure/roles.ts';
import { splitBrainMs } from '../measure/split-brain.ts';
import { unwitnessed } from '../measure/write-spans.ts';
import { duration } from '../model/quantities.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  max: duration.prefault('0s').describe('How long in total two nodes may acknowledge writes at once.'),
});

const MAX_PAIRS = 8;

export const splitBrain = defineCheck<z.output<typeof params>>({
  name: 'split-brain',
  summary: 'No two nodes acknowledged writes at once, as seen by a witness on every node.',
  unknownWhen:
    'the witness wrote nothing, was not answered before the first fault, or stopped early; the overlap may be a clean handover; or `max` lies between the least and the most that is possible.',
  params,
  requires: ['roles'],
  provenByPart: true,

  check(history, { max }) {
    const expected = max === 0 ? 'never two primaries at once' : `two primaries for at most ${formatDuration(max)}`;
    const figures = roleFigures(history);
    const pairs = figures?.twoPrimaries ?? [];
    const evidence = pairs.slice(0, MAX_PAIRS).map(describeTwoPrimaries);
    const { atLeastMs, atMostMs } = splitBrainMs(pairs);
    if (atLeastMs > max) {
      const rows = pairs.flatMap(({ sides }) => sides).filter(({ lost }) => lost);
      const lost = rows.reduce((sum, { lost }) => sum + (lost ?? 0), 0);
      const gone = lost === 0 ? '' : `; ${formatCount(lost, 'row')} acknowledged in that time lost`;
      return {
        judgement: 'fail',
        expected,
        observed: `two primaries for ${formatDuration(atLeastMs)}${gone}`,
        evidence,
      };
    }
    const missing = unwitnessed(history);
    if (missing !== undefined) return { judgement: 'unknown', expected, observed: missing, evidence };
    if (atMostMs > max) {
      const observed = `two primaries for at least ${formatDuration(atLeastMs)} and at most ${formatDuration(atMostMs)}: the limit lies between`;
      return { judgement: 'unknown', expected, observed, evidence };
    }
    const acknowledging = (figures?.witness ?? []).filter(({ acknowledged }) => acknowledged > 0);
    const by = acknowledging.map(({ node, acknowledged }) => `${node} ${acknowledged}`).join(', ');
    const times = atMostMs === 0 ? 'never two at once' : `two primaries for at most ${formatDuration(atMostMs)}`;
    return { judgement: 'pass', expected, observed: `${times}; rows acknowledged: ${by}`, evidence };
  },
});
