/** A comparison of two runs as text and as Markdown. */

import type { Comparison } from '../measure/comparison.ts';
import { type Block, documentMarkdown, documentText } from './document.ts';

/** @returns lines without a colour or an end of line. */
export function comparisonText(comparison: Comparison, columns: number): string[] {
  return documentText(blocksOf(comparison), columns);
}

export function comparisonMarkdown(comparison: Comparison): string {
  return documentMarkdown(blocksOf(comparison));
}

function blocksOf({ before, after, figures, differences, regression }: Comparison): Block[] {
  const count = (wanted: string) => figures.filter(({ direction }) => direction === wanted).length;
  const shown = figures.filter(({ direction }) => direction !== 'same');
  return [
    { type: 'title', text: regression ? `Worse: ${after}` : `No regression: ${after}` },
    {
      type: 'line',
      text: `Compared with ${before}: ${count('worse')} worse, ${count('better')} better, ${count('same')} as before.`,
    },
    ...(shown.length === 0
      ? []
      : [
          {
            type: 'table',
            columns: [{ title: '' }, { title: 'what' }, { title: 'before' }, { title: 'after' }],
            rows: shown.map((figure) => [figure.direction, figure.what, figure.before, figure.after]),
          } as const,
        ]),
    ...(differences.length === 0
      ? []
      : [
          { type: 'line', text: 'The two were not run alike, so that figures may differ for that reason:' } as const,
          { type: 'list', items: differences } as const,
        ]),
  ];
}
