/** Nothing is left on any node that would stay indefinitely: a prepared transaction, a slot without a reader. */

import { z } from 'zod';
import { MAX_WITNESSES } from '../measure/witnesses.ts';
import { LEFTOVERS } from '../model/event.ts';
import { eventsOf } from '../model/history.ts';
import { formatBytes, formatCount, formatDuration, formatMoment } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

export const noLeftovers = defineCheck<z.output<typeof params>>({
  name: 'no-leftovers',
  summary: 'No prepared transaction and no replication slot without a reader is left when the final reads begin.',
  unknownWhen: 'a node or its slots could not be asked.',
  params,
  provenByPart: true,

  check(history) {
    const expected = 'no prepared transaction and no idle replication slot on any node';
    const looked = eventsOf(history, 'leftovers')[0];
    const failed = eventsOf(history, 'final-read-failed').find(({ source }) => source === LEFTOVERS);
    if (!looked) {
      const observed = failed ? `pgquake could not look: ${failed.error}` : 'not checked';
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const { preparedTransactions, idleSlots } = looked;
    const recovered = eventsOf(history, 'recovery-ended').at(-1);
    const { ended = [], askedAt } = recovered ?? {};
    const onRequest = ended.filter(({ endedAt }) => askedAt !== undefined && endedAt >= askedAt);
    const stoodMs = Math.max(0, ...ended.map(({ preparedAt, endedAt }) => endedAt - preparedAt));
    const evidence = [
      ...preparedTransactions
        .slice(0, MAX_WITNESSES)
        .map(({ node, gid, ageMs }) => `${node}: ${gid}, prepared for ${formatDuration(ageMs)}`),
      ...ended
        .slice(0, MAX_WITNESSES)
        .map(
          ({ node, gid, preparedAt, endedAt }) =>
            `${node}: ${gid}, prepared at ${formatMoment(preparedAt)}, ended ${formatDuration(endedAt - preparedAt)} later`,
        ),
      ...(idleSlots ?? [])
        .slice(0, MAX_WITNESSES)
        .map(({ node, name, keptBytes }) => `${node}: slot ${name}, keeps ${formatBytes(keptBytes)} of WAL`),
    ];
    const left = [
      ...(preparedTransactions.length > 0 ? [formatCount(preparedTransactions.length, 'prepared transaction')] : []),
      ...(idleSlots?.length ? [formatCount(idleSlots.length, 'idle replication slot')] : []),
    ];
    const stood = `${formatCount(ended.length, 'transaction')} stayed prepared for up to ${formatDuration(stoodMs)}`;
    const found = (judgement: Judgement, observed: string) => ({ judgement, expected, observed, evidence });
    if (left.length > 0) return found('fail', `${left.join(' and ')} left`);
    if (onRequest.length > 0) {
      const asked = formatCount(onRequest.length, 'prepared transaction');
      return found('fail', `${asked} ended only when pgquake asked the engine to end them; ${stood}`);
    }
    if (failed) return found('unknown', `none found, but pgquake could not look everywhere: ${failed.error}`);
    if (!idleSlots) return found('unknown', 'idle slots were not checked');
    return found('pass', `none on any node${ended.length === 0 ? '' : `; ${stood}, then ended by themselves`}`);
  },
});
