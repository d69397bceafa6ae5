/**
 * How many initial messages were readable, and where the others are.
 *
 * Judged by the reads of partition keys that were sent and settled within the window, so each shows what the cluster
 * could do in that state. A key is readable if at least one read returned all its messages with the right content, and
 * none returned a wrong answer. Scans decide for keys that no read tried. A key whose reads had no answer fails even if
 * a scan returned its messages, because a client that asks for it gets nothing; the words mention the scan.
 */

import { z } from 'zod';
import {
  initialRowsOfKey,
  type KeyService,
  keyState,
  type Service,
  serviceWithin,
  wordOf,
} from '../measure/partitions.ts';
import { fullEffects, spansOf } from '../measure/spans.ts';
import { SPANS, type TimeRange } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { keyWordOf, partitionNamed, partitionsNamed, partitionWordOf } from '../model/partition-words.ts';
import { formatCount, formatMoment } from '../model/units.ts';
import { type Finding, type Judgement, worst } from '../model/verdict.ts';
import { defineCheck, type ParamProblem } from './check.ts';

const params = z.strictObject({
  during: z
    .enum(SPANS)
    .default('fault')
    .describe(
      'The part of the run; `fault` means: while the fault was in effect; with several, while the most nodes were affected.',
    ),
  min: z.int().min(0).optional().describe('Messages that must be readable; by default all of them.'),
  max: z.int().min(0).optional().describe('Messages that may be readable at most.'),
  shards: z
    .strictObject({
      readable: z.array(z.string()).default([]).describe('Partitions whose messages must all be readable.'),
      unreadable: z.array(z.string()).default([]).describe('Partitions of which no read may succeed.'),
    })
    .optional()
    .describe('Requirements for single partitions, by name.'),
});

type Params = z.output<typeof params>;

const WHEN = { 'steady-state': 'in the steady state', fault: 'during the fault', settle: 'after healing' } as const;

/** The most partition keys, or ranges of messages, on one line. */
const MAX_NAMED = 8;

export const messagesReadable = defineCheck<Params>({
  name: 'messages-readable',
  summary: 'How many messages can be read, with the right content, and on which partitions.',
  unknownWhen: 'a row that decides was never tried; no fault was in full effect.',
  params,
  requires: ['reads', 'partitions'],
  tells: 'readable',
  needsKeptSchedule: 'operations',
  asksAgain: true,

  validate({ min, max, shards: partitions }, facts) {
    const word = partitionWordOf(facts.partitionWord);
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
      for (const [index, name] of (partitions?.[list] ?? []).entries()) {
        const path = ['shards', list, index];
        if (!facts.partitions.includes(name)) {
          problems.push({ path, message: `there is no ${word} ${JSON.stringify(name)}`, known: facts.partitions });
        } else if (list === 'unreadable' && partitions?.readable.includes(name)) {
          problems.push({ path, message: `${word} ${name} cannot be both readable and unreadable` });
        }
      }
    }
    return problems;
  },

  check(history, params) {
    const expected = describeExpected(history, params);
    const windows = windowsOf(history, params.during);
    if (windows.length === 0) {
      const observed =
        params.during === 'fault' ? 'no fault was in full effect' : `the run has no ${params.during} span`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    // A rolling failure has several windows: the worst decides.
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

/** Without limits, all messages must be readable; otherwise the check would always pass. */
function demands({ run }: History, { min, max, shards: partitions = { readable: [], unreadable: [] } }: Params) {
  const named = partitions.readable.length + partitions.unreadable.length;
  return { min: min === undefined && max === undefined && named === 0 ? run.messages : min, max, partitions };
}

function describeExpected(history: History, params: Params): string {
  const { min, max, partitions } = demands(history, params);
  const all = history.run.messages;
  const parts: string[] = [];
  if (min !== undefined)
    parts.push(
      min === all
        ? `all ${formatCount(all, 'message')} readable`
        : `at least ${min} of ${formatCount(all, 'message')} readable`,
    );
  if (max !== undefined) parts.push(`at most ${max} of ${formatCount(all, 'message')} readable`);
  if (partitions.readable.length > 0) parts.push(`${partitionsNamed(wordOf(history), partitions.readable)} readable`);
  if (partitions.unreadable.length > 0)
    parts.push(`${partitionsNamed(wordOf(history), partitions.unreadable)} unreadable`);
  return `${parts.join(', ')} ${WHEN[params.during]}`;
}

function judgeWithin(history: History, window: TimeRange, params: Params): Omit<Finding, 'expected'> {
  const service = serviceWithin(history, window);
  if (!service) return { judgement: 'unknown', observed: 'the cluster was never formed', evidence: [] };
  const { min, max, partitions } = demands(history, params);
  const words = { partition: wordOf(history), key: keyWordOf(history.run) };
  const keys = service.partitions.flatMap((partition) => partition.keys);
  const messagesIn = (state: ReturnType<typeof keyState>) =>
    keys.filter((key) => keyState(key) === state).length * service.messagesPerKey;
  const readable = messagesIn('readable');
  const untried = messagesIn('untried');
  const { worst: worstScan } = service.scans;

  const judgements: Judgement[] = [];
  if (min !== undefined) {
    judgements.push(readable >= min ? 'pass' : readable + untried < min ? 'fail' : 'unknown');
    // An answered scan claims to be complete.
    if (worstScan !== undefined && worstScan < min) judgements.push('fail');
  }
  if (max !== undefined) judgements.push(readable > max ? 'fail' : readable + untried <= max ? 'pass' : 'unknown');
  for (const { partition, keys } of service.partitions) {
    if (partitions.readable.includes(partition.name)) judgements.push(judgeReadable(keys));
    if (partitions.unreadable.includes(partition.name)) judgements.push(judgeUnreadable(keys));
  }

  return {
    judgement: worst(judgements),
    observed: describeObserved(history, service, { readable, untried }),
    evidence: [
      ...service.partitions.flatMap((partition) => describePartition(partition, service.messagesPerKey, words)),
      ...describeScans(service, history.run.messages),
      `seen from ${formatMoment(window.fromMs)} to ${formatMoment(window.toMs)} of the run`,
    ],
  };
}

/** The words for a partition and a partition key. */
interface Words {
  readonly partition: string | undefined;
  readonly key: string;
}

function judgeReadable(keys: readonly KeyService[]): Judgement {
  const states = keys.map(keyState);
  if (states.includes('unreadable')) return 'fail';
  return keys.length === 0 || states.includes('untried') ? 'unknown' : 'pass';
}

function judgeUnreadable(keys: readonly KeyService[]): Judgement {
  if (keys.some((key) => key.answered > 0 || key.inCompleteScan)) return 'fail';
  return keys.length === 0 || keys.some((key) => key.tried === 0) ? 'unknown' : 'pass';
}

function describeObserved(
  history: History,
  { partitions, scans, messagesPerKey }: Service,
  { readable, untried }: { readonly readable: number; readonly untried: number },
): string {
  const { run } = history;
  const word = wordOf(history);
  const on = (is: (key: KeyService) => boolean) => {
    const hit = partitions.filter(({ keys }) => keys.some(is));
    const count = hit.flatMap(({ keys }) => keys.filter(is)).length * messagesPerKey;
    return {
      count,
      where: partitionsNamed(
        word,
        hit.map(({ partition }) => partition.name),
      ),
    };
  };
  const silent = on((key) => isSilent(key) && !key.inCompleteScan);
  const onlyScanned = on((key) => isSilent(key) && key.inCompleteScan);
  const wrong = on((key) => key.wrong > 0);
  const byKey = onlyScanned.count > 0 ? ` by reads of their ${keyWordOf(run)}s` : '';
  const parts = [
    untried > 0 && untried === run.messages
      ? 'no message was read in this time'
      : `${readable} of ${formatCount(run.messages, 'message')} readable${byKey}`,
  ];
  if (silent.count > 0) parts.push(`${silent.count} asked for and not answered on ${silent.where}`);
  if (onlyScanned.count > 0) {
    parts.push(`${onlyScanned.count} not answered on ${onlyScanned.where}, although scans returned them`);
  }
  if (wrong.count > 0) parts.push(`${wrong.count} answered wrong on ${wrong.where}`);
  const scanned = partitions.flatMap(({ keys }) => keys).filter((key) => key.tried === 0 && key.inCompleteScan).length;
  if (scanned > 0) parts.push(`${scanned * messagesPerKey} of them seen only by scans`);
  if (untried > 0 && untried < run.messages) parts.push(`${formatCount(untried, 'message')} not tried in this time`);
  if (scans.worst !== undefined && scans.worst < run.messages) parts.push(`a scan returned only ${scans.worst}`);
  return parts.join(', ');
}

/** Reads asked for the key, and none was answered. */
function isSilent({ tried, answered }: KeyService): boolean {
  return tried > 0 && answered === 0;
}

function describePartition({ partition, keys }: Service['partitions'][number], perKey: number, words: Words): string[] {
  const label = `${partitionNamed(words.partition, partition.name)} (${partition.copies.join(', ')})`;
  const silent = keys.filter(isSilent);
  const untried = keys.filter((key) => keyState(key) === 'untried');
  const wrong = keys.filter((key) => key.wrong > 0);
  const lines: string[] = [];
  if (silent.length > 0) {
    const tries = silent.reduce((sum, key) => sum + key.tried, 0);
    const messages = formatCount(silent.length * perKey, 'message');
    const scanned = silent.some((key) => key.inCompleteScan) ? '; scans returned them' : '';
    lines.push(
      `${label}: ${nameKeys(silent, words)}: ${messages}, e.g. ${nameMessages(silent, perKey)}` +
        ` (writer 0, sequence numbers); none of ${formatCount(tries, 'read')} answered${scanned}`,
    );
  }
  if (wrong.length > 0) {
    const answers = wrong.reduce((sum, key) => sum + key.wrong, 0);
    lines.push(
      `${label}: ${nameKeys(wrong, words)}: ${formatCount(answers, 'answer')} left out, doubled or corrupted messages`,
    );
  }
  if (untried.length > 0)
    lines.push(`${label}: ${nameKeys(untried, words)}: no read began and finished within this time`);
  return lines;
}

function nameKeys(keys: readonly KeyService[], { key: word }: Words): string {
  const named = keys.slice(0, MAX_NAMED).map(({ key }) => key);
  return `${keys.length === 1 ? word : `${word}s`} ${named.join(', ')}${keys.length > MAX_NAMED ? ' ...' : ''}`;
}

function nameMessages(keys: readonly KeyService[], perKey: number): string {
  const named = keys.slice(0, MAX_NAMED).map(({ key }) => {
    const { first, last } = initialRowsOfKey(key, perKey);
    return first === last ? `0:${first}` : `0:${first}-${last}`;
  });
  return `${perKey * keys.length === 1 ? 'message' : 'messages'} ${named.join(', ')}`;
}

function describeScans({ scans }: Service, messages: number): string[] {
  if (scans.tried === 0) return [];
  const answered = `scans: ${scans.answered} of ${scans.tried} answered`;
  if (scans.answered === 0) return [answered];
  return [
    `${answered}; the best returned ${scans.best}, the worst ${scans.worst} of ${formatCount(messages, 'message')}`,
  ];
}
