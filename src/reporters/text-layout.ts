/** Text laid out for a terminal: how wide it is, and where a line may be broken. */

import { createRequire } from 'node:module';
import type wrapAnsi from 'wrap-ansi';
import textWidth from './text-width.ts';

let wrap: typeof wrapAnsi | undefined;

/** Pads on the right to a number of columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

/**
 * Breaks a text between words, so that no line is wider than `columns`; a word that is wider is broken too.
 * @returns at least one line.
 */
export function wrapWords(text: string, columns: number): string[] {
  // Most commands break no line, and loading it takes as long as loading all reports.
  wrap ??= createRequire(import.meta.url)('wrap-ansi').default as typeof wrapAnsi;
  return wrap(text, Math.max(1, columns), { hard: true, wordWrap: true, trim: true }).split('\n');
}

/** A first line with what stands before it, and the further ones below it, indented to the same column. */
export function hanging(before: string, text: string, columns: number): string[] {
  const indent = textWidth(before);
  return wrapWords(text, columns - indent).map((line, i) => (i === 0 ? before : ' '.repeat(indent)) + line);
}

export { textWidth };
