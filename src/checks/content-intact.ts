/** Every row that a read returned has the content that its key implies. */

import type { z } from 'zod';
import { unexposed } from '../measure/exposure.ts';
import { auditReads } from '../measure/read-audit.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck, struckReads } from './check.ts';

export const contentIntact = defineCheck<z.output<typeof struckReads>>({
  name: 'content-intact',
  summary: 'Every row that a read returned has the content that its key implies.',
  unknownWhen: 'as for `no-duplicates`.',
  params: struckReads,
  requires: ['reads'],
  always: true,
  provenByPart: true,

  check(history, { 'under-way': underWay }, { asked } = { asked: true }) {
    const expected = 'no row with wrong content in any read';
    const { answered, corrupted, corruptedWhere } = auditReads(history);
    if (corrupted.count > 0) {
      const observed = `${formatCount(corrupted.count, 'row')} with wrong content`;
      return { judgement: 'fail', expected, observed, evidence: corruptedWhere };
    }
    const missing = unexposed(history, asked, underWay);
    if (missing) return { judgement: 'unknown', expected, observed: missing, evidence: [] };
    const observed = `every row of ${formatCount(answered, 'read')} intact`;
    return { judgement: 'pass', expected, observed, evidence: [] };
  },
});
