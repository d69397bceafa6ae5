/** What is wrong with a scenario: every problem with its place, all at once. */

import { closest, distance } from 'fastest-levenshtein';
import { InputError } from '../model/errors.ts';
import type { Place } from '../model/scenario.ts';

export interface Problem {
  readonly place: Place;
  /** `faults[0].for`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

const MAX_SHOWN = 50;

/** A scenario that cannot be run. Its message is one line a problem, in the order of the file. */
export class ScenarioError extends InputError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
    const lines = sorted.slice(0, MAX_SHOWN).map(({ place, path, message }) => {
      const where = `${place.file}:${place.line}:${place.column}`;
      return path === '' ? `${where} ${message}` : `${where} ${path}: ${message}`;
    });
    if (sorted.length > MAX_SHOWN) lines.push(`and ${sorted.length - MAX_SHOWN} more`);
    super(lines.join('\n'), { code: 'scenario-invalid', hint: 'docs/scenario.md explains every key' });
    this.problems = sorted;
  }
}

/** `did you mean "x"?` where one of the words is near, else the list of them. */
export function suggestion(word: string, known: readonly string[]): string {
  if (known.length === 0) return 'there are none';
  const nearest = closest(word, known as string[]);
  // Up to a third of the letters wrong is a slip; more is another word. Two letters swapped count as two.
  const slip = nearest.length < 4 ? nearest.length - 1 : Math.max(2, Math.floor(nearest.length / 3));
  if (distance(word, nearest) <= Math.min(slip, nearest.length - 2)) return `did you mean "${nearest}"?`;
  return `known: ${known.join(', ')}`;
}

/** `faults[0].for` for `['faults', 0, 'for']`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`))
    .join('');
}
