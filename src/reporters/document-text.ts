/** A document as lines for a terminal. */

import { type Block, MARKS, partsOf, type Table, type Words } from './document.ts';
import { plainText } from './escape.ts';
import { hanging, padTo, textWidth } from './text-layout.ts';

/** @returns lines without a colour or an end of line; a table is as wide as it needs to be. */
export function documentText(blocks: readonly Block[], columns: number): string[] {
  return blocks.flatMap((block) => blockOf(block, columns));
}

function blockOf(block: Block, columns: number): string[] {
  switch (block.type) {
    case 'title':
      return [plainText(block.judgement ? `${block.judgement.toUpperCase()}  ${block.text}` : block.text)];
    case 'section':
      return ['', plainText(block.title), ...documentText(block.blocks, columns)];
    case 'quote':
      return hanging('  ', plainText(`“${block.text}”`), columns);
    case 'line':
      return hanging('  ', lineOf(block.words), columns);
    case 'list':
      return block.items.flatMap((item) => hanging('  - ', lineOf(item), columns));
    case 'figures':
      return block.figures.flatMap(({ title, value }) => hanging(`  ${plainText(title)}  `, plainText(value), columns));
    case 'picture':
      return [];
    case 'details':
      return [...hanging('  ', plainText(block.summary), columns), ...documentText(block.blocks, columns)];
    case 'code':
      return [
        ...(block.label === undefined ? [] : hanging('  ', plainText(block.label), columns)),
        ...block.lines.map(plainText),
      ];
    case 'table':
      return tableOf(block);
  }
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
