/** Suggestions for a misspelt word. */

import { distance } from 'fastest-levenshtein';

const MAX_LISTED = 20;

/** The known word that the author most likely meant, or `undefined` if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let found: { readonly candidate: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const slips = distance(word.toLowerCase(), candidate.toLowerCase());
    // Up to a third of the letters wrong, or two neighbours swapped, is a slip; more is another word. A single letter
    // cannot be a slip.
    const limit = Math.min(
      Math.max(2, Math.floor(candidate.length / 3)),
      candidate.length - 1,
      Math.max(word.length - 1, 0),
    );
    if (slips <= limit && (!found || slips < found.slips)) found = { candidate, slips };
  }
  return found?.candidate;
}

/** `did you mean "x"?` if a word is near, else the list of all words. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? listed(known) : `did you mean "${meant}"?`;
}

/** `known: a, b, c`, with at most 20 words. */
export function listed(known: readonly string[]): string {
  if (known.length === 0) return 'there are none';
  const more = known.length > MAX_LISTED ? ` and ${known.length - MAX_LISTED} more` : '';
  return `known: ${known.slice(0, MAX_LISTED).join(', ')}${more}`;
}
