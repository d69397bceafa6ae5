/** What was expected and what was observed, and the evidence of what did not pass. */

import type { Report } from '../../model/report.ts';
import { type CheckResult, subjectAsWritten } from '../../model/verdict.ts';
import { type Block, line, list, said } from '../document.ts';

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

/** Of a check that did not pass. */
export function evidence({
  most = Number.POSITIVE_INFINITY,
  ...result
}: CheckResult & { readonly most?: number }): Block[] {
  const { judgement, check, place, evidence: found } = result;
  if (judgement === 'pass' || found.length === 0) return [];
  const name = [check, subjectAsWritten(result)].join(' ').trimEnd();
  return [
    {
      type: 'details',
      summary: `Evidence: ${name}${place === undefined ? '' : ` (${place})`}`,
      judgement,
      open: true,
      blocks: [list(found.slice(0, most).map(said))],
    },
  ];
}
