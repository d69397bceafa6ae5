/** HTML that is escaped by how it is made: what is put into a template is text, unless it is HTML already. */

import type { Judgement } from '../../model/verdict.ts';
import { htmlText } from '../escape.ts';

/** A piece of HTML that is safe to show. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

export type Content = string | number | Html | readonly Content[];

/** Escapes every value but `Html`; lists are put one after the other. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(strings.reduce((all, part, i) => all + markupOf(values[i - 1] ?? '') + part));
}

/** Markup that this program made itself. Never for text of servers, scenarios or the system. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

function markupOf(content: Content): string {
  if (content instanceof Html) return content.markup;
  if (Array.isArray(content)) return content.map(markupOf).join('');
  return htmlText(String(content));
}

export const MARKS: Readonly<Record<Judgement, string>> = { pass: '✔', fail: '✘', unknown: '?' };

export function badge(judgement: Judgement): Html {
  return html`<span class="badge ${judgement}">${MARKS[judgement]} ${judgement.toUpperCase()}</span>`;
}

export function section(id: string, heading: string, content: Content): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>\n${content}</section>`;
}

export interface Column {
  readonly title: string;
  readonly numeric?: true;
}

export const right = (title: string): Column => ({ title, numeric: true });
export const left = (title: string): Column => ({ title });

/** Of one line that a server said. */
export const MAX_TEXT = 1_000;

export function paragraph(text: string): Html {
  return html`<p>${text}</p>\n`;
}

/** A table that scrolls in itself where the page is narrower; its first column names the row. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  id?: string,
): Html {
  const head = columns.map(({ title, numeric }) => html`<th scope="col"${numericClass(numeric)}>${title}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0
        ? html`<th scope="row"${numericClass(columns[0]?.numeric)}>${cell}</th>`
        : html`<td${numericClass(columns[i]?.numeric)}>${cell}</td>`,
    );
    return html`<tr>${cells}</tr>\n`;
  });
  const name = id === undefined ? '' : html` id="${id}"`;
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${caption}"><table${name}>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>\n`;
}

function numericClass(numeric: true | undefined): Content {
  return numeric ? trusted(' class="number"') : '';
}
