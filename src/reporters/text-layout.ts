/** Text laid out for a terminal: how wide it is, and where a line may be broken. */

import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Pads on the right to a number of columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - stringWidth(text)));
}

/**
 * Breaks a text between words, so that no line is wider than `columns`; a word that is wider is broken too.
 * @returns at least one line.
 */
export function wrapWords(text: string, columns: number): string[] {
  return wrapAnsi(text, Math.max(1, columns), { hard: true, wordWrap: true, trim: true }).split('\n');
}

/** A first line with what stands before it, and the further ones below it, indented to the same column. */
export function hanging(before: string, text: string, columns: number): string[] {
  const indent = stringWidth(before);
  return wrapWords(text, columns - indent).map((line, i) => (i === 0 ? before : ' '.repeat(indent)) + line);
}

export { stringWidth as textWidth };
