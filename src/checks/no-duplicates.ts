/** No read returned a row twice, by the rows on the wire: counts of distinct keys would hide it. */

import type { z } from 'zod';
import { unexposed } from '../measure/exposure.ts';
import { auditReads } from '../measure/read-audit.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck, struckReads } from './check.ts';

export const noDuplicates = defineCheck<z.output<typeof struckReads>>({
  name: 'no-duplicates',
  summary: 'No read returned the same row twice.',
  unknownWhen:
    'no read was answered after the first fault. A hypothesis that names the check also requires an answered scan that overlapped a fault, and, if scans were under way at a strike, one of those. With `under-way: 1`, a fault must have struck such a read.',
  params: struckReads,
  requires: ['reads'],
  always: true,
  provenByPart: true,

  check(history, { 'under-way': underWay }, { asked } = { asked: true }) {
    const expected = 'no row twice in any read';
    const { answered, duplicated, duplicatedWhere } = auditReads(history);
    if (duplicated.count > 0) {
      const observed = `${formatCount(duplicated.count, 'row')} returned more than once`;
      return { judgement: 'fail', expected, observed, evidence: duplicatedWhere };
    }
    const missing = unexposed(history, asked, underWay);
    if (missing) return { judgement: 'unknown', expected, observed: missing, evidence: [] };
    const observed = `no row twice in ${formatCount(answered, 'read')}`;
    return { judgement: 'pass', expected, observed, evidence: [] };
  },
});
