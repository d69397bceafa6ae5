/** The chat: rooms, members and messages, distributed by room. `keyed-rows.ts` defines the contents of a message. */

import { z } from 'zod';
import type { OperationKind } from '../model/history.ts';
import { initialRows, keyedLedger, keyedTable } from './keyed-rows.ts';
import { KeyedRun } from './keyed-run.ts';
import { pace, pacedKind } from './pace.ts';
import { range } from './rows.ts';
import type { Workload } from './workload.ts';

const TABLE = keyedTable('messages', ['room_id', 'writer', 'seq', 'member_id', 'body'], 'room');

const params = z.strictObject({
  rooms: z.int().min(1).max(100_000).default(100).describe('Rooms; the tables are distributed by room.'),
  'members-per-room': z.int().min(1).max(1_000).default(2).describe('Members of each room.'),
  'messages-per-room': z.int().min(1).max(10_000).default(5).describe('Messages of each room before the run.'),
  read: pace('200/s', '2s').describe('Reads all messages of one room; every room in turn, in shuffled rounds.'),
  scan: pace('5/s', '2s').describe('Reads all messages of all rooms, so of every shard.'),
  write: pace('50/s', '2s').describe('Adds one message to a room.'),
});

type ChatParams = z.output<typeof params>;

export const chat = {
  name: 'chat',
  summary: 'Chat rooms with members and messages; room reads, full scans and new messages.',
  source: import.meta.url,
  params,

  kinds: (chat): OperationKind[] => [
    pacedKind({ name: 'read', access: 'read', scope: 'partition' }, chat.read),
    pacedKind({ name: 'scan', access: 'read', scope: 'all' }, chat.scan),
    pacedKind({ name: 'write', access: 'write', scope: 'partition' }, chat.write),
  ],

  dataset: (chat) => ({
    partitionKeys: range(chat.rooms),
    tables: [
      {
        name: 'rooms',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'name', type: 'text' },
        ],
        primaryKey: ['room_id'],
        rows: range(chat.rooms).map((room) => [room, `room ${room}`]),
      },
      {
        name: 'room_members',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'member_id', type: 'int' },
        ],
        primaryKey: ['room_id', 'member_id'],
        rows: range(chat.rooms * chat['members-per-room']).map((member) => [
          Math.ceil(member / chat['members-per-room']),
          member,
        ]),
      },
      {
        name: 'messages',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'writer', type: 'int' },
          { name: 'seq', type: 'int' },
          { name: 'member_id', type: 'int' },
          { name: 'body', type: 'text' },
        ],
        primaryKey: ['room_id', 'writer', 'seq'],
        rows: initialRows(chat),
      },
    ],
  }),

  start: (chat, seed, writer?: number) => new KeyedRun(TABLE, chat, seed, writer),

  ledger: keyedLedger<ChatParams>(TABLE, (chat) => chat),
} satisfies Workload<ChatParams>;
