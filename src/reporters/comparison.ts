/** A comparison of two runs as text and as Markdown. */

import type { Comparison } from '../measure/comparison.ts';
import { type Block, left, line, list, table } from './document.ts';
import { documentMarkdown } from './document-markdown.ts';
import { documentText } from './document-text.ts';

/** @returns lines without colours or line breaks. */
export function comparisonText(comparison: Comparison, columns: number): string[] {
  return documentText(blocksOf(comparison), columns);
}

export function comparisonMarkdown(comparison: Comparison): string {
  return documentMarkdown(blocksOf(comparison));
}

function blocksOf({ before, after, figures, differences, regression }: Comparison): Block[] {
  const count = (wanted: string) => figures.filter(({ direction }) => direction === wanted).length;
  const undecided = figures.flatMap(({ what, before: was, after: is, runsNeeded }) =>
    runsNeeded === undefined
      ? []
      : [`${what}: ${was} before, ${is} after; about ${runsNeeded} runs of each would show it`],
  );
  const shown = figures.filter(({ direction }) => direction !== 'same');
  return [
    { type: 'title', text: regression ? `Worse: ${after}` : `No regression: ${after}` },
    line(`Compared with ${before}: ${count('worse')} worse, ${count('better')} better, ${count('same')} unchanged.`),
    ...(shown.length === 0
      ? []
      : [
          table(
            ['', 'what', 'before', 'after'].map(left),
            shown.map((figure) => [figure.direction, figure.what, figure.before, figure.after]),
          ),
        ]),
    ...(undecided.length === 0
      ? []
      : [
          line('These differ by more than the tolerance, but too few operations ran to rule out chance:'),
          list(undecided),
        ]),
    ...(differences.length === 0
      ? []
      : [
          line('The runs differ in how they were made, which may explain differences between figures:'),
          list(differences),
        ]),
  ];
}
