/** The problems of a scenario, each with its place. */

import { InputError } from '../model/errors.ts';
import { documentation } from '../model/package-files.ts';
import type { HypothesisItem, Place } from '../model/scenario.ts';

export interface Problem {
  readonly place: Place;
  /** `faults[0].for`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** The key at that path that it reports as missing. */
  readonly missing?: string;
  /** The known key that a misspelt one at that path probably stands for. */
  readonly meant?: string;
}

const MAX_SHOWN = 50;

/** A scenario that cannot run. Its message has one line for each problem, in the order of the file. */
export class ScenarioError extends InputError {
  /** All problems, including those that the message leaves out. */
  readonly problems: readonly Problem[];

  /** @param page of the documentation that explains every key. */
  constructor(problems: readonly Problem[], page = 'scenario.md') {
    const sorted = withoutEchoes(problems).toSorted(
      (a, b) => a.place.line - b.place.line || a.place.column - b.place.column,
    );
    const lines = sorted.slice(0, MAX_SHOWN).map(describeProblem);
    if (sorted.length > MAX_SHOWN) lines.push(`and ${sorted.length - MAX_SHOWN} more`);
    super(lines.join('\n'), { code: 'scenario-invalid', hint: `${documentation(page)} explains every key` });
    this.problems = sorted;
  }
}

/** A misspelt key is also missing: that says the same mistake twice. */
function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const misspelt = new Set(problems.flatMap(({ path, meant }) => (meant === undefined ? [] : [`${path} ${meant}`])));
  return problems
    .filter(({ path, missing }) => missing === undefined || !misspelt.has(`${path} ${missing}`))
    .map(({ place, path, message }) => ({ place, path, message }));
}

/** Combines the errors of several scenarios: all lines, and each hint once. */
export function together(errors: readonly InputError[]): InputError {
  const hint = [...new Set(errors.flatMap((error) => error.hint ?? []))].join('; ');
  return new InputError(errors.map(({ message }) => message).join('\n'), {
    code: 'scenario-invalid',
    ...(hint === '' ? {} : { hint }),
  });
}

/** In one line, with its place. */
export function describeProblem({ place, path, message }: Problem): string {
  const where = `${place.file}:${place.line}:${place.column}`;
  return path === '' ? `${where} ${message}` : `${where} ${path}: ${message}`;
}

/**
 * The checks of a hypothesis that no run could judge. The scenario still runs, but its verdict is `unknown` at best.
 * @param hypothesis with `undefined` for items that could not be read.
 */
export function hopelessChecks(hypothesis: readonly (HypothesisItem | undefined)[]): Problem[] {
  return hypothesis.flatMap((item, index) => {
    if (!item?.hopeless) return [];
    const { reason, place } = item.hopeless;
    const path = formatPath(['hypothesis', index, 'check']);
    return [{ place, path, message: `${item.check} can never be judged here: ${reason}` }];
  });
}

/** `faults[0].for` for `['faults', 0, 'for']`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`))
    .join('');
}
