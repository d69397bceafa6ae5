/**
 * The one place where untrusted text (what servers, scenarios and operating systems said) is made safe to
 * show: on a terminal, in Markdown, in JSON. Nothing is dropped in silence: what cannot be shown as it is
 * becomes a visible sign.
 */

import { withoutSecrets } from '../model/secrets.ts';

/** C0 and C1 controls, marks that reorder or hide text (bidirectional and zero-width), and what XML forbids. */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]/g;

/**
 * One line of text without anything that a terminal would obey: white space becomes one space, a control
 * character its picture (`␛` for ESC, `␀` for NUL) or its code (`<U+202E>`).
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

/** The beginning of a text that may be long, with `…` where something is left out. Escapes nothing. */
export function clip(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`;
}

/**
 * Text in Markdown as GitHub reads it, in a paragraph, a list or a table cell: shown as it stands, never as
 * markup, HTML, mathematics or a link.
 */
export function markdownText(text: string): string {
  return (
    plainText(text)
      .replace(/[\\*[\]~]/g, '\\$&')
      // Within a word an underscore is plain already, and reads better so.
      .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
      .replace(/[&<>|`$]/g, (character) => ENTITIES[character] as string)
      .replace(/:(?=\/\/)/g, '&#58;')
      .replace(/\bwww\./gi, (match) => `${match.slice(0, -1)}&#46;`)
      // What would begin a heading, a list or a rule.
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

/** Text in HTML, SVG or XML, within quotes too, where Markdown is not read. */
export function htmlText(text: string): string {
  return plainText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** A JSON string in which also the controls that JSON itself allows are escaped; a file may be shown by `cat`. */
export function jsonText(text: string): string {
  return JSON.stringify(withoutSecrets(text)).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
