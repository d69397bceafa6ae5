/** Text laid out for a terminal: how wide it is, and where a line may be broken. */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Characters that take two columns: those of East Asian scripts, and emoji. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60]|\p{Emoji_Presentation}/u;

/** Columns that a text without control characters takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Pads on the right to a number of columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

/**
 * Breaks a text between words, so that no line is wider than `columns`; a word that is wider is broken too.
 * @returns at least one line.
 */
export function wrapWords(text: string, columns: number): string[] {
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((whole) => pieces(whole, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer) <= width) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line];
}

/** A first line with what stands before it, and the further ones below it, indented to the same column. */
export function hanging(before: string, text: string, columns: number): string[] {
  const indent = textWidth(before);
  return wrapWords(text, columns - indent).map((line, i) => (i === 0 ? before : ' '.repeat(indent)) + line);
}

function pieces(word: string, width: number): string[] {
  if (textWidth(word) <= width) return [word];
  const result: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (piece !== '' && textWidth(piece + segment) > width) {
      result.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...result, piece];
}
