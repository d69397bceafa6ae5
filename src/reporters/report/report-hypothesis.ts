/** What was expected and observed, with the evidence of checks that did not pass. */

import type { Report } from '../../model/report.ts';
import type { CheckResult } from '../../model/verdict.ts';
import { type Block, line, list, said } from '../document.ts';
import { checkWords } from '../report-words.ts';

export function hypothesis({ results, judgement }: Report): Block[] {
  const own = results.filter((result) => !result.always);
  const always = results.filter((result) => result.always);
  return [
    own.length === 0
      ? line('No hypothesis was judged.')
      : { type: 'results', results: own, caption: 'What the scenario expects' },
    ...(always.length === 0 ? [] : [{ type: 'results', results: always, caption: 'Checked in every run' } as const]),
    ...results.flatMap((result) => evidence(result)),
    ...(judgement === 'unknown' ? [line('docs/outcomes.md in pgquake explains why a run ends unknown.')] : []),
  ];
}

/** The evidence of a check; empty if it passed. */
export function evidence({
  most = Number.POSITIVE_INFINITY,
  ...result
}: CheckResult & { readonly most?: number }): Block[] {
  const { judgement, place, evidence: found } = result;
  if (judgement === 'pass' || found.length === 0) return [];
  return [
    {
      type: 'details',
      summary: `Evidence: ${checkWords(result)}${place === undefined ? '' : ` (${place})`}`,
      judgement,
      open: true,
      blocks: [list(found.slice(0, most).map(said))],
    },
  ];
}
