/** History -> Verdict: every hypothesis of the scenario, then the checks that every run makes. Pure. */

import type { Check } from './checks/check.ts';
import { errorText } from './model/errors.ts';
import { eventsOf, type History } from './model/history.ts';
import type { HypothesisItem } from './model/scenario.ts';
import { formatCount } from './model/units.ts';
import { type CheckResult, type Finding, type Verdict, worst } from './model/verdict.ts';

/**
 * Judges a run. The worst answer wins; what could not be judged is `unknown`, never `pass`: so is a check
 * that throws, a check that does not exist, and a run that did not get to its end.
 *
 * @param hypothesis of the scenario, in its order; the checks that every run makes follow it, but for
 * those that it names itself.
 * @param checks the catalogue's.
 */
export function judge(history: History, hypothesis: readonly HypothesisItem[], checks: readonly Check[]): Verdict {
  const named = new Set(hypothesis.map((item) => item.check));
  const results = [
    ...hypothesis.map((item) => ({
      check: item.check,
      params: item.written,
      always: false,
      place: `${item.place.file}:${item.place.line}`,
      ...findingOf(
        checks.find((check) => check.name === item.check),
        () => item.params,
        history,
      ),
    })),
    ...checks
      .filter(({ always, name }) => (typeof always === 'function' ? always(history) : always) && !named.has(name))
      .map((check) => ({
        check: check.name,
        params: {},
        always: true,
        ...findingOf(check, () => check.params.parse({}), history),
      })),
    ...incompleteRun(history),
  ].map((result, _, all) => excused(result, all, checks));
  return { judgement: worst(results.map((result) => result.judgement)), results };
}

/** What the client or its machine did not manage is never charged to the cluster. */
function excused(result: CheckResult, all: readonly CheckResult[], checks: readonly Check[]): CheckResult {
  const needsKeptSchedule = checks.find((check) => check.name === result.check)?.needsKeptSchedule ?? false;
  const reasons = excuses(all, checks);
  if (result.judgement !== 'fail' || !needsKeptSchedule || reasons.length === 0) return result;
  return {
    ...result,
    judgement: 'unknown',
    observed: `${result.observed}; not held against the cluster, because ${reasons.join(' and ')}`,
  };
}

/** Why nothing that failed can be held against the cluster; empty where all of it can. */
export function excuses(results: readonly CheckResult[], checks: readonly Check[]): string[] {
  const unknown = new Set(results.filter(({ judgement }) => judgement === 'unknown').map(({ check }) => check));
  return checks.flatMap(({ name, excuses: reason }) => (reason !== undefined && unknown.has(name) ? [reason] : []));
}

function findingOf(check: Check | undefined, params: () => unknown, history: History): Finding {
  if (!check) return unjudged('there is no such check');
  try {
    return check.check(history, params());
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

/** A run that was stopped, failed or simply has no end may have missed what would have refuted it. */
function incompleteRun(history: History): CheckResult[] {
  const reasons = [
    ...eventsOf(history, 'guard-tripped').map(({ reason }) => `a guard ended the faults: ${reason}`),
    ...eventsOf(history, 'interrupted').map(({ reason }) => `interrupted: ${reason}`),
    ...eventsOf(history, 'run-failed').map(({ error }) => `the run failed: ${error}`),
  ];
  const finished = eventsOf(history, 'phase-ended').some(({ phase }) => phase === 'final-reads');
  if (!finished && reasons.length === 0) reasons.push('the history ends before the final reads');
  for (const { of, intended } of eventsOf(history, 'load-kept')) {
    const { count } = of === 'probes' ? history.probes : history.operations;
    const what = of === 'probes' ? 'probe' : 'operation';
    if (intended !== count) reasons.push(`${formatCount(intended, what)} intended, ${count} in the history`);
  }
  if (reasons.length === 0) return [];
  return [
    {
      check: 'run-completed',
      params: {},
      always: true,
      judgement: 'unknown',
      expected: 'the run goes to its end',
      observed: reasons.join('; '),
      evidence: [],
    },
  ];
}
