/** Which word somebody meant. */

import { distance } from 'fastest-levenshtein';

const MAX_LISTED = 20;

/** The known word that somebody most likely meant, or `undefined` where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let found: { readonly candidate: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const slips = distance(word.toLowerCase(), candidate.toLowerCase());
    // A third of the letters, or two neighbours swapped, is a slip; more is another word. One letter has no slip.
    const limit = Math.min(
      Math.max(2, Math.floor(candidate.length / 3)),
      candidate.length - 1,
      Math.max(word.length - 1, 0),
    );
    if (slips <= limit && (!found || slips < found.slips)) found = { candidate, slips };
  }
  return found?.candidate;
}

/** `did you mean "x"?` where one of the words is near, else the list of them. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? listed(known) : `did you mean "${meant}"?`;
}

/** `known: a, b, c`, cut where the list is long. */
export function listed(known: readonly string[]): string {
  if (known.length === 0) return 'there are none';
  const more = known.length > MAX_LISTED ? ` and ${known.length - MAX_LISTED} more` : '';
  return `known: ${known.slice(0, MAX_LISTED).join(', ')}${more}`;
}
