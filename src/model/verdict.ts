/** Three answers, always: "could not judge" is never "passed". */

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
  /** Set where it passes and yet excuses what failed, for its check's reason: too little was amiss to doubt what held. */
  readonly excuses?: true;
}

/**
 * What the words of a check tell beside its verdict: `figure`, something measured that nothing else in a report's
 * first sentence says; `readable`, how many messages could be read; `end`, why a run did not get to its end, which
 * explains the rest.
 */
export type Telling = 'figure' | 'readable' | 'end';

/** A finding, with the hypothesis it answers. */
export interface CheckResult extends Finding {
  readonly check: string;
  /** As written in the scenario; `{}` for a check that every run makes. */
  readonly params: Readonly<Record<string, unknown>>;
  /** True for the checks that every run makes, whatever its hypothesis (fault-took-effect, healed, ...). */
  readonly always: boolean;
  readonly tells?: Telling;
  /** `file:line` of the hypothesis in the scenario, where it has one. */
  readonly place?: string;
}

export interface Verdict {
  readonly judgement: Judgement;
  readonly results: readonly CheckResult[];
}
