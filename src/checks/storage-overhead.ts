/** The cost of copies in storage: all placements of all tables over one copy of the same rows on one server. */

import { z } from 'zod';
import { whyNotObserved } from '../measure/observations.ts';
import { placementOf } from '../measure/partitions.ts';
import { eventsOf } from '../model/history.ts';
import { formatBytes, formatCount, formatTimes } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  min: z.number().min(0).optional().describe('The least that the ratio may be.'),
  max: z.number().min(0).describe('The most that the ratio may be.'),
});

type Params = z.output<typeof params>;

export const storageOverhead = defineCheck<Params>({
  name: 'storage-overhead',
  summary: 'Disk space of all placements, divided by that of a single copy on one server.',
  unknownWhen: 'a size is missing or zero.',
  params,
  requires: ['partitions'],
  tells: 'figure',
  needs: ['storage'],
  provenByPart: true,

  validate({ min, max }) {
    if (min === undefined || min <= max) return [];
    return [{ path: ['min'], message: `min is ${min}, which is more than max, ${max}` }];
  },

  check(history, { min, max }) {
    const expected =
      min === undefined ? `at most ${formatTimes(max)} one copy` : `${min} to ${formatTimes(max)} one copy`;
    const seen = eventsOf(history, 'storage')[0];
    if (!seen || seen.oneCopyBytes === 0) {
      const observed = seen ? 'one copy takes no space' : whyNotObserved(history, 'storage');
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const { copies: placements, oneCopyBytes } = seen;
    const unmeasured = (placementOf(history)?.partitions ?? []).flatMap(({ name, copies: nodes }) =>
      nodes
        .filter((node) => !placements.some((one) => one.partition === name && one.node === node && one.bytes > 0))
        .map((node) => `${node}/${name}`),
    );
    if (placements.length === 0 || unmeasured.length > 0) {
      const observed =
        placements.length === 0 ? 'no placement was measured' : `not measured, or empty: ${unmeasured.join(', ')}`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const all = placements.reduce((sum, { bytes }) => sum + bytes, 0);
    const ratio = all / oneCopyBytes;
    const perNode = Map.groupBy(placements, ({ node }) => node);
    return {
      judgement: ratio <= max && ratio >= (min ?? 0) ? 'pass' : 'fail',
      expected,
      observed: `${formatTimes(ratio)} one copy: ${formatBytes(all)} in ${formatCount(placements.length, 'placement')}, ${formatBytes(oneCopyBytes)} as one copy`,
      evidence: [...perNode].map(
        ([node, held]) =>
          `${node}: ${held.map(({ partition, bytes }) => `${partition} ${formatBytes(bytes)}`).join(', ')}`,
      ),
    };
  },
});
