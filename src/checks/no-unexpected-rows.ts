/** No row exists that was never sent, or whose write certainly failed. */

import { z } from 'zod';
import { notRead } from '../measure/final-reads.ts';
import { auditWrites } from '../measure/write-audit.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

export const noUnexpectedRows = defineCheck<z.output<typeof params>>({
  name: 'no-unexpected-rows',
  summary: 'The final reads find no row that was never sent, and none whose write had certainly failed.',
  unknownWhen: 'nothing was found, and the final read was missing or empty, or the history lacks operations.',
  params,
  requires: ['ledger'],
  always: true,
  provenByPart: true,

  check(history) {
    const expected = 'only rows that were sent and whose write may have succeeded';
    const { finalReads, unexpected, resurrected } = auditWrites(history);
    const never = unexpected?.count ?? 0;
    const evidence = [
      ...(unexpected?.keys ?? []).map((key) => `${key} unexpected: it was never sent`),
      ...resurrected.keys.map((key) => `${key} resurrected: its write had certainly failed`),
      ...[unexpected, resurrected].flatMap((rows) => rows?.lookAgain(history) ?? []),
      ...notRead(finalReads.missing),
    ];
    const found = [
      ...(never > 0 ? [`${formatCount(never, 'row')} never sent`] : []),
      ...(resurrected.count > 0 ? [`${formatCount(resurrected.count, 'row')} of writes that had failed`] : []),
    ];
    if (found.length > 0) return { judgement: 'fail', expected, observed: found.join(' and '), evidence };
    if (!finalReads.byClients) {
      return { judgement: 'unknown', expected, observed: 'no final read by clients was made', evidence };
    }
    if (history.run.messages > 0 && finalReads.anywhere.size === 0) {
      const observed = `the final reads found none of ${formatCount(history.run.messages, 'initial message')}`;
      return { judgement: 'unknown', expected, observed, evidence };
    }
    if (!unexpected) {
      const observed = 'the history lacks writes, so nothing tells which rows were sent';
      return { judgement: 'unknown', expected, observed, evidence };
    }
    return { judgement: 'pass', expected, observed: 'only rows that were written', evidence };
  },
});
