/** Lays out text for a terminal: padding and line breaks. */

import { createRequire } from 'node:module';
import type wrapAnsi from 'wrap-ansi';
import textWidth from './text-width.ts';

let wrap: typeof wrapAnsi | undefined;

/** Pads on the right to a number of columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

/**
 * Wraps a text between words to at most `columns`; breaks a word that is wider.
 * @returns at least one line.
 */
export function wrapWords(text: string, columns: number): string[] {
  // Loaded lazily: most commands wrap no line, and loading it is slow.
  wrap ??= createRequire(import.meta.url)('wrap-ansi').default as typeof wrapAnsi;
  return wrap(text, Math.max(1, columns), { hard: true, wordWrap: true, trim: true }).split('\n');
}

/** Wraps a text after a prefix, and indents further lines to the same column. */
export function hanging(before: string, text: string, columns: number): string[] {
  const indent = textWidth(before);
  return wrapWords(text, columns - indent).map((line, i) => (i === 0 ? before : ' '.repeat(indent)) + line);
}

export { textWidth };

/** Loads now what is loaded at its first use: once a run is over, it may be gone. */
export function loadLayout(): void {
  wrapWords('…', 1);
  textWidth('…');
}
