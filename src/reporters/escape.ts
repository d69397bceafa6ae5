/**
 * Makes untrusted text (from servers, scenarios and operating systems) safe for terminals, Markdown, HTML and JSON.
 * Nothing is dropped silently: characters that cannot be shown become visible signs.
 */

import { withoutSecrets } from '../model/secrets.ts';

/** C0 and C1 controls, marks that reorder or hide text (bidirectional and zero-width), and what XML forbids. */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression is about control characters.
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]/g;

/**
 * One line of text that a terminal does not interpret: white space becomes one space, a control character its picture
 * (`␛` for ESC, `␀` for NUL) or its code (`<U+202E>`).
 */
export function plainText(text: string): string {
  return withoutSecrets(text)
    .toWellFormed()
    .replace(/[ \t\r\n\f\v\u2028\u2029]+/g, ' ')
    .trim()
    .replace(INVISIBLE, picture);
}

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** Shortens a long text, with `…` at the cut. Escapes nothing. */
export function clip(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`;
}

/**
 * Escapes text for GitHub's Markdown in a paragraph, a list or a table cell: it is shown as it is, never as markup, HTML,
 * mathematics or a link.
 */
export function markdownText(text: string): string {
  return (
    plainText(text)
      .replace(/[\\*[\]~]/g, '\\$&')
      // Within a word an underscore needs no escape and is easier to read without one.
      .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
      .replace(/[&<>|`$]/g, (character) => ENTITIES[character] as string)
      .replace(/:(?=\/\/)/g, '&#58;')
      .replace(/\bwww\./gi, (match) => `${match.slice(0, -1)}&#46;`)
      // Characters that would begin a heading, a list or a rule.
      .replace(/^(?=(?:#{1,6}|[-+])(?:\s|$)|[-=]+$)/, '\\')
      .replace(/^(\d{1,9})(?=[.)](?:\s|$))/, '$1\\')
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '|': '&#124;',
  '`': '&#96;',
  $: '&#36;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for HTML, SVG or XML, also within quotes. */
export function htmlText(text: string): string {
  return plainText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** A JSON string that also escapes the control characters that JSON allows, because a user may print the file with `cat`. */
export function jsonText(text: string): string {
  return JSON.stringify(withoutSecrets(text)).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
