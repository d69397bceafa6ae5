/** A document as lines for a terminal. */

import { partitionNamed } from '../model/partition-words.ts';
import { type CheckResult, type Judgement, subjectOf } from '../model/verdict.ts';
import { type Block, MARKS, partsOf, type Table, type Words } from './document.ts';
import { plainText } from './escape.ts';
import { hanging, padTo, textWidth } from './text-layout.ts';

/** Terminal colours; without colours, each returns its text unchanged. */
export interface Colors {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

const PLAIN: Colors = { bold: String, dim: String, green: String, red: String, yellow: String };

/** @returns lines without line breaks; a table is as wide as it needs to be. No colours by default. */
export function documentText(blocks: readonly Block[], columns: number, colors: Colors = PLAIN): string[] {
  return blocks.flatMap((block) => blockOf(block, columns, colors));
}

function painted(judgement: Judgement, colors: Colors): (text: string) => string {
  return { pass: colors.green, fail: colors.red, unknown: colors.yellow }[judgement];
}

function blockOf(block: Block, columns: number, colors: Colors): string[] {
  switch (block.type) {
    case 'title':
      return block.judgement ? verdictLines(block.judgement, block.text, columns, colors) : [plainText(block.text)];
    case 'section':
      return ['', plainText(block.title), ...documentText(block.blocks, columns, colors)];
    case 'quote':
      return hanging('  ', plainText(`“${block.text}”`), columns);
    case 'line':
      return lines(block, columns, colors);
    case 'list':
      return block.items.flatMap((item) => hanging('  - ', lineOf(item), columns));
    case 'results':
      return resultLines(block, columns, colors);
    case 'named':
      return namedLines(block, columns);
    case 'figures':
      return block.figures.flatMap(({ title, value }) => hanging(`  ${plainText(title)}  `, plainText(value), columns));
    case 'picture':
      return [];
    case 'details':
      return [...hanging('  ', plainText(block.summary), columns), ...documentText(block.blocks, columns, colors)];
    case 'code':
      return [
        ...(block.label === undefined ? [] : hanging('', plainText(block.label), columns)),
        ...block.lines.map(plainText),
      ];
    case 'table':
      return tableOf(block);
  }
}

function verdictLines(judgement: Judgement, text: string, columns: number, colors: Colors): string[] {
  const paint = painted(judgement, colors);
  return hanging('', `${judgement.toUpperCase()}  ${plainText(text)}`, columns).map((line) => paint(colors.bold(line)));
}

function lines({ words, role }: Block & { type: 'line' }, columns: number, colors: Colors): string[] {
  if (role === 'finding') return hanging('', lineOf(words), columns);
  if (role === 'aside') return hanging('', lineOf(words), columns).map(colors.dim);
  return hanging('  ', lineOf(words), columns);
}

function namedLines({ entries, aligned }: Block & { type: 'named' }, columns: number): string[] {
  const width = aligned ? Math.max(0, ...entries.map(({ name }) => textWidth(plainText(name)))) : 0;
  return entries.flatMap(({ name, lines: [first = '', ...more] }) => {
    // A mark is closer to its text than a name.
    const before = `  ${padTo(plainText(name), width)}${name.length === 1 ? ' ' : '  '}`;
    const indent = ' '.repeat(textWidth(before) + 2);
    return [
      ...hanging(before, plainText(first), columns),
      ...more.flatMap((line) => hanging(indent, plainText(line), columns)),
    ];
  });
}

/** Checks of every run share one line if they pass. */
function resultLines(
  { results, quiet = [], partitionWord }: Block & { type: 'results' },
  columns: number,
  colors: Colors,
): string[] {
  const named = (result: CheckResult) => nameOf(result, partitionWord);
  const nameWidth = Math.max(0, ...results.map((result) => textWidth(named(result))));
  const lines = results.flatMap((result) => describeResult(result, padTo(named(result), nameWidth), colors, columns));
  if (quiet.length === 0) return lines;
  const names = quiet.map(({ check }) => check).join(', ');
  return [...lines, ...marked('pass', hanging(`${MARKS.pass} `, `also: ${names}`, columns), colors)];
}

function describeResult(result: CheckResult, name: string, colors: Colors, columns: number): string[] {
  const { judgement, evidence } = result;
  const before = `${MARKS[judgement]} ${name}  `;
  const observed = plainText(result.observed);
  const expected = `expected: ${plainText(result.expected)}`;
  const fits = textWidth(before) + textWidth(observed) + textWidth(expected) + 3 <= columns;
  const first = marked(judgement, hanging(before, observed, columns), colors);
  const dim = (lines: readonly string[]) => lines.map(colors.dim);
  return [
    ...(fits
      ? [`${first[0]} ${colors.dim(`(${expected})`)}`]
      : [...first, ...dim(hanging(' '.repeat(textWidth(before)), expected, columns))]),
    ...(judgement === 'pass' ? [] : evidence.flatMap((line) => hanging('    - ', plainText(line), columns))),
  ];
}

/** Colours the mark at the start of the first line. */
function marked(judgement: Judgement, lines: readonly string[], colors: Colors): string[] {
  const paint = painted(judgement, colors);
  return lines.map((line, i) => (i === 0 ? paint(line.slice(0, 1)) + line.slice(1) : line));
}

/** A check with its operation and partition, which distinguish it from others of its kind. */
function nameOf({ check, params }: CheckResult, word: string | undefined): string {
  const { of, partition, percentile } = subjectOf(params);
  const parts = [check, of, partition === undefined ? undefined : partitionNamed(word, partition), percentile];
  return plainText(parts.filter((part) => typeof part === 'string').join(' '));
}

function tableOf({ columns, rows }: Table): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(lineOf))];
  const widths = columns.map((_, c) => Math.max(...cells.map((row) => textWidth(row[c] ?? ''))));
  return cells.map((row) => {
    const padded = row.map((cell, c) => {
      const width = widths[c] ?? 0;
      return columns[c]?.align === 'right' ? ' '.repeat(width - textWidth(cell)) + cell : padTo(cell, width);
    });
    return `  ${padded.join('  ')}`.trimEnd();
  });
}

function lineOf(words: Words): string {
  const told = partsOf(words).map((part) => {
    if (typeof part === 'string') return part;
    if (part.is === 'holds') return part.holds ? '●' : '';
    if (part.is === 'verdict') return [MARKS[part.judgement], part.text].join(' ').trimEnd();
    return part.is === 'differs' ? `≠ ${part.text}` : part.text;
  });
  return plainText(told.join(''));
}
