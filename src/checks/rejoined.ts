/** After healing, one node is primary and all others stream on its timeline. */

import { z } from 'zod';
import { actsOf, spansOf } from '../measure/spans.ts';
import type { EventOf } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';
import { duration } from '../model/quantities.ts';
import type { Roles } from '../model/roles.ts';
import { formatDuration, formatMoment } from '../model/units.ts';
import type { Finding } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  within: duration.describe('The longest time from the request to heal the last fault.'),
});

export const rejoined = defineCheck<z.output<typeof params>>({
  name: 'rejoined',
  summary: 'After healing there is one primary, and every other node streams on its timeline.',
  unknownWhen:
    'no roles were recorded; no fault took effect; healing was not requested for every fault; the run ended before `within`; or a standby takes writes at the end.',
  answers: 'healing',
  params,
  requires: ['roles'],
  needsKeptSchedule: 'whole-run',
  provenByPart: true,

  hopeless(_, { faults }) {
    return faults?.length === 0 ? 'without a fault no node has to come back' : undefined;
  },

  check(history, { within }) {
    const expected = `one primary, and all others streaming on its timeline, within ${formatDuration(within)} of healing`;
    return { expected, ...judge(history, within) };
  },
});

function judge(history: History, within: number): Omit<Finding, 'expected'> {
  const unknown = (observed: string, evidence: readonly string[] = []) => ({
    judgement: 'unknown' as const,
    observed,
    evidence: [...evidence],
  });
  const looks = eventsOf(history, 'roles-seen');
  if (looks.length === 0) return unknown('no roles were recorded in this run');
  const acts = actsOf(history).filter(({ effectMs }) => effectMs !== undefined);
  if (acts.length === 0) return unknown('no fault took effect');
  const healing = acts.map(({ healAskedMs }) => healAskedMs);
  if (healing.includes(undefined)) return unknown('healing was not requested for every fault');
  const healMs = Math.max(...healing.map((atMs) => atMs as number));
  // Looks end when the load stops; the service ends there too.
  const last = looks.at(-1) as EventOf<'roles-seen'>;
  const wrong = amiss(last.roles);
  const evidence = looks
    .filter(({ at }) => at >= healMs)
    .map(({ at, roles }) => `${formatMoment(at)}: ${describe(roles)}`);
  const watchedMs = Math.max(0, (spansOf(history).settle?.toMs ?? last.at) - healMs);
  if (wrong !== undefined) {
    const observed = `not within ${formatDuration(watchedMs)} of healing: ${wrong}`;
    return { judgement: watchedMs >= within ? 'fail' : 'unknown', observed, evidence };
  }
  const wholeMs = wholeSince(looks);
  const tookMs = Math.max(0, wholeMs - healMs);
  const observed =
    tookMs === 0 ? 'all nodes were back before healing' : `all nodes were back ${formatDuration(tookMs)} after healing`;
  const contradicted = leftBehind(history, last.roles);
  if (contradicted !== undefined) return unknown(`${observed}, but ${contradicted}`, evidence);
  return { judgement: tookMs <= within ? 'pass' : 'fail', observed, evidence: [...evidence, describe(last.roles)] };
}

/** When the roles became right for good. */
function wholeSince(looks: readonly EventOf<'roles-seen'>[]): number {
  const lastAmiss = looks.findLastIndex(({ roles }) => amiss(roles) !== undefined);
  return looks[lastAmiss + 1]?.at ?? 0;
}

/** What is wrong with the roles; `undefined` if one primary has standbys that stream on its timeline. */
function amiss(roles: Roles): string | undefined {
  const entries = Object.entries(roles);
  const primaries = entries.filter(([, { role }]) => role === 'primary');
  const [first] = primaries;
  if (!first) return 'no node is primary';
  if (primaries.length > 1) return `${primaries.map(([node]) => node).join(' and ')} are primaries`;
  const { timeline } = first[1];
  for (const [node, seen] of entries) {
    if (node === first[0]) continue;
    if (seen.role === 'unknown') return `${node} does not answer`;
    if (seen.state !== 'streaming') return `${node} does not stream (${seen.state ?? 'state unknown'})`;
    if (seen.timeline !== timeline) return `${node} is on timeline ${seen.timeline}, and ${first[0]} on ${timeline}`;
  }
  return undefined;
}

/** A node that reports itself as primary at the end, contrary to the roles. */
function leftBehind(history: History, roles: Roles): string | undefined {
  const others = eventsOf(history, 'witness-read').filter(
    ({ node, role }) => role === 'primary' && roles[node]?.role !== 'primary',
  );
  return others.length === 0 ? undefined : `${others.map(({ node }) => node).join(', ')} takes writes at the end`;
}

function describe(roles: Roles): string {
  return Object.entries(roles)
    .map(([node, { role, timeline, state }]) => {
      const details = [
        ...(timeline === undefined ? [] : [`timeline ${timeline}`]),
        ...(state === undefined ? [] : [state]),
      ];
      return `${node} ${role}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
    })
    .join('; ');
}
