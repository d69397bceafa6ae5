/** Quotes foreign text in messages. Imports nothing: help and command-line errors must be fast. */

const MAX_QUOTED = 60;

/**
 * A value from a user's file, quoted for a message: on one line, without control or bidirectional characters, cut at 60
 * characters.
 */
export function quoted(value: unknown): string {
  const json = typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value);
  const escaped = (json ?? String(value)).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (escaped.length <= MAX_QUOTED) return escaped;
  // Cut between characters: half an emoji is invalid text.
  return `${[...escaped.slice(0, 2 * MAX_QUOTED)].slice(0, MAX_QUOTED).join('')}…`;
}

/** `expected <this>, found <that>`; without the second half if nothing was found. */
export function expectedButFound(expected: string, found: unknown): string {
  return found === undefined ? `expected ${expected}` : `expected ${expected}, found ${quoted(found)}`;
}
