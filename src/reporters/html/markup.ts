/** HTML with automatic escaping: a value in a template is text unless it is `Html`. */

import type { Judgement } from '../../model/verdict.ts';
import { MARKS } from '../document.ts';
import { htmlText } from '../escape.ts';

/** A piece of HTML that is safe to show. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

export type Content = string | number | Html | readonly Content[];

/** Escapes every value except `Html`; joins lists. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(strings.reduce((all, part, i) => all + markupOf(values[i - 1] ?? '') + part));
}

/** Markup from this program. Never use it for text from servers, scenarios or the system. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

function markupOf(content: Content): string {
  if (content instanceof Html) return content.markup;
  if (Array.isArray(content)) return content.map(markupOf).join('');
  return htmlText(String(content));
}

export function badge(judgement: Judgement): Html {
  return html`<span class="badge ${judgement}">${MARKS[judgement]} ${judgement.toUpperCase()}</span>`;
}

export function section(id: string, heading: string, content: Content): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>\n${content}</section>`;
}

/** The longest quoted text. */
export const MAX_TEXT = 1_000;

export function paragraph(text: string): Html {
  return html`<p>${text}</p>\n`;
}
