/**
 * How much of the initial data could be read, and where what could not be read lives.
 *
 * Judged from the room reads that were sent and settled within the window, so that each tells what the
 * cluster could do in that state. A room is readable when at least one read returned all its messages with
 * the right content, and none returned a wrong answer. Scans speak for rooms that no read tried. Where reads of a
 * room were not answered and a scan returned its messages, the room fails the check (a client that asks for it gets
 * nothing), and the words say that its messages were read all the same.
 */

import { z } from 'zod';
import { initialKeysOfRoom, type RoomService, roomState, type Service, serviceWithin } from '../measure/shards.ts';
import { fullEffects, spansOf } from '../measure/spans.ts';
import { SPANS, type TimeRange } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { formatCount, formatMoment } from '../model/units.ts';
import { type Finding, type Judgement, worst } from '../model/verdict.ts';
import { defineCheck, type ParamProblem } from './check.ts';

const params = z.strictObject({
  during: z
    .enum(SPANS)
    .default('fault')
    .describe('The part of the run; `fault` means: while all faults were in effect.'),
  min: z.int().min(0).optional().describe('Messages that must be readable; all of them where nothing else is asked.'),
  max: z.int().min(0).optional().describe('Messages that may be readable at most.'),
  shards: z
    .strictObject({
      readable: z.array(z.string()).default([]).describe('Shards whose messages must all be readable.'),
      unreadable: z.array(z.string()).default([]).describe('Shards of which no read may succeed.'),
    })
    .optional()
    .describe('What must hold of single shards, by name.'),
});

type Params = z.output<typeof params>;

const WHEN = { 'steady-state': 'in the steady state', fault: 'during the fault', settle: 'after healing' } as const;

/** As many rooms, or ranges of messages, as one line names. */
const MAX_NAMED = 8;

export const messagesReadable = defineCheck<Params>({
  name: 'messages-readable',
  summary: 'How many messages can be read, with the right content, and on which shards.',
  params,
  requires: ['reads', 'partitions'],
  tells: 'readable',
  needsKeptSchedule: true,

  validate({ min, max, shards }, facts) {
    const problems: ParamProblem[] = [];
    if (min !== undefined && min > facts.messages) {
      problems.push({
        path: ['min'],
        message: `min is ${min}, but the data set has ${formatCount(facts.messages, 'message')}`,
      });
    }
    if (min !== undefined && max !== undefined && min > max) {
      problems.push({ path: ['min'], message: `min is ${min}, which is more than max, ${max}` });
    }
    for (const list of ['readable', 'unreadable'] as const) {
      for (const [index, name] of (shards?.[list] ?? []).entries()) {
        const path = ['shards', list, index];
        if (!facts.shards.includes(name)) {
          problems.push({ path, message: `there is no shard ${JSON.stringify(name)}`, known: facts.shards });
        } else if (list === 'unreadable' && shards?.readable.includes(name)) {
          problems.push({ path, message: `shard ${name} cannot be both readable and unreadable` });
        }
      }
    }
    return problems;
  },

  check(history, params) {
    const expected = describeExpected(history, params);
    const windows = windowsOf(history, params.during);
    if (windows.length === 0) {
      const observed = params.during === 'fault' ? 'no fault was in full effect' : `the run has no ${params.during}`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    // A rolling failure has several such times: the worst decides.
    const findings = windows.map((window) => judgeWithin(history, window, params));
    const judgement = worst(findings.map((finding) => finding.judgement));
    return { expected, ...(findings.find((finding) => finding.judgement === judgement) as (typeof findings)[0]) };
  },
});

function windowsOf(history: History, during: Params['during']): readonly TimeRange[] {
  if (during === 'fault') return fullEffects(history);
  const span = spansOf(history)[during];
  return span ? [span] : [];
}

/** Where nothing is asked, all is: a check that demands nothing would pass whatever happens. */
function demands({ run }: History, { min, max, shards = { readable: [], unreadable: [] } }: Params) {
  const named = shards.readable.length + shards.unreadable.length;
  return { min: min === undefined && max === undefined && named === 0 ? run.messages : min, max, shards };
}

function describeExpected(history: History, params: Params): string {
  const { min, max, shards } = demands(history, params);
  const all = history.run.messages;
  const parts: string[] = [];
  if (min !== undefined)
    parts.push(
      min === all
        ? `all ${formatCount(all, 'message')} readable`
        : `at least ${min} of ${formatCount(all, 'message')} readable`,
    );
  if (max !== undefined) parts.push(`at most ${max} of ${formatCount(all, 'message')} readable`);
  if (shards.readable.length > 0) parts.push(`${nameShards(shards.readable)} readable`);
  if (shards.unreadable.length > 0) parts.push(`${nameShards(shards.unreadable)} unreadable`);
  return `${parts.join(', ')} ${WHEN[params.during]}`;
}

const nameShards = (names: readonly string[]) => `${names.length === 1 ? 'shard' : 'shards'} ${names.join(', ')}`;

function judgeWithin(history: History, window: TimeRange, params: Params): Omit<Finding, 'expected'> {
  const service = serviceWithin(history, window);
  if (!service) return { judgement: 'unknown', observed: 'the cluster was never formed', evidence: [] };
  const { min, max, shards } = demands(history, params);
  const rooms = service.shards.flatMap((shard) => shard.rooms);
  const messagesIn = (state: ReturnType<typeof roomState>) =>
    rooms.filter((room) => roomState(room) === state).length * service.messagesPerRoom;
  const readable = messagesIn('readable');
  const untried = messagesIn('untried');
  const { worst: worstScan } = service.scans;

  const judgements: Judgement[] = [];
  if (min !== undefined) {
    judgements.push(readable >= min ? 'pass' : readable + untried < min ? 'fail' : 'unknown');
    // A scan that was answered claims to be the whole truth.
    if (worstScan !== undefined && worstScan < min) judgements.push('fail');
  }
  if (max !== undefined) judgements.push(readable > max ? 'fail' : readable + untried <= max ? 'pass' : 'unknown');
  for (const { shard, rooms } of service.shards) {
    if (shards.readable.includes(shard.name)) judgements.push(judgeReadable(rooms));
    if (shards.unreadable.includes(shard.name)) judgements.push(judgeUnreadable(rooms));
  }

  return {
    judgement: worst(judgements),
    observed: describeObserved(history, service, { readable, untried }),
    evidence: [
      ...service.shards.flatMap((shard) => describeShard(shard, service.messagesPerRoom)),
      ...describeScans(service, history.run.messages),
      `seen from ${formatMoment(window.fromMs)} to ${formatMoment(window.toMs)} of the run`,
    ],
  };
}

function judgeReadable(rooms: readonly RoomService[]): Judgement {
  const states = rooms.map(roomState);
  if (states.includes('unreadable')) return 'fail';
  return rooms.length === 0 || states.includes('untried') ? 'unknown' : 'pass';
}

function judgeUnreadable(rooms: readonly RoomService[]): Judgement {
  if (rooms.some((room) => room.answered > 0 || room.inCompleteScan)) return 'fail';
  return rooms.length === 0 || rooms.some((room) => room.tried === 0) ? 'unknown' : 'pass';
}

function describeObserved(
  { run }: History,
  { shards, scans, messagesPerRoom }: Service,
  { readable, untried }: { readonly readable: number; readonly untried: number },
): string {
  const on = (is: (room: RoomService) => boolean) => {
    const hit = shards.filter(({ rooms }) => rooms.some(is));
    const count = hit.flatMap(({ rooms }) => rooms.filter(is)).length * messagesPerRoom;
    return { count, where: nameShards(hit.map(({ shard }) => shard.name)) };
  };
  const silent = on((room) => isSilent(room) && !room.inCompleteScan);
  const onlyScanned = on((room) => isSilent(room) && room.inCompleteScan);
  const wrong = on((room) => room.wrong > 0);
  const byRoom = onlyScanned.count > 0 ? ' by reads of their rooms' : '';
  const parts = [`${readable} of ${formatCount(run.messages, 'message')} readable${byRoom}`];
  if (silent.count > 0) parts.push(`${silent.count} asked for and not answered on ${silent.where}`);
  if (onlyScanned.count > 0) {
    parts.push(`${onlyScanned.count} not answered to them on ${onlyScanned.where}, though scans returned them`);
  }
  if (wrong.count > 0) parts.push(`${wrong.count} answered wrong on ${wrong.where}`);
  const scanned = shards.flatMap(({ rooms }) => rooms).filter((room) => room.tried === 0 && room.inCompleteScan).length;
  if (scanned > 0) parts.push(`${scanned * messagesPerRoom} of them seen by scans alone`);
  if (untried > 0) parts.push(`${formatCount(untried, 'message')} never tried`);
  if (scans.worst !== undefined && scans.worst < run.messages) parts.push(`a scan returned only ${scans.worst}`);
  return parts.join(', ');
}

/** Reads asked for it, and none was answered. */
function isSilent({ tried, answered }: RoomService): boolean {
  return tried > 0 && answered === 0;
}

function describeShard({ shard, rooms }: Service['shards'][number], perRoom: number): string[] {
  const label = `shard ${shard.name} (${shard.placements.join(', ')})`;
  const silent = rooms.filter(isSilent);
  const untried = rooms.filter((room) => roomState(room) === 'untried');
  const wrong = rooms.filter((room) => room.wrong > 0);
  const lines: string[] = [];
  if (silent.length > 0) {
    const tries = silent.reduce((sum, room) => sum + room.tried, 0);
    const messages = formatCount(silent.length * perRoom, 'message');
    const scanned = silent.some((room) => room.inCompleteScan) ? '; scans returned them' : '';
    lines.push(
      `${label}: ${nameRooms(silent)}: ${messages}, e.g. ${nameMessages(silent, perRoom)}` +
        ` (writer 0, sequence numbers); none of ${formatCount(tries, 'read')} answered${scanned}`,
    );
  }
  if (wrong.length > 0) {
    const answers = wrong.reduce((sum, room) => sum + room.wrong, 0);
    lines.push(
      `${label}: ${nameRooms(wrong)}: ${formatCount(answers, 'answer')} left out, doubled or corrupted messages`,
    );
  }
  if (untried.length > 0) lines.push(`${label}: ${nameRooms(untried)}: no read was sent and settled in this time`);
  return lines;
}

function nameRooms(rooms: readonly RoomService[]): string {
  const named = rooms.slice(0, MAX_NAMED).map(({ room }) => room);
  return `${rooms.length === 1 ? 'room' : 'rooms'} ${named.join(', ')}${rooms.length > MAX_NAMED ? ' ...' : ''}`;
}

function nameMessages(rooms: readonly RoomService[], perRoom: number): string {
  const named = rooms.slice(0, MAX_NAMED).map(({ room }) => {
    const { first, last } = initialKeysOfRoom(room, perRoom);
    return first === last ? `0:${first}` : `0:${first}-${last}`;
  });
  return `${perRoom * rooms.length === 1 ? 'message' : 'messages'} ${named.join(', ')}`;
}

function describeScans({ scans }: Service, messages: number): string[] {
  if (scans.tried === 0) return [];
  const answered = `scans: ${scans.answered} of ${scans.tried} answered`;
  if (scans.answered === 0) return [answered];
  return [
    `${answered}; the best returned ${scans.best}, the worst ${scans.worst} of ${formatCount(messages, 'message')}`,
  ];
}
