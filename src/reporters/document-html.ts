/** A document as HTML, for a page. */

import {
  type Block,
  type Column,
  type Inline,
  MARKS,
  namedList,
  partsOf,
  resultTable,
  type Table,
  type Words,
} from './document.ts';
import { clip } from './escape.ts';
import { badge, type Content, type Html, html, MAX_TEXT, section, trusted } from './html/markup.ts';

/** Longer texts get a column that is wide enough to read. */
const LONG_TEXT = 60;

/** @param picture draws the picture that a block names; returns nothing if there is nothing to show. */
export function documentHtml(blocks: readonly Block[], picture: (name: string) => Content): Content {
  const draw = (block: Block, depth = 2): Content => {
    switch (block.type) {
      case 'title':
        return html`<h1>${block.judgement ? html`<span id="verdict">${badge(block.judgement)}</span> ` : ''}${block.text}</h1>\n`;
      case 'section':
        return depth === 2
          ? html`${section(
              block.id ?? '',
              block.title,
              block.blocks.map((inner) => draw(inner, 3)),
            )}\n`
          : html`<h3>${block.title}</h3>\n${block.blocks.map((inner) => draw(inner, 3))}`;
      case 'quote':
        return html`<blockquote>${block.text}</blockquote>\n`;
      case 'line':
        return html`<p${trusted(LINES[block.role ?? 'plain'])}>${inlines(block.words)}</p>\n`;
      case 'list':
        return html`<ul>${block.items.map((item) => html`<li>${inlines(item)}</li>\n`)}</ul>\n`;
      case 'results':
        return tableHtml(resultTable([...block.results, ...(block.quiet ?? [])], block.caption));
      case 'named':
        return draw(namedList(block), depth);
      case 'figures':
        return figures(block);
      case 'picture':
        return picture(block.name);
      case 'details': {
        const mark = block.judgement ? `${MARKS[block.judgement]} ` : '';
        const open = trusted(block.open ? ' open' : '');
        return html`<details${open}><summary>${mark}${block.summary}</summary>\n${block.blocks.map((inner) => draw(inner, 3))}</details>\n`;
      }
      case 'code':
        return code(block);
      case 'table':
        return tableHtml(block);
    }
  };
  return blocks.map((block) => draw(block));
}

const LINES = { plain: '', finding: ' class="finding" id="finding"', aside: ' class="dim"' } as const;

function figures({ figures }: Block & { type: 'figures' }): Html {
  const tiles = figures.map(
    ({ title, value, limits, evidence }) => html`<div><dt><a href="#${evidence.toLowerCase()}">${title}</a></dt>
<dd><strong>${value}</strong>${limits.map(({ judgement, expected }) => html`<span class="limit ${judgement}">${MARKS[judgement]} ${expected}</span>`)}</dd></div>\n`,
  );
  return html`<dl class="headline">\n${tiles}</dl>\n`;
}

function code({ label, id, lines }: Block & { type: 'code' }): Html {
  const text = html`<code>${lines.map((one, i) => html`${i === 0 ? '' : trusted('\n')}${one}`)}</code>`;
  if (label === undefined || id === undefined) return html`<pre>${text}</pre>\n`;
  return html`<p id="${id}-label">${label}</p>\n<pre id="${id}" role="group" tabindex="0" aria-labelledby="${id}-label">${text}</pre>\n`;
}

/** A table that scrolls if the page is narrower; its first column names the row. */
function tableHtml({ id, caption = '', columns, rows }: Table): Html {
  const head = columns.map((column) => html`<th scope="col"${classOf(column)}>${column.title}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((words, i) => {
      const cell = cellOf(words);
      return i === 0
        ? html`<th scope="row"${classOf(columns[0])}>${cell}</th>`
        : html`<td${classOf(columns[i])}>${cell}</td>`;
    });
    return html`<tr>${cells}</tr>\n`;
  });
  const name = id === undefined ? '' : html` id="${id}"`;
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${caption}"><table${name}>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>\n`;
}

function classOf(column: Column | undefined): Content {
  return column?.align === 'right' ? trusted(' class="number"') : '';
}

function cellOf(words: Words): Content {
  const long = partsOf(words).some(
    (part) => typeof part === 'object' && part.is === 'said' && part.text.length > LONG_TEXT,
  );
  return long ? html`<div class="text">${inlines(words)}</div>` : inlines(words);
}

function inlines(words: Words): Content {
  return partsOf(words).map(inline);
}

function inline(part: Inline): Content {
  if (typeof part === 'string') return part;
  switch (part.is) {
    case 'said':
      return clip(part.text, MAX_TEXT);
    case 'code':
      return part.text === '' ? '' : html`<code>${clip(part.text, MAX_TEXT)}</code>`;
    case 'strong':
      return html`<strong>${part.text}</strong>`;
    case 'differs':
      return html`<span class="differs">≠ ${part.text}</span>`;
    case 'verdict':
      return part.text === undefined ? badge(part.judgement) : html`${badge(part.judgement)} ${part.text}`;
    case 'link':
      return html`<a href="${part.to}">${part.text}</a>`;
    case 'holds':
      return part.holds
        ? html`<div class="holds"><span aria-hidden="true">●</span><span class="unseen">yes</span></div>`
        : html`<span class="unseen">no</span>`;
  }
}
