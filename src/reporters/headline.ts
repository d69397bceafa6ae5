/** The four figures that operators ask for first, with their limits in the hypothesis and the section of their evidence. */

import type { ServiceWindow } from '../model/figures.ts';
import { partitionNamed } from '../model/partition-words.ts';
import type { Report } from '../model/report.ts';
import { formatCount, formatDuration, formatShare } from '../model/units.ts';
import { type Question, subjectOf } from '../model/verdict.ts';
import type { HeadlineFigure } from './document.ts';
import { lengthOf, number } from './report-words.ts';

type AvailabilityRow = Report['figures']['availability'][number];

export function headline(report: Report): HeadlineFigure[] {
  const limits = (question: Question) => report.results.filter((one) => !one.always && one.answers === question);
  const availability = limits('availability');
  const outage = limits('outage');
  return [
    { ...availabilityFigure(report, availability), limits: availability, evidence: 'Service' },
    {
      title: 'longest outage',
      value: outageWords(report, kindsOf(outage)),
      limits: outage,
      evidence: 'Service',
    },
    { title: 'lost writes (RPO)', value: lossWords(report), limits: limits('loss'), evidence: 'Data' },
    { title: 'time to heal', value: healingWords(report), limits: limits('healing'), evidence: 'Events' },
  ];
}

/** The kinds of operation that the limits name: the report shows the figure of each beside its limit. */
function kindsOf(limits: Report['results']): ReadonlySet<string> {
  return new Set(limits.flatMap(({ params }) => subjectOf(params).of ?? []));
}

/** The availability of the kind of operation with the lowest one, and what each limit is about. */
function availabilityFigure(
  { figures: { availability } }: Report,
  limits: Report['results'],
): Pick<HeadlineFigure, 'title' | 'value'> {
  const main = availability.some(({ span }) => span === 'fault') ? 'fault' : undefined;
  const known = availability.filter(({ figures: { share } }) => share !== null);
  const [worst] = known.filter(({ span }) => main === undefined || span === main).toSorted(byShare);
  const limited = known.filter(({ kind, span }) =>
    limits.some(({ params }) => subjectOf(params).of === kind && (params.during ?? main ?? span) === span),
  );
  const words = [...new Set(worst ? [worst, ...limited.toSorted(byShare)] : [])].map(
    ({ kind, span, figures: { share } }) =>
      `${kind} ${formatShare(share)}${main === undefined || span === main ? '' : ` in the ${span} span`}`,
  );
  return {
    title: main === undefined ? 'availability' : 'availability during the fault',
    value: words.join('; ') || 'not known: no load was run',
  };
}

function byShare(a: AvailabilityRow, b: AvailabilityRow): number {
  return (a.figures.share ?? 0) - (b.figures.share ?? 0);
}

/** The longest outage of any kind of operation, on any partition, and that of each kind with a limit. */
function outageWords(
  { figures: { availability, windows }, topology: { partitionWord } }: Report,
  limited: ReadonlySet<string>,
): string {
  if (availability.length === 0) return 'not known: no load was run';
  const outages = windows.filter(({ type }) => type === 'outage').toSorted((a, b) => b.durationMs - a.durationMs);
  const [longest] = outages;
  if (!longest) return 'none';
  const others = [...limited].filter((kind) => kind !== longest.kind);
  const words = (outage: ServiceWindow) => {
    const { kind, partition } = outage;
    const where = partition === undefined ? '' : ` (${partitionNamed(partitionWord, partition)})`;
    return `${kind}${where} ${lengthOf(outage)}`;
  };
  const ofOthers = others.map((kind) => {
    const own = outages.find((outage) => outage.kind === kind);
    return own ? words(own) : `${kind} none`;
  });
  return [words(longest), ...ofOthers].join('; ');
}

function lossWords({ ledger }: Report): string {
  if (!ledger) return 'not known: nothing accounts for rows';
  if (!ledger.finalReads) return 'not known: there were no final reads';
  if (ledger.acknowledged === 0 && ledger.lost.count === 0) return 'not known: no write was acknowledged';
  return `${number(ledger.lost.count)} of ${formatCount(ledger.acknowledged, 'acknowledged write')}`;
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
