/** A short document out of blocks, as lines for a terminal and as Markdown: the same words in both. */

import { markdownText, plainText } from './escape.ts';
import { hanging, padTo, textWidth } from './text-layout.ts';

export interface Column {
  readonly title: string;
  readonly numeric?: true;
}

export type Block =
  | { readonly type: 'title' | 'heading' | 'line'; readonly text: string }
  | { readonly type: 'list'; readonly items: readonly string[] }
  | { readonly type: 'table'; readonly columns: readonly Column[]; readonly rows: readonly (readonly string[])[] };

/** @returns lines without a colour or an end of line; a table is as wide as it needs to be. */
export function documentText(blocks: readonly Block[], columns: number): string[] {
  return blocks.flatMap((block) => textOf(block, columns));
}

/** @returns a Markdown document, with a line break at its end. */
export function documentMarkdown(blocks: readonly Block[]): string {
  return `${blocks.map(markdownOf).join('\n\n')}\n`;
}

function textOf(block: Block, columns: number): string[] {
  switch (block.type) {
    case 'title':
      return [plainText(block.text)];
    case 'heading':
      return ['', plainText(block.text)];
    case 'line':
      return hanging('  ', plainText(block.text), columns);
    case 'list':
      return block.items.flatMap((item) => hanging('  - ', plainText(item), columns));
    case 'table':
      return tableText(block.columns, block.rows);
  }
}

function markdownOf(block: Block): string {
  switch (block.type) {
    case 'title':
      return `# ${markdownText(block.text)}`;
    case 'heading':
      return `## ${markdownText(block.text)}`;
    case 'line':
      return markdownText(block.text);
    case 'list':
      return block.items.map((item) => `- ${markdownText(item)}`).join('\n');
    case 'table':
      return tableMarkdown(block.columns, block.rows);
  }
}

function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(plainText))];
  const widths = columns.map((_, c) => Math.max(...cells.map((row) => textWidth(row[c] as string))));
  return cells.map((row) => {
    const padded = row.map((cell, c) => {
      const width = widths[c] as number;
      return columns[c]?.numeric ? ' '.repeat(width - textWidth(cell)) + cell : padTo(cell, width);
    });
    return `  ${padded.join('  ')}`.trimEnd();
  });
}

function tableMarkdown(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => markdownText(title))),
    line(columns.map(({ numeric }) => (numeric ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(markdownText))),
  ].join('\n');
}
