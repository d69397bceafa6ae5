/** What a client may rely on, whatever others see: its own writes, and what it has read before. */

import { z } from 'zod';
import { owedReads } from '../measure/exposure.ts';
import { auditReads, describeRead } from '../measure/read-audit.ts';
import type { Operation, RunInfo } from '../model/history.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck } from './check.ts';

const GUARANTEES = ['read-your-writes', 'monotonic-reads'] as const;

/** The reason if a guarantee could not be broken. */
const NEEDED = {
  'read-your-writes': 'no read followed an acknowledged write of its session',
  'monotonic-reads': 'no read followed another read of its session',
} as const;

const params = z.strictObject({
  guarantees: z
    .array(z.enum(GUARANTEES))
    .min(1)
    .default([...GUARANTEES])
    .describe('Which must hold: read-your-writes, monotonic-reads; both by default.'),
});

export const sessionGuarantees = defineCheck<z.output<typeof params>>({
  name: 'session-guarantees',
  summary: 'A session reads what it wrote (read-your-writes), and what it read before (monotonic reads).',
  unknownWhen:
    'no read of a session was answered; or, after the first fault, no read followed a write of its session (`read-your-writes`) or an earlier read (`monotonic-reads`).',
  params,
  requires: ['reads'],
  provenByPart: true,

  hopeless(_, { sessions }) {
    return sessions === false ? 'the operations of this workload belong to no session' : undefined;
  },

  check(history, { guarantees }) {
    const expected = `every session has ${guarantees.join(' and ')}`;
    const audit = auditReads(history);
    const { ofSessions, ownMissing, forgotten } = audit;
    const broken = [
      {
        guarantee: 'read-your-writes',
        rows: ownMissing,
        evidence: audit.ownMissingWitnesses.map((read) =>
          describe(history.run, read, read.anomaly?.ownMissing, 'it had written'),
        ),
      },
      {
        guarantee: 'monotonic-reads',
        rows: forgotten,
        evidence: audit.forgottenWitnesses.map((read) =>
          describe(history.run, read, read.anomaly?.forgotten, 'it had read before'),
        ),
      },
    ].filter(({ guarantee, rows }) => guarantees.some((asked) => asked === guarantee) && rows.count > 0);
    if (broken.length > 0) {
      const observed = broken.map(({ guarantee, rows }) => `${guarantee} broken for ${formatCount(rows.count, 'row')}`);
      return {
        judgement: 'fail',
        expected,
        observed: observed.join(', '),
        evidence: broken.flatMap(({ guarantee, evidence }) => evidence.map((line) => `${guarantee}: ${line}`)),
      };
    }
    if (ofSessions === 0) {
      return { judgement: 'unknown', expected, observed: 'no read of a session was answered', evidence: [] };
    }
    const owed = owedReads(history);
    const tried = { 'read-your-writes': owed.afterOwnWrite, 'monotonic-reads': owed.afterOwnRead };
    const untried = guarantees.filter((guarantee) => tried[guarantee] === 0);
    if (untried.length > 0) {
      const observed = `${untried.join(' and ')} not tested: ${untried.map((one) => NEEDED[one]).join(', and ')}`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const observed = `held in ${formatCount(ofSessions, 'read')}`;
    return { judgement: 'pass', expected, observed, evidence: [] };
  },
});

function describe(run: RunInfo, read: Operation, keys: readonly string[] = [], which: string): string {
  return `session ${read.session}, ${describeRead(run, read)}: without ${keys.join(', ')}, which ${which}`;
}
