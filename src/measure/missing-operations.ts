/** Operations that the run made and its history lacks: its file was cut off, or a disk was full. */

import { eventsOf, type History } from '../model/history.ts';
import { formatCount, formatNumber } from '../model/units.ts';

interface Missing {
  /** Whose: the load's by default. */
  readonly of: 'load' | 'probes' | 'witness';
  /** `3,447 operations intended, 1,708 in the history`. */
  readonly words: string;
}

/** Empty where nothing is missing, as far as load, probes and witness reported their counts. */
export function missingOperations(history: History): Missing[] {
  return [
    ...eventsOf(history, 'load-kept').flatMap(({ of = 'load', intended }) =>
      of === 'probes'
        ? missing(of, intended, 'probe', history.probes.count)
        : missing('load', intended, 'operation', history.operations.count),
    ),
    ...eventsOf(history, 'witness-kept').flatMap(({ intended }) =>
      missing('witness', intended, 'answer', history.witness?.count ?? 0),
    ),
  ];
}

function missing(of: Missing['of'], intended: number, what: string, count: number): Missing[] {
  if (intended === count) return [];
  const to = of === 'witness' ? ' to the witness' : '';
  return [{ of, words: `${formatCount(intended, what)}${to} intended, ${formatNumber(count)} in the history` }];
}
