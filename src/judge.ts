/** History -> Verdict: judges the scenario's hypothesis, then runs the checks that every run makes. Pure. */

import type { Check } from './checks/check.ts';
import { withoutDoubtful } from './measure/doubtful.ts';
import { describeForeign, foreignActs } from './measure/foreign-acts.ts';
import { missingOperations } from './measure/missing-operations.ts';
import { troublesBeforeFaults } from './measure/steady-state.ts';
import { errorText } from './model/errors.ts';
import type { TimeRange } from './model/figures.ts';
import { eventsOf, type History } from './model/history.ts';
import { missingWords } from './model/requirements.ts';
import type { HypothesisItem } from './model/scenario.ts';
import { STEADY_SHARE } from './model/steady-share.ts';
import { formatShare } from './model/units.ts';
import { type CheckResult, type Finding, type Verdict, worst } from './model/verdict.ts';

/**
 * Judges a run. The worst answer wins. A check that throws, a check that does not exist and a run that did not finish
 * are `unknown`, never `pass`.
 * @param hypothesis of the scenario, in its order. The checks that every run makes follow, unless the hypothesis names
 * them.
 * @param checks the catalogue's.
 */
export function judge(history: History, hypothesis: readonly HypothesisItem[], checks: readonly Check[]): Verdict {
  const named = new Set(hypothesis.map((item) => item.check));
  const steady = badSteadyState(history);
  const judged: Judged[] = [
    ...hypothesis.map((item) => {
      const { check: name, written, place, hopeless } = item;
      const again = (of: History) =>
        hopeless
          ? unjudged(`can never be judged here: ${hopeless.reason}`)
          : findingOf(
              checks.find((check) => check.name === name),
              () => item.params,
              { history: of, asked: true },
            );
      const about = { check: name, params: written, always: false, place: `${place.file}:${place.line}` };
      return { result: { ...about, ...again(history) }, params: item.params, again };
    }),
    ...checks
      .filter((check) => isAlwaysMade(check, history) && !named.has(check.name))
      .map((check) => {
        const again = (of: History) => findingOf(check, () => check.params.parse({}), { history: of, asked: false });
        const result: CheckResult = { check: check.name, params: {}, always: true, ...again(history) };
        return { result, params: check.params.safeParse({}).data, again };
      }),
    ...[...steady, ...incompleteRun(history)].map((result) => ({ result })),
  ];
  const all = judged.map(({ result }) => result);
  const results = judged.map((one) => excused(one, { all, steady: steady[0], checks, history }));
  return { judgement: worst(results.map((result) => result.judgement)), results };
}

interface Judged {
  readonly result: CheckResult;
  /** Parsed, for the check. */
  readonly params?: unknown;
  /** Repeats the check on another history; absent where the result comes from no check. */
  readonly again?: (history: History) => Finding;
}

/** Whether every run makes this check. A run that lacks what the check requires does not. */
function isAlwaysMade({ always, requires = [] }: Check, history: History): boolean {
  const { lacks = [] } = history.run;
  return (
    Boolean(typeof always === 'function' ? always(history) : always) && !requires.some((one) => lacks.includes(one))
  );
}

/** Turns `fail` into `unknown` where the cluster was not put to the test, or the machine was too busy to run it. */
function excused(
  { result, params, again }: Judged,
  {
    all,
    steady,
    checks,
    history,
  }: {
    readonly all: readonly CheckResult[];
    /** Set where service was bad before any fault. */
    readonly steady: CheckResult | undefined;
    readonly checks: readonly Check[];
    readonly history: History;
  },
): CheckResult {
  if (result.judgement !== 'fail') return result;
  const check = checks.find(({ name }) => name === result.check);
  const { needsKeptSchedule } = check ?? {};
  const reasons = [...foreignActs(history.events).map(describeForeign), ...voids(all, checks, steady)];
  if (missingOperations(history).length > 0 && !isProvenByPart(check, history, params)) reasons.push(MISSING);
  if (needsKeptSchedule) {
    reasons.push(...excuses(all, checks, ({ judgement }) => judgement === 'unknown'));
    const inPart = excuses(all, checks, (one) => one.excuses !== undefined);
    // A check that still fails without the doubtful times is the cluster's fault.
    const standsWithout = (doubtful: readonly TimeRange[]) =>
      needsKeptSchedule === 'operations' && again?.(withoutDoubtful(history, doubtful)).judgement === 'fail';
    if (inPart.length > 0 && !standsWithout(all.flatMap(({ excuses: ranges = [] }) => ranges))) reasons.push(...inPart);
  }
  if (reasons.length === 0) return result;
  return {
    ...result,
    judgement: 'unknown',
    observed: `${result.observed}; not held against the cluster, because ${reasons.join(' and ')}`,
  };
}

const MISSING = 'operations are missing in the history';

/** Whether the missing operations of a history cannot refute the check's failure. */
function isProvenByPart(check: Check | undefined, history: History, params: unknown): boolean {
  const { provenByPart = false } = check ?? {};
  return typeof provenByPart === 'function' ? provenByPart(history, params) : provenByPart;
}

/** Why the run put nothing to the test; empty where it did. */
function voids(results: readonly CheckResult[], checks: readonly Check[], steady: CheckResult | undefined): string[] {
  return [
    ...(steady ? [`service was bad before any fault: ${steady.observed}`] : []),
    ...reasonsOf(
      results.filter(({ judgement }) => judgement === 'unknown'),
      checks,
      ({ voids: reason }) => reason,
    ),
  ];
}

/**
 * Why a failure by the load's figures is not the cluster's fault; empty where it may be.
 * @param counts which results excuse: by default the unknown ones and those that excuse a part of the run.
 */
export function excuses(
  results: readonly CheckResult[],
  checks: readonly Check[],
  counts = ({ judgement, excuses: ranges }: CheckResult) => judgement === 'unknown' || ranges !== undefined,
): string[] {
  return reasonsOf(results.filter(counts), checks, ({ excuses: reason }) => reason);
}

function reasonsOf(
  results: readonly CheckResult[],
  checks: readonly Check[],
  reasonOf: (check: Check) => string | undefined,
): string[] {
  const names = new Set(results.map(({ check }) => check));
  return checks.flatMap((check) => {
    const reason = reasonOf(check);
    return reason !== undefined && names.has(check.name) ? [reason] : [];
  });
}

type Told = Finding & Pick<CheckResult, 'tells'>;

function findingOf(
  check: Check | undefined,
  params: () => unknown,
  { history, asked }: { readonly history: History; readonly asked: boolean },
): Told {
  if (!check) return unjudged('there is no such check');
  const { tells, answers } = check;
  const about = { ...(tells === undefined ? {} : { tells }), ...(answers === undefined ? {} : { answers }) };
  const missing = missingWords(check.requires ?? [], history.run.lacks ?? []);
  if (missing) return unjudged(missing);
  try {
    return { ...check.check(history, params(), { asked }), ...about };
  } catch (error) {
    return unjudged(`the check itself failed: ${errorText(error)}`, error);
  }
}

const MAX_STACK_LINES = 4;

function unjudged(observed: string, error?: unknown): Finding {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').map((line) => line.trim()) : [];
  const evidence = frames.filter((line) => line.startsWith('at ')).slice(0, MAX_STACK_LINES);
  return { judgement: 'unknown', expected: 'an answer', observed, evidence };
}

/** If service was bad before the first fault, later failures prove nothing about the faults. */
function badSteadyState(history: History): CheckResult[] {
  const bad = troublesBeforeFaults(history);
  if (bad.length === 0) return [];
  return [
    {
      check: 'steady-state',
      params: {},
      always: true,
      judgement: 'unknown',
      expected: `${formatShare(STEADY_SHARE)} of each kind of operation ok before the first fault`,
      observed: bad.join(', '),
      evidence: [],
    },
  ];
}

/** A run that was stopped, failed or cut off may have missed what would have refuted its hypothesis. */
function incompleteRun(history: History): CheckResult[] {
  const reasons = [
    ...eventsOf(history, 'guard-tripped').map(({ reason }) => `a guard ended the faults: ${reason}`),
    ...eventsOf(history, 'interrupted').map(({ reason }) => interruptedWords(reason)),
    ...eventsOf(history, 'run-failed').map(({ error }) => `the run failed: ${error}`),
  ];
  const finished = eventsOf(history, 'phase-ended').some(({ phase }) => phase === 'final-reads');
  if (!finished && reasons.length === 0) reasons.push('the history ends before the final reads');
  reasons.push(...missingOperations(history).map(({ words }) => words));
  if (reasons.length === 0) return [];
  return [
    {
      check: 'run-completed',
      params: {},
      always: true,
      tells: 'end',
      judgement: 'unknown',
      expected: 'the run goes to its end',
      observed: reasons.join('; '),
      evidence: [],
    },
  ];
}

/** Some reasons already start with "interrupted". */
function interruptedWords(reason: string): string {
  return reason.startsWith('interrupted') ? reason : `interrupted: ${reason}`;
}
