/** Judges a promise against what was seen, part by part; for the check and for reports. */

import type { OutageSeen, PromiseFigures } from '../model/figures.ts';
import { lossRange, outageRange, type PromisedOutage, twoPrimariesRange } from '../model/promise.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';

/** Tolerance at both ends of an outage that lasts until healed: its start, and the answer to the last write. */
const BEGINS_MS = 1_000;

export interface JudgedPart {
  /** `write outage via direct`. */
  readonly what: string;
  readonly promised: string;
  readonly seen: string;
  readonly judgement: Judgement;
  /** The reasoning behind the promise. */
  readonly why: string;
  /** The words for the verdict. */
  readonly observed: string;
  /** Everything on one line. */
  readonly line: string;
  readonly ofOutage?: true;
}

/** Write outages by route, then losses, then two primaries. */
export function judgePromise(figures: PromiseFigures): JudgedPart[] {
  const { promise, writesOut } = figures;
  return [
    ...promise.writesOut.map((promised, i) => outagePart(figures, promised, writesOut[i] as OutageSeen)),
    lossPart(figures),
    twoPart(figures),
  ];
}

type Judged = Pick<JudgedPart, 'judgement' | 'seen'> & { readonly note?: string };

function part(what: string, promised: string, why: string, { judgement, seen, note }: Judged): JudgedPart {
  const told = note === undefined ? seen : `${seen}: ${note}`;
  return {
    what,
    promised,
    seen: told,
    judgement,
    why,
    observed: `${what} ${told}`,
    line: `${what}: ${told}; promised: ${promised}, because ${why}`,
  };
}

function outagePart(figures: PromiseFigures, promised: PromisedOutage, seen: OutageSeen): JudgedPart {
  const range = outageRange(promised).slice(promised.route.length + 1);
  const judged = judgeOutage(figures, promised, seen);
  return { ...part(`write outage via ${promised.route}`, range, promised.why, judged), ofOutage: true };
}

function judgeOutage(
  { lastedMs, twoPrimaries }: PromiseFigures,
  { minMs, maxMs, beginsWithinMs = 0 }: PromisedOutage,
  { outMs, uncertaintyMs = 0, open }: OutageSeen,
): Judged {
  if (outMs === null) return { judgement: 'unknown', seen: 'not seen', note: 'nothing was written by this route' };
  const seen = outMs === 0 ? 'none' : `${formatDuration(outMs)} ± ${formatDuration(uncertaintyMs)}`;
  if (maxMs !== null && outMs - uncertaintyMs > maxMs) {
    return { judgement: 'fail', seen, note: `longer than the promised maximum of ${formatDuration(maxMs)}` };
  }
  if (open && maxMs !== null) {
    return {
      judgement: 'unknown',
      seen: `at least ${seen}`,
      note: 'still open when the load stopped or the next act struck',
    };
  }
  if (maxMs !== null && outMs + uncertaintyMs > maxMs) {
    return { judgement: 'unknown', seen, note: 'the limit lies within the uncertainty' };
  }
  // Healing ends the outage, so a loss healed early shortens the minimum.
  const leastMs = minMs === null ? lastedMs - beginsWithinMs - BEGINS_MS : Math.min(minMs, lastedMs - BEGINS_MS);
  if (outMs + uncertaintyMs >= leastMs) return { judgement: 'pass', seen };
  const shorter = `shorter than the promised minimum of ${formatDuration(leastMs)}`;
  return twoPrimaries && twoPrimaries.atLeastMs > 0
    ? { judgement: 'fail', seen, note: `${shorter}: there were two primaries` }
    : {
        judgement: 'unknown',
        seen,
        note: `${shorter}: the fault was weaker than intended, or two primaries went unseen`,
      };
}

function lossPart(figures: PromiseFigures): JudgedPart {
  const { lost } = figures.promise;
  return part('acknowledged writes lost', lossRange(lost), lost.why, judgeLoss(figures));
}

function judgeLoss({ lostWrites, promise }: PromiseFigures): Judged {
  const { beforeMs, beforeBytes, afterMs } = promise.lost;
  if (!lostWrites) return { judgement: 'unknown', seen: 'not known', note: 'no final read was made' };
  const { before, after, others } = lostWrites;
  const seen =
    [
      ...(before > 0
        ? [`${formatCount(before, 'write')} up to ${formatDuration(lostWrites.beforeMs)} before the strike`]
        : []),
      ...(after > 0 ? [`${formatCount(after, 'write')} over ${formatDuration(lostWrites.afterMs)} after it`] : []),
      ...others.map(
        ({ node, count, firstMs, lastMs }) =>
          `${formatCount(count, 'write')} over ${formatDuration(lastMs - firstMs)} that ${node} had acknowledged`,
      ),
    ].join(', ') || 'none';
  if (others.length > 0) {
    return {
      judgement: 'fail',
      seen,
      note: `what ${others.map(({ node }) => node).join(', ')} acknowledges after the strike is not at risk`,
    };
  }
  if (after > 0 && afterMs !== null && lostWrites.afterMs > afterMs) {
    return { judgement: 'fail', seen, note: 'acknowledged after the strike over more time than promised' };
  }
  if (after > 0 && afterMs === 0)
    return { judgement: 'fail', seen, note: 'nothing acknowledged after the strike is at risk' };
  if (before === 0 || beforeMs === null || (beforeMs > 0 && lostWrites.beforeMs <= beforeMs)) {
    return { judgement: 'pass', seen };
  }
  return beforeBytes === undefined
    ? { judgement: 'fail', seen, note: 'writes that old are not at risk' }
    : {
        judgement: 'unknown',
        seen,
        note: 'older writes are at risk up to a number of bytes of WAL, which were not counted',
      };
}

function twoPart(figures: PromiseFigures): JudgedPart {
  const { twoPrimaries: promised } = figures.promise;
  return part('two primaries', twoPrimariesRange(promised), promised.why, judgeTwo(figures));
}

function judgeTwo({ twoPrimaries: seen, promise }: PromiseFigures): Judged {
  const { maxMs } = promise.twoPrimaries;
  if (!seen) return { judgement: 'unknown', seen: 'not known', note: 'the witness could not see' };
  const { atLeastMs, atMostMs } = seen;
  const words =
    atMostMs === 0
      ? 'never'
      : atLeastMs === 0
        ? `at most ${formatDuration(atMostMs)}`
        : `for ${formatDuration(atLeastMs)} to ${formatDuration(atMostMs)}`;
  if (maxMs === null) return { judgement: 'pass', seen: words };
  if (atLeastMs > maxMs) return { judgement: 'fail', seen: words, note: 'longer than promised' };
  if (atMostMs > maxMs && maxMs > 0)
    return { judgement: 'unknown', seen: words, note: 'the limit lies within the uncertainty' };
  if (atMostMs > 0 && maxMs === 0) return { judgement: 'unknown', seen: words, note: 'it may have been a handover' };
  return { judgement: 'pass', seen: words };
}
