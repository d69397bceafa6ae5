/** Nothing of two-phase commit is left on any node: what is prepared is acknowledged, perhaps, and invisible. */

import { z } from 'zod';
import { eventsOf } from '../model/history.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

const MAX_WITNESSES = 8;

export const noLeftovers = defineCheck<z.output<typeof params>>({
  name: 'no-leftovers',
  summary: 'No prepared transaction is left on any node when the final reads begin.',
  params,

  check(history) {
    const expected = 'no prepared transaction on any node';
    const looked = eventsOf(history, 'leftovers')[0];
    if (!looked) {
      const failed = eventsOf(history, 'final-read-failed').find(({ source }) => source === 'prepared transactions');
      const observed = failed ? `could not look: ${failed.error}` : 'nobody looked; the engine may not use any';
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const { preparedTransactions } = looked;
    if (preparedTransactions.length === 0) {
      return { judgement: 'pass', expected, observed: 'none on any node', evidence: [] };
    }
    const evidence = preparedTransactions
      .slice(0, MAX_WITNESSES)
      .map(({ node, gid, ageMs }) => `${node}: ${gid}, prepared ${formatDuration(ageMs)} before`);
    return {
      judgement: 'fail',
      expected,
      observed: `${formatCount(preparedTransactions.length, 'prepared transaction')} left`,
      evidence,
    };
  },
});
