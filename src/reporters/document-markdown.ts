/** A document as GitHub's Markdown. */

import type { BlockContent, PhrasingContent, Table } from 'mdast';
import { gfmTableToMarkdown } from 'mdast-util-gfm-table';
import { toMarkdown } from 'mdast-util-to-markdown';
import type { Judgement } from '../model/verdict.ts';
import {
  type Block,
  type Column,
  type Inline,
  left,
  namedList,
  partsOf,
  resultTable,
  strong,
  table,
  type Words,
} from './document.ts';
import { clip, htmlText, markdownText, plainText } from './escape.ts';

/** Emoji, because GitHub shows them in colour. */
export const MARKS: Readonly<Record<Judgement, string>> = { pass: '✅', fail: '❌', unknown: '⚠️' };

/** The longest quoted text. */
const MAX_TEXT = 400;

/** @returns a Markdown document that ends with a line break. */
export function documentMarkdown(blocks: readonly Block[]): string {
  return toMarkdown(
    { type: 'root', children: blocks.flatMap((block) => blockOf(block, 2)) },
    {
      extensions: [gfmTableToMarkdown({ tablePipeAlign: false })],
      bullet: '-',
      rule: '-',
      // GitHub interprets more than Markdown (links, mathematics, HTML), so pgquake escapes text itself.
      handlers: { text: ({ value }: { value: string }) => escaped(value) },
    },
  );
}

/** Keeps a blank at either end, because text may be joined with other text. */
function escaped(text: string): string {
  const words = markdownText(text);
  if (words === '') return text === '' ? '' : ' ';
  return `${text.startsWith(' ') ? ' ' : ''}${words}${text.endsWith(' ') ? ' ' : ''}`;
}

function blockOf(block: Block, depth: 2 | 3): BlockContent[] {
  switch (block.type) {
    case 'title':
      return [
        heading(
          1,
          block.judgement ? `${MARKS[block.judgement]} ${block.judgement.toUpperCase()}: ${block.text}` : block.text,
        ),
      ];
    case 'section':
      return [heading(depth, block.title), ...block.blocks.flatMap((inner) => blockOf(inner, 3))];
    case 'quote':
      return [{ type: 'blockquote', children: [paragraph(block.text)] }];
    case 'line':
      return [paragraph(block.role === 'finding' ? strong(textOf(block.words)) : block.words)];
    case 'list':
      return [
        {
          type: 'list',
          spread: false,
          children: block.items.map((item) => ({ type: 'listItem', spread: false, children: [paragraph(item)] })),
        },
      ];
    case 'results':
      return blockOf(resultTable([...block.results, ...(block.quiet ?? [])], block.caption), depth);
    case 'named':
      return blockOf(namedList(block), depth);
    case 'figures':
      return [figures(block)];
    case 'picture': {
      const { file, alt } = block;
      return file === undefined ? [] : [{ type: 'paragraph', children: [{ type: 'image', url: file, alt }] }];
    }
    case 'details': {
      const mark = block.judgement ? `${MARKS[block.judgement]} ` : '';
      return [
        { type: 'html', value: `<details>\n<summary>${mark}${htmlText(block.summary)}</summary>` },
        ...block.blocks.flatMap((inner) => blockOf(inner, 3)),
        { type: 'html', value: '</details>' },
      ];
    }
    case 'code':
      return [
        ...(block.label === undefined ? [] : [paragraph(block.label)]),
        { type: 'code', lang: block.language, value: block.lines.map(plainText).join('\n') },
      ];
    case 'table':
      return [
        ...(block.caption === undefined ? [] : [paragraph(strong(block.caption))]),
        tableNode(block.columns, block.rows),
      ];
  }
}

function heading(depth: 1 | 2 | 3, text: string): BlockContent {
  return { type: 'heading', depth, children: inline(text) };
}

function paragraph(words: Words): BlockContent & { type: 'paragraph' } {
  return { type: 'paragraph', children: inlines(words) };
}

function figures({ figures }: Block & { type: 'figures' }): BlockContent {
  const { columns, rows } = table(
    [left('what operators ask'), left('seen'), left('required')],
    figures.map(({ title, value, limits, evidence }) => [
      { is: 'link', to: `#${evidence.toLowerCase()}`, text: title },
      strong(value),
      limits.map(({ judgement, expected }): Inline => ({ is: 'verdict', judgement, text: expected })),
    ]),
  );
  return tableNode(columns, rows);
}

function tableNode(columns: readonly Column[], rows: readonly (readonly Words[])[]): Table {
  const row = (cells: readonly Words[]) => ({
    type: 'tableRow' as const,
    children: cells.map((cell) => ({ type: 'tableCell' as const, children: inlines(cell) })),
  });
  return {
    type: 'table',
    align: columns.map(({ align = null }) => align),
    children: [row(columns.map(({ title }) => title)), ...rows.map(row)],
  };
}

function inlines(words: Words): PhrasingContent[] {
  const parts = partsOf(words);
  // Several verdicts in one cell go below each other.
  return parts.flatMap((part, i) => [
    ...(i > 0 && isVerdict(part) && isVerdict(parts[i - 1]) ? [{ type: 'html', value: '<br>' } as const] : []),
    ...inline(part),
  ]);
}

function isVerdict(part: Inline | undefined): boolean {
  return typeof part === 'object' && part.is === 'verdict';
}

function inline(part: Inline): PhrasingContent[] {
  if (typeof part === 'string') return text(part);
  switch (part.is) {
    case 'said':
      return text(clip(part.text, MAX_TEXT));
    case 'code': {
      const value = plainText(clip(part.text, MAX_TEXT));
      if (value === '') return [];
      // A backtick would end the code, and a table splits at pipes even inside code.
      return /[`|]/.test(value)
        ? [{ type: 'html', value: `<code>${markdownText(value)}</code>` }]
        : [{ type: 'inlineCode', value }];
    }
    case 'strong':
      return part.text === '' ? [] : [{ type: 'strong', children: text(part.text) }];
    case 'differs':
      return [{ type: 'strong', children: text(`≠ ${part.text}`) }];
    case 'verdict':
      return text(part.text === undefined ? MARKS[part.judgement] : `${MARKS[part.judgement]} ${part.text}`);
    case 'link':
      return [{ type: 'link', url: part.to, children: text(part.text) }];
    case 'holds':
      return text(part.holds ? '●' : '');
  }
}

function text(value: string): PhrasingContent[] {
  // A line break would turn a heading into another kind of heading.
  return value === '' ? [] : [{ type: 'text', value: value.replace(/\s+/g, ' ') }];
}

function textOf(words: Words): string {
  return partsOf(words)
    .map((part) => (typeof part === 'string' ? part : 'text' in part ? (part.text ?? '') : ''))
    .join('');
}
