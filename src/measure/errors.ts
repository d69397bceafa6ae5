/** Errors of the load, grouped so that a person can read them. */

import type { ErrorGroup } from '../model/figures.ts';
import type { Operation } from '../model/history.ts';

/** Ports, process ids and keys differ from error to error; node names such as `worker1` must not be merged. */
const LONG_NUMBER = /\d{3,}/g;

export class ErrorGroups {
  readonly #groups = new Map<string, { -readonly [P in keyof ErrorGroup]: ErrorGroup[P] }>();

  /** Counts an operation that did not end `ok`; its group shows the text of the first. */
  add({ kind, outcome, errorCode, errorText, settledAt }: Operation): void {
    if (outcome === 'ok') return;
    const code = errorCode ?? 'none';
    const text = errorText ?? '';
    const id = `${kind}\n${outcome}\n${code}\n${text.replace(LONG_NUMBER, '#')}`;
    const group = this.#groups.get(id);
    if (!group) {
      this.#groups.set(id, { kind, outcome, code, text, count: 1, firstAtMs: settledAt, lastAtMs: settledAt });
      return;
    }
    group.count++;
    group.firstAtMs = Math.min(group.firstAtMs, settledAt);
    group.lastAtMs = Math.max(group.lastAtMs, settledAt);
  }

  /** The most frequent first. */
  groups(): ErrorGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || a.firstAtMs - b.firstAtMs);
  }
}
