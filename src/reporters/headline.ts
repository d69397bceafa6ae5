/** The four figures that operators ask for first, with their limits in the hypothesis and the section of their evidence. */

import type { Report } from '../model/report.ts';
import { formatCount, formatDuration, formatShare } from '../model/units.ts';
import type { Question } from '../model/verdict.ts';
import type { HeadlineFigure } from './document.ts';
import { lengthOf, number } from './report-words.ts';

export function headline(report: Report): HeadlineFigure[] {
  const limits = (question: Question) => report.results.filter((one) => !one.always && one.answers === question);
  return [
    { ...availabilityFigure(report), limits: limits('availability'), evidence: 'Service' },
    { title: 'longest outage (RTO)', value: outageWords(report), limits: limits('outage'), evidence: 'Service' },
    { title: 'lost writes (RPO)', value: lossWords(report), limits: limits('loss'), evidence: 'Data' },
    { title: 'time to heal', value: healingWords(report), limits: limits('healing'), evidence: 'Events' },
  ];
}

/** The availability of the kind of operation with the lowest one. */
function availabilityFigure({ figures: { availability } }: Report): Pick<HeadlineFigure, 'title' | 'value'> {
  const ofFault = availability.filter(({ span }) => span === 'fault');
  const told = ofFault.length > 0 ? ofFault : availability;
  const known = told.flatMap(({ kind, figures: { share } }) => (share === null ? [] : [{ kind, share }]));
  const [worst] = known.toSorted((a, b) => a.share - b.share);
  return {
    title: ofFault.length > 0 ? 'availability during the fault' : 'availability',
    value: worst ? `${formatShare(worst.share)}, ${worst.kind}` : 'not known: no load was run',
  };
}

/** The longest outage of any kind of operation, on any partition. */
function outageWords({ figures: { availability, windows } }: Report): string {
  if (availability.length === 0) return 'not known: no load was run';
  const [longest] = windows.filter(({ type }) => type === 'outage').toSorted((a, b) => b.durationMs - a.durationMs);
  return longest ? `${lengthOf(longest)}, ${longest.kind}` : 'none';
}

function lossWords({ ledger }: Report): string {
  if (!ledger) return 'not known: nothing accounts for rows';
  if (!ledger.finalReads) return 'not known: there were no final reads';
  if (ledger.acknowledged === 0 && ledger.lost.count === 0) return 'not known: no write was acknowledged';
  return `${formatCount(ledger.lost.count, 'write')} of ${number(ledger.acknowledged)} acknowledged`;
}

/** The longest time from the request to bring a node back until it was seen to work. */
function healingWords({ timeline, acts }: Report): string {
  const askedAt = new Map<number, number>();
  let slowest: { readonly act: number; readonly ms: number } | undefined;
  for (const event of timeline.toSorted((a, b) => a.at - b.at)) {
    if (event.type === 'heal-asked') askedAt.set(event.act, event.at);
    if (event.type === 'heal-failed') return `never: ${targetsOf(acts, event.act)}`;
    if (event.type !== 'healed') continue;
    const ms = event.at - (askedAt.get(event.act) ?? event.at);
    if (!slowest || ms > slowest.ms) slowest = { act: event.act, ms };
  }
  if (slowest) return `${formatDuration(slowest.ms)}, ${targetsOf(acts, slowest.act)}`;
  return acts.length === 0 ? 'nothing was broken' : 'not known: nothing was healed';
}

function targetsOf(acts: Report['acts'], index: number): string {
  return acts.find((act) => act.index === index)?.targets.join(', ') ?? 'a node';
}
