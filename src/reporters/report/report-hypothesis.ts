/** What was expected and what was observed, and the evidence of what did not pass. */

import type { Report } from '../../model/report.ts';
import { type CheckResult, subjectAsWritten } from '../../model/verdict.ts';
import { type Block, code, left, line, list, said, type Table, table, verdict, type Words } from '../document.ts';

export function hypothesis({ results }: Report): Block[] {
  const own = results.filter((result) => !result.always);
  const always = results.filter((result) => result.always);
  return [
    own.length === 0 ? line('No hypothesis was judged.') : resultTable(own, 'What the scenario expects'),
    ...(always.length === 0 ? [] : [resultTable(always, 'Checked in every run')]),
    ...results.flatMap((result) => evidence(result)),
  ];
}

/** Each check with its verdict, what was expected and what was observed. */
export function resultTable(results: readonly CheckResult[], caption?: string): Table {
  return table(
    [left('check'), left('expected'), left('observed')],
    results.map((result) => [resultName(result), said(result.expected), said(result.observed)]),
    caption === undefined ? {} : { caption },
  );
}

function resultName(result: CheckResult): Words {
  const subject = subjectAsWritten(result);
  return [verdict(result.judgement), ' ', code(result.check), ...(subject === '' ? [] : [` ${subject}`])];
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
