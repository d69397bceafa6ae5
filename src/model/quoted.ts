/** What somebody else wrote, in messages. Loads nothing: help and mistakes on the command line need it first. */

const MAX_QUOTED = 60;

/**
 * A value out of somebody else's file, quoted for a message: on one line, without control or
 * bidirectional characters, and cut at 60 characters.
 */
export function quoted(value: unknown): string {
  const json = typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value);
  const escaped = (json ?? String(value)).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (escaped.length <= MAX_QUOTED) return escaped;
  // By whole characters: half of an emoji is no text.
  return `${[...escaped.slice(0, 2 * MAX_QUOTED)].slice(0, MAX_QUOTED).join('')}…`;
}

/** `expected <this>, found <that>`; without the second half where there is nothing. */
export function expectedButFound(expected: string, found: unknown): string {
  return found === undefined ? `expected ${expected}` : `expected ${expected}, found ${quoted(found)}`;
}
