/** A history as Jepsen's EDN: read by an EDN parser, and searched for what Elle would call an anomaly. */

import { parseEDNString } from 'edn-data';
import { describe, expect, test } from 'vitest';
import type { TimedEvent } from '../../src/model/event.ts';
import type { History, Operation } from '../../src/model/history.ts';
import { KeySet, parseKey } from '../../src/model/key-ranges.ts';
import { ednLines } from '../../src/reporters/edn.ts';
import { buildHistory } from '../support/history-builder.ts';

interface Line {
  readonly index: number;
  readonly time: number;
  readonly type: string;
  readonly process: number | string;
  readonly f: string;
  readonly value: readonly (readonly [string, string, number | null])[];
}

function linesOf(history: History): Line[] {
  return [...ednLines(history)].map((line) =>
    parseEDNString(line, { mapAs: 'object', keywordAs: 'string' }),
  ) as unknown as Line[];
}

const ofClients = (lines: readonly Line[]) => lines.filter(({ process }) => process !== 'nemesis');

/**
 * Strict serializability of registers that are written once: a read that began after a write of its key was known
 * to have happened must see it, and nobody sees what was not written.
 */
function anomaliesOf(lines: readonly Line[]): string[] {
  const done = new Map<string, number>();
  const tried = new Set<string>();
  const began = new Map<number | string, number>();
  const found: string[] = [];
  for (const { index, type, process, value } of ofClients(lines)) {
    if (type === 'invoke') began.set(process, index);
    for (const [f, key, found1] of value) {
      if (f === 'w' && type === 'invoke') tried.add(key);
      if (f === 'w' && type === 'ok') done.set(key, index);
      if (f !== 'r' || type !== 'ok') continue;
      if (found1 === null && (done.get(key) ?? Infinity) < (began.get(process) ?? 0)) found.push(`${key} not seen`);
      if (found1 === 1 && !tried.has(key)) found.push(`${key} out of nowhere`);
    }
  }
  return found;
}

const slower = (answer: (operation: Operation) => Partial<Operation> | undefined) => buildHistory({ answer });

describe('history.edn', () => {
  const lines = linesOf(buildHistory());

  test('has a beginning and an end of each operation, in the order of time, under one process at a time', () => {
    const history = buildHistory();
    expect(ofClients(lines).filter(({ process }) => process !== 0)).toHaveLength(2 * history.operations.count);
    expect(lines.map(({ index }) => index)).toEqual(lines.map((_, i) => i));
    const busy = new Set<number | string>();
    for (const { type, process } of ofClients(lines)) {
      expect(busy.has(process)).toBe(type !== 'invoke');
      if (type === 'invoke') busy.add(process);
      else busy.delete(process);
    }
    expect(busy.size).toBe(0);
    const times = ofClients(lines).map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('a run in which all goes well has no anomaly, and its reads say something', () => {
    expect(anomaliesOf(lines)).toEqual([]);
    const seen = lines
      .flatMap(({ type, value }) => (type === 'ok' ? value : []))
      .filter(([f, , v]) => f === 'r' && v === 1);
    expect(seen.length).toBeGreaterThan(1_000);
  });

  test('a stale read is an anomaly, and the only one', () => {
    const written = [...buildHistory().operations].filter(({ key }) => key !== undefined);
    const early = written[20] as Operation;
    let told = false;
    const stale = slower(({ kind, partitionKey, sentAt }) => {
      if (told || kind !== 'read' || partitionKey !== early.partitionKey || sentAt < early.settledAt + 500)
        return undefined;
      told = true;
      return { anomaly: { missing: [early.key as string], missingCount: 1 } };
    });
    expect(told).toBe(true);
    expect(anomaliesOf(linesOf(stale))).toEqual([`${early.key} not seen`]);
  });

  test('a lost write is an anomaly of the final read', () => {
    const lost = buildHistory({ finalKeys: ({ coordinator }) => coordinator.delete('1:7') });
    expect(anomaliesOf(linesOf(lost))).toEqual(['1:7 not seen']);
  });

  test('what stood prepared is read twice: late is an anomaly of the first read, and not of the last', () => {
    const before = new KeySet();
    const late = buildHistory({
      finalKeys: ({ coordinator }) => {
        for (const key of coordinator) if (key !== '1:7') before.add(parseKey(key).writer, parseKey(key).seq);
      },
      events: (events) =>
        events.flatMap((event): TimedEvent[] => {
          if (event.type !== 'final-read') return [event];
          const read = { ...event.read, present: before.toRanges() };
          return [
            { type: 'read-in-doubt', node: 'coordinator', at: event.at - 30, read },
            // Of a placement: no client reads it.
            { type: 'read-in-doubt', node: 'worker1', partition: 'A', at: event.at - 20, read },
            event,
          ];
        }),
    });
    const all = linesOf(late);
    expect(anomaliesOf(all)).toEqual(['1:7 not seen']);
    const [early, last] = all.filter(({ process, type }) => process === 0 && type === 'ok');
    const seen = (line: Line | undefined) => line?.value.find(([, key]) => key === '1:7')?.[2];
    expect([seen(early), seen(last)]).toEqual([null, 1]);
    expect(all.filter(({ process }) => process === 0).map(({ type }) => type)).toEqual([
      'invoke',
      'ok',
      'invoke',
      'ok',
    ]);
  });

  test('where a read missed more than is named, it says nothing of the rest', () => {
    const history = slower(({ kind, id }) =>
      kind === 'scan' && id > 600 ? { anomaly: { missing: ['1:1'], missingCount: 40 } } : undefined,
    );
    const reads = ofClients(linesOf(history)).filter(
      ({ type, value }) => type === 'ok' && value.some(([, key, v]) => key === '1:1' && v === null),
    );
    expect(reads.length).toBeGreaterThan(0);
    for (const { value } of reads) expect(value).toEqual([['r', '1:1', null]]);
  });

  test('a write without a known end is info, and its process is nobody else’s again', () => {
    const history = slower(({ kind, id }) => (kind === 'write' && id % 10 === 0 ? { outcome: 'unknown' } : undefined));
    const all = ofClients(linesOf(history));
    const unknown = all.filter(({ type }) => type === 'info').map(({ process }) => process);
    expect(unknown.length).toBeGreaterThan(5);
    for (const process of unknown) expect(all.filter((line) => line.process === process).at(-1)?.type).toBe('info');
  });

  test('a read names a bounded number of messages', () => {
    expect(
      Math.max(
        ...ofClients(lines)
          .filter(({ process }) => process !== 0)
          .map(({ value }) => value.length),
      ),
    ).toBe(32);
  });

  test('faults are told as the nemesis', () => {
    const nemesis = lines.filter(({ process }) => process === 'nemesis');
    expect(nemesis.map(({ f, type }) => [f, type])).toEqual(
      ['fault-asked', 'fault-in-effect', 'heal-asked', 'healed'].map((f) => [f, 'info']),
    );
    expect(nemesis[0]?.value).toEqual({ fault: 'node-stop', targets: ['worker1'] });
  });
});
