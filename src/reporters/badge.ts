/** `badge.svg`: the verdict of a run as a badge for a README. */

import type { Judgement } from '../model/verdict.ts';
import { clip, htmlText as text } from './escape.ts';
import type { Reporter } from './reporter.ts';
import { textWidth } from './text-layout.ts';

/** Dark enough for white text. */
const COLORS: Readonly<Record<Judgement, string>> = { pass: '#1a6b30', fail: '#a3191e', unknown: '#7a5600' };
const CHARACTER = 6.8;
const MARGIN = 8;

export const badge: Reporter = {
  name: 'badge',
  summary: 'badge.svg, the verdict as a small picture for a README',
  render: ({ run, judgement }) => ({ 'badge.svg': draw(clip(run.scenario, 40), judgement) }),
};

function draw(scenario: string, judgement: Judgement): string {
  const [left, right] = [widthOf(scenario), widthOf(judgement)];
  const width = left + right;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${text(scenario)}: ${judgement}">
<title>${text(scenario)}: ${judgement}</title>
<rect width="${width}" height="20" rx="3" fill="${COLORS[judgement]}"/>
<path d="M3,0H${left}V20H3A3,3 0 0 1 0,17V3A3,3 0 0 1 3,0Z" fill="#3b424a"/>
<g fill="#fff" font-family="Verdana, DejaVu Sans, Geneva, sans-serif" font-size="11" text-anchor="middle">
<text x="${left / 2}" y="14">${text(scenario)}</text>
<text x="${left + right / 2}" y="14">${judgement}</text>
</g>
</svg>
`;
}

function widthOf(label: string): number {
  return Math.round(textWidth(label) * CHARACTER) + 2 * MARGIN;
}
