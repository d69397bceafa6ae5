/** Judgements: always one of three, because "could not judge" is not "passed". */

import type { TimeRange } from './figures.ts';

export type Judgement = 'pass' | 'fail' | 'unknown';

export const BADNESS: Readonly<Record<Judgement, number>> = { pass: 0, unknown: 1, fail: 2 };

/** The worst judgement: `fail` over `unknown` over `pass`; `pass` if there are none. */
export function worst(judgements: Iterable<Judgement>): Judgement {
  let result: Judgement = 'pass';
  for (const judgement of judgements) {
    if (BADNESS[judgement] > BADNESS[result]) result = judgement;
  }
  return result;
}

export interface Finding {
  readonly judgement: Judgement;
  /** What the hypothesis requires, in words: `all 500 messages readable during the fault`. */
  readonly expected: string;
  /** What was seen, in words, with figures. */
  readonly observed: string;
  /** Lines that prove it, ready to print. */
  readonly evidence: readonly string[];
  /**
   * Set if the check passes but excuses failures in these times, because too little was wrong to doubt the rest.
   * Milliseconds on the run's clock.
   */
  readonly excuses?: readonly TimeRange[];
}

/**
 * What a check's words add to its verdict: `figure`, a measured value that the first sentence of a report lacks;
 * `readable`, how many messages were readable; `end`, why the run ended early, which explains the rest.
 */
export type Telling = 'figure' | 'readable' | 'end';

/** What an operator asks first; a check may set a limit to it. */
export type Question = 'availability' | 'outage' | 'loss' | 'healing';

export interface CheckResult extends Finding {
  readonly check: string;
  /** As written in the scenario; `{}` for a check that every run makes. */
  readonly params: Readonly<Record<string, unknown>>;
  /** True for checks that every run makes (fault-took-effect, healed, ...). */
  readonly always: boolean;
  readonly tells?: Telling;
  readonly answers?: Question;
  /** `file:line` of the hypothesis in the scenario, if it has one. */
  readonly place?: string;
}

/** What distinguishes a check from others of the same name; empty if nothing does. */
export interface Subject {
  /** A kind of operation. */
  readonly of?: string | undefined;
  /** The name of a partition. */
  readonly partition?: string | undefined;
  readonly percentile?: string | undefined;
}

/** The keys of one kind of operation, one partition, one percentile in a scenario. */
const WRITTEN = { of: 'of', partition: 'shard', percentile: 'percentile' } as const;

export function subjectOf(params: CheckResult['params']): Subject {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    of: text(params[WRITTEN.of]),
    partition: text(params[WRITTEN.partition]),
    percentile: text(params[WRITTEN.percentile]),
  };
}

/** As written in the scenario: `of: read, shard: A`; empty if nothing distinguishes it. */
export function subjectAsWritten({ params }: Pick<CheckResult, 'params'>): string {
  return Object.values(WRITTEN)
    .flatMap((key) => (typeof params[key] === 'string' ? [`${key}: ${params[key]}`] : []))
    .join(', ');
}

export interface Verdict {
  readonly judgement: Judgement;
  readonly results: readonly CheckResult[];
}
