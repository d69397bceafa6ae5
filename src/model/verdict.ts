/** Three answers, always: "could not judge" is never "passed". */

import type { TimeRange } from './figures.ts';

export type Judgement = 'pass' | 'fail' | 'unknown';

const BADNESS: Record<Judgement, number> = { pass: 0, unknown: 1, fail: 2 };

/** The worst of several judgements: `fail` over `unknown` over `pass`; `pass` when there are none. */
export function worst(judgements: Iterable<Judgement>): Judgement {
  let result: Judgement = 'pass';
  for (const judgement of judgements) {
    if (BADNESS[judgement] > BADNESS[result]) result = judgement;
  }
  return result;
}

/** What a check found. */
export interface Finding {
  readonly judgement: Judgement;
  /** What the hypothesis demands, in words: `all 500 messages readable during the fault`. */
  readonly expected: string;
  /** What was seen, in words, with figures. */
  readonly observed: string;
  /** Rows that prove it: at most a few lines each, ready to print. */
  readonly evidence: readonly string[];
  /**
   * Set where it passes and yet excuses what failed in these times, for its check's reason: too little was amiss to doubt
   * the rest. Milliseconds on the run's clock.
   */
  readonly excuses?: readonly TimeRange[];
}

/**
 * What the words of a check tell beside its verdict: `figure`, something measured that nothing else in a report's
 * first sentence says; `readable`, how many messages could be read; `end`, why a run did not get to its end, which
 * explains the rest.
 */
export type Telling = 'figure' | 'readable' | 'end';

/** What an operator asks first, of which a check may say how much there may be. */
export type Question = 'availability' | 'outage' | 'loss' | 'healing';

/** A finding, with the hypothesis it answers. */
export interface CheckResult extends Finding {
  readonly check: string;
  /** As written in the scenario; `{}` for a check that every run makes. */
  readonly params: Readonly<Record<string, unknown>>;
  /** True for the checks that every run makes, whatever its hypothesis (fault-took-effect, healed, ...). */
  readonly always: boolean;
  readonly tells?: Telling;
  readonly answers?: Question;
  /** `file:line` of the hypothesis in the scenario, where it has one. */
  readonly place?: string;
}

/** What tells a check from others of its kind; empty where nothing does. */
export interface Subject {
  /** A kind of operation. */
  readonly of?: string | undefined;
  /** The name of a partition. */
  readonly partition?: string | undefined;
  readonly percentile?: string | undefined;
}

/** What authors write where a check is about one kind of operation, one partition, one percentile. */
const WRITTEN = { of: 'of', partition: 'shard', percentile: 'percentile' } as const;

export function subjectOf(params: CheckResult['params']): Subject {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    of: text(params[WRITTEN.of]),
    partition: text(params[WRITTEN.partition]),
    percentile: text(params[WRITTEN.percentile]),
  };
}

/** As its author wrote it: `of: read, shard: A`; empty where nothing tells it from others of its kind. */
export function subjectAsWritten({ params }: Pick<CheckResult, 'params'>): string {
  return Object.values(WRITTEN)
    .flatMap((key) => (typeof params[key] === 'string' ? [`${key}: ${params[key]}`] : []))
    .join(', ');
}

export interface Verdict {
  readonly judgement: Judgement;
  readonly results: readonly CheckResult[];
}
