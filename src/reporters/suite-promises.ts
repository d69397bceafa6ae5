/** The promises in a suite's table: what the settings promised for each loss, what was seen, what was lost. Pure. */

import { judgePromise } from '../measure/promise-words.ts';
import type { RoleFigures } from '../model/figures.ts';
import { describeLost } from '../model/loss.ts';
import { promisedRanges } from '../model/promise.ts';
import type { LedgerFigures, Report } from '../model/report.ts';
import type { Suite, SuiteRun } from '../model/suite.ts';
import { formatCount } from '../model/units.ts';
import { number } from './report-words.ts';

type PromiseOfRun = NonNullable<SuiteRun['promises']>[number];

/** The promises of a run, as a suite keeps them. */
export function promisesOf({ figures, ledger }: Report): Pick<SuiteRun, 'promises' | 'lost'> {
  const { promises = [] } = figures;
  return {
    ...(promises.length === 0
      ? {}
      : {
          promises: promises.map((one) => {
            const seen = judgePromise(one).filter(({ what }) => !what.endsWith(' lost'));
            return {
              loss: one.lost.map(describeLost).join(', '),
              promised: promisedRanges(one.promise),
              seen: seen.map((part) => `${part.what} ${part.seen}`).join('; '),
            };
          }),
        }),
    ...(ledger ? { lost: lostWords(ledger, figures.roles?.witness ?? []) } : {}),
  };
}

/** `none of 4,960 acknowledged writes`, and the losses of the witness, whose clients stay with one node. */
function lostWords({ lost, acknowledged }: LedgerFigures, witness: RoleFigures['witness']): string {
  const of = `of ${formatCount(acknowledged, 'acknowledged write')}`;
  const gone = witness.reduce((sum, one) => sum + (one.lost ?? 0), 0);
  const all = witness.reduce((sum, one) => sum + one.acknowledged, 0);
  const beside = gone === 0 ? '' : `, ${number(gone)} of ${number(all)} of the witness`;
  return `${lost.count === 0 ? 'none' : number(lost.count)} ${of}${beside}`;
}

/** Whether the suite's table has columns for promises. */
export function hasPromises({ runs }: Suite): boolean {
  return runs.some(({ promises }) => promises !== undefined);
}

export const PROMISE_TITLES = ['promised', 'seen', 'lost'] as const;

/** One cell for each title; a run without promises has its finding instead. */
export function promiseCells({ promises, finding, lost = 'not known' }: SuiteRun): [string, string, string] {
  if (!promises) return ['nothing', finding, lost];
  const several = promises.length > 1;
  const words = (of: (one: PromiseOfRun) => string) =>
    promises.map((one) => (several ? `with ${one.loss}: ${of(one)}` : of(one))).join('. ');
  return [words(({ promised }) => promised), words(({ seen }) => seen), lost];
}
