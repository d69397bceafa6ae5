/** Whether the partitions behaved as the engine predicted for the nodes that were down. */

import { z } from 'zod';
import { type PartitionService, predictionFor, serviceWithin, wordOf } from '../measure/partitions.ts';
import { fullEffects } from '../measure/spans.ts';
import type { Availability } from '../model/figures.ts';
import { eventsOf } from '../model/history.ts';
import { partitionNamed, partitionWordOf } from '../model/partition-words.ts';
import type { Access, PartitionPrediction } from '../model/topology.ts';
import { formatDuration } from '../model/units.ts';
import { type Judgement, worst } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

/** A cluster needs a moment to notice; what happens in it is no part of the prediction. */
const TRANSITION_MS = 1_000;

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
      return 'neither load nor probes tell one partition from another';
    if (!faults?.length || faults.some(({ effect }) => effect)) return undefined;
    const names = [...new Set(faults.map(({ name }) => name))].join(', ');
    return `the engine predicts what nodes that are down or frozen mean, and ${names} leaves them up`;
  },

  check(history) {
    const promised = eventsOf(history, 'predicted').flatMap(({ partitions }) =>
      partitions.map(({ outMs = 0 }) => outMs),
    );
    const afterMs = Math.max(TRANSITION_MS, ...promised);
    const word = wordOf(history);
    const every = word === undefined ? 'everything' : `every ${word}`;
    const expected = `${every} as predicted, from ${formatDuration(afterMs)} after the faults were in full effect`;
    const unknown = (observed: string) => ({ judgement: 'unknown' as const, expected, observed, evidence: [] });
    const effects = fullEffects(history);
    if (effects.length === 0) return unknown('no fault was in full effect');

    const compared: Compared[] = [];
    for (const effect of effects) {
      const { fromMs, toMs } = effect;
      const predicted = predictionFor(history, effect);
      if (!predicted) return unknown('nothing was predicted');
      const outMs = Math.max(TRANSITION_MS, ...predicted.partitions.map((partition) => partition.outMs ?? 0));
      const service = serviceWithin(history, { fromMs: fromMs + outMs, toMs });
      if (!service) return unknown('the cluster was never formed');
      for (const partition of service.partitions) {
        const forecast = predicted.partitions.find((candidate) => candidate.partition === partition.partition.name);
        if (!forecast) return unknown(`nothing was predicted for ${partitionNamed(word, partition.partition.name)}`);
        compared.push(...compare(partition, forecast, word));
      }
    }
    if (compared.length === 0) return unknown(`there is no ${partitionWordOf(word)}`);
    const judgement = worst(compared.map((one) => one.judgement));
    const noted = compared.filter((one) => one.judgement === judgement).map((one) => one.line);
    const observed = {
      pass: `${every} was as predicted`,
      fail: `${noted.length} of ${compared.length} predictions did not come true`,
      unknown: `${noted.length} of ${compared.length} predictions could not be tried`,
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

/** What stalls has no success before its deadline, as what fails has none; an answer that came is a difference. */
function compareOne(said: string, predicted: boolean, { intended, ok }: Availability): Compared {
  if (intended === 0) return { judgement: 'unknown', line: `${said}, never tried` };
  return { judgement: ok > 0 === predicted ? 'pass' : 'fail', line: `${said}, ${ok} of ${intended} ok` };
}
