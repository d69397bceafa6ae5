/** Whether the partitions behaved as the engine predicted while nodes were down or frozen. */

import { z } from 'zod';
import { longestTransitionMs, servedBesidePrediction } from '../measure/as-predicted.ts';
import { type PartitionService, wordOf } from '../measure/partitions.ts';
import type { Availability } from '../model/figures.ts';
import { partitionNamed, partitionWordOf } from '../model/partition-words.ts';
import type { Access, PartitionPrediction } from '../model/topology.ts';
import { formatDuration } from '../model/units.ts';
import { type Judgement, worst } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

interface Compared {
  readonly judgement: Judgement;
  readonly line: string;
}

export const prediction = defineCheck<z.output<typeof params>>({
  name: 'prediction',
  summary:
    'Every partition was readable, writable or stalled as the engine predicted for the nodes that were down or frozen.',
  unknownWhen: 'nothing was predicted, or a partition was never tried.',
  params,
  needsKeptSchedule: 'operations',

  hopeless(_, { faults, lacks = [] }) {
    if (lacks.includes('partitions') && lacks.includes('probes'))
      return 'neither load nor probes distinguish partitions';
    if (!faults?.length || faults.some(({ effect }) => effect)) return undefined;
    const names = [...new Set(faults.map(({ name }) => name))].join(', ');
    return `the engine predicts only for nodes that are down or frozen, and ${names} leaves them up`;
  },

  check(history) {
    const word = wordOf(history);
    const every = word === undefined ? 'everything' : `every ${word}`;
    const after = formatDuration(longestTransitionMs(history));
    const expected = `${every} as predicted, from ${after} after the faults were in full effect`;
    const unknown = (observed: string) => ({ judgement: 'unknown' as const, expected, observed, evidence: [] });
    const seen = servedBesidePrediction(history);
    if ('why' in seen) return unknown(seen.why);

    const compared: Compared[] = [];
    for (const { service, predicted } of seen) {
      if (!predicted) return unknown(`nothing was predicted for ${partitionNamed(word, service.partition.name)}`);
      compared.push(...compare(service, predicted, word));
    }
    if (compared.length === 0) return unknown(`there is no ${partitionWordOf(word)}`);
    const judgement = worst(compared.map((one) => one.judgement));
    const noted = compared.filter((one) => one.judgement === judgement).map((one) => one.line);
    const observed = {
      pass: `${every} was as predicted`,
      fail: `${noted.length} of ${compared.length} predictions were wrong`,
      unknown: `${noted.length} of ${compared.length} predictions could not be tested`,
    }[judgement];
    return { judgement, expected, observed, evidence: noted };
  },
});

function compare(
  service: PartitionService,
  { readable, writable, stalled = [] }: PartitionPrediction,
  ofEngine: string | undefined,
): Compared[] {
  const words = (access: Access, word: string, predicted: boolean) =>
    stalled.includes(access) ? `${access}s stalled` : `${predicted ? '' : 'not '}${word}`;
  const label = `${partitionNamed(ofEngine, service.partition.name)}: predicted`;
  return [
    compareOne(`${label} ${words('read', 'readable', readable)}`, readable, service.read.availability()),
    compareOne(`${label} ${words('write', 'writable', writable)}`, writable, service.write.availability()),
  ];
}

/** A stall, like a failure, has no success before its deadline; any answer contradicts the prediction. */
function compareOne(said: string, predicted: boolean, { intended, ok }: Availability): Compared {
  if (intended === 0) return { judgement: 'unknown', line: `${said}, never tried` };
  return { judgement: ok > 0 === predicted ? 'pass' : 'fail', line: `${said}, ${ok} of ${intended} ok` };
}
