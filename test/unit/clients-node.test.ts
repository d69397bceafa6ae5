import { expect, test } from 'vitest';
import { clientsNode } from '../../src/measure/clients.ts';
import { Witnesses } from '../../src/measure/witnesses.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import { buildHistory } from '../support/history-builder.ts';
import { ring, undivided } from '../support/sharded.ts';

const ROWS = { table: 'messages', columns: 'room_id, seq', key: 'writer, seq' };

const streaming = (primaries: readonly string[]) => {
  const history = buildHistory({
    events: (events) => [
      ...events.map(
        (event): TimedEvent =>
          event.type === 'cluster-formed'
            ? { ...event, placement: { partitions: ring(undivided(3)), partitionOfKey: {} } }
            : event,
      ),
      ...primaries.map(
        (primary, i): TimedEvent => ({
          at: 1_000 * (i + 1),
          type: 'roles-seen',
          roles: Object.fromEntries(
            ['pg1', 'pg2', 'pg3'].map((name) => [name, { role: name === primary ? 'primary' : 'standby' }]),
          ),
        }),
      ),
    ],
  });
  return { ...history, run: { ...history.run, rows: ROWS } };
};

const sqlOf = (history: ReturnType<typeof streaming>) => {
  const found = new Witnesses();
  found.add('1:7');
  return found.figures(history).sql;
};

test('where every statement passes one node, clients see rows there', () => {
  const history = buildHistory();
  expect(clientsNode(history)).toBe('coordinator');
  expect(sqlOf({ ...history, run: { ...history.run, rows: ROWS } })).toEqual([
    'SELECT room_id, seq FROM messages WHERE (writer, seq) IN ((1, 7)); -- on coordinator',
  ]);
});

test('where roles move, the SQL that looks again names the primary that was seen last', () => {
  expect(sqlOf(streaming(['pg1', 'pg2']))).toEqual([
    'SELECT room_id, seq FROM messages WHERE (writer, seq) IN ((1, 7)); -- on pg2',
  ]);
});

test('without a primary in the end it names none', () => {
  expect(clientsNode(streaming(['pg1', 'nobody']))).toBeUndefined();
  expect(sqlOf(streaming([]))).toEqual([
    'SELECT room_id, seq FROM messages WHERE (writer, seq) IN ((1, 7)); -- on the primary',
  ]);
});
