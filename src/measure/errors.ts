/** Groups the errors of the load, so that a report stays readable. */

import type { ErrorGroup } from '../model/figures.ts';
import type { Operation } from '../model/history.ts';

/** Masks ports, process ids and keys, but keeps node names such as `worker1` apart. */
const LONG_NUMBER = /\d{3,}/g;

export class ErrorGroups {
  readonly #groups = new Map<string, { -readonly [P in keyof ErrorGroup]: ErrorGroup[P] }>();

  /** Counts a failed operation; the group shows the text of its first one. */
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

  groups(): ErrorGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || a.firstAtMs - b.firstAtMs);
  }
}
