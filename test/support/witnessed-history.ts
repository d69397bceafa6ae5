/** Written histories of a cluster whose roles move: who was asked by the witness, who acknowledged, who has what in the end. */

import type { NodeInfo, RunEvent, TimedEvent } from '../../src/model/event.ts';
import type { History, Operation } from '../../src/model/history.ts';
import { formatKey, KeySet } from '../../src/model/key-ranges.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { Roles, SeenRole } from '../../src/model/roles.ts';
import type { NodeName } from '../../src/model/topology.ts';
import { buildHistory, type HistorySpec, REFUSED } from './history-builder.ts';

export const MEMBERS: readonly NodeName[] = ['pg1', 'pg2', 'pg3'];

/** What a node does from one moment to another. */
export interface NodeDoes {
  readonly node: NodeName;
  readonly fromMs: number;
  readonly toMs: number;
  /** `acknowledges` on a timeline, 1 by default; `standby` answers as one; `fails` answers with an error. */
  readonly does: 'acknowledges' | 'standby' | 'fails';
  readonly timeline?: number;
  /** 50 ms by default. */
  readonly everyMs?: number;
  /** From sent until answered; 2 ms by default. */
  readonly tookMs?: number;
}

export interface WitnessedSpec {
  readonly does: readonly NodeDoes[];
  /** The primary in the end, with its timeline; no node is read where it is absent. */
  readonly final?: { readonly node: NodeName; readonly timeline: number };
  /** Whether an acknowledged row is there in the end; all are by default. */
  readonly keeps?: (row: { readonly node: NodeName; readonly seq: number; readonly settledAt: number }) => boolean;
  readonly more?: readonly TimedEvent[];
  /** Of the load and of the faults. */
  readonly history?: HistorySpec;
}

const INFO: readonly NodeInfo[] = MEMBERS.map((name) => ({
  name,
  role: 'worker',
  address: '127.0.0.1:5432',
  version: 'PostgreSQL 18.4',
}));

const ROUTES = [
  { name: 'direct', access: 'write' },
  { name: 'standby', access: 'read' },
] as const;

type Role = { readonly role: 'standby' } | { readonly role: 'primary'; readonly timeline: number };

export function witnessedHistory({ does, final, keeps = () => true, more = [], history }: WitnessedSpec): History {
  const built = buildHistory({ workers: 3, replication: 3, partitions: 1, acts: [{ targets: ['pg1'] }], ...history });
  const operations: Operation[] = [];
  const answers: Answer[] = [];
  const present = new KeySet();
  const seqs = new Map<NodeName, number>();
  for (const one of does.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const { node, everyMs = 50, tookMs = 2, timeline = 1 } = one;
    const number = MEMBERS.indexOf(node) + 1;
    for (let sentAt = one.fromMs; sentAt < one.toMs; sentAt += everyMs) {
      const settledAt = sentAt + tookMs;
      const of = {
        id: operations.length + 1,
        partitionKey: number,
        intendedAt: sentAt,
        sentAt,
        settledAt,
        session: number,
      };
      if (one.does === 'fails') {
        operations.push({ ...of, kind: 'kept-ask', outcome: 'fail', errorCode: 'ECONNREFUSED' });
        continue;
      }
      const as: Role = one.does === 'standby' ? { role: 'standby' } : { role: 'primary', timeline };
      answers.push({ node, sentAt, settledAt, as });
      if (one.does === 'standby') {
        operations.push({ ...of, kind: 'kept-ask', outcome: 'ok' });
        continue;
      }
      const seq = (seqs.get(node) ?? 0) + 1;
      seqs.set(node, seq);
      operations.push({ ...of, kind: 'kept-write', outcome: 'ok', key: formatKey(number, seq) });
      if (keeps({ node, seq, settledAt })) present.add(number, seq);
    }
  }
  const said = MEMBERS.flatMap((node) => saidOf(answers.filter((answer) => answer.node === node)));
  const endMs = built.events.at(-1)?.at ?? 0;
  const ending: RunEvent[] = [
    { type: 'witness-kept', intended: operations.length },
    ...(final ? [{ type: 'witness-read', ...final, role: 'primary', present: present.toRanges() } as const] : []),
  ];
  const events = built.events.map((event) =>
    event.type === 'cluster-formed' ? { ...event, nodes: INFO, routes: ROUTES } : event,
  );
  return {
    ...built,
    events: [...events, ...said, ...more, ...ending.map((event) => ({ at: endMs - 150, ...event }))].sort(
      (a, b) => a.at - b.at,
    ),
    witness: OperationTable.inOrder(operations),
  };
}

interface Answer {
  readonly node: NodeName;
  readonly sentAt: number;
  readonly settledAt: number;
  readonly as: Role;
}

/** What the witness says of one node, in the order of its answers: at the first, and whenever its role is another. */
function saidOf(answers: readonly Answer[]): TimedEvent[] {
  const inOrder = answers.toSorted((a, b) => a.settledAt - b.settledAt);
  return inOrder.flatMap(({ node, settledAt, as }, i) => {
    const before = inOrder[i - 1];
    if (before && JSON.stringify(before.as) === JSON.stringify(as)) return [];
    return [{ at: settledAt, type: 'witness-saw', node, ...as, ...(before ? { sinceMs: before.sentAt } : {}) }];
  });
}

/** pg1 takes writes until it is struck, pg2 from `promotedMs` on timeline 2, pg3 never. */
export function failedOver(struckMs: number, promotedMs: number, endMs: number): readonly NodeDoes[] {
  return [
    { node: 'pg1', fromMs: 1_000, toMs: struckMs, does: 'acknowledges' },
    { node: 'pg1', fromMs: struckMs, toMs: endMs, does: 'fails', everyMs: 250 },
    { node: 'pg2', fromMs: 1_000, toMs: promotedMs, does: 'standby' },
    { node: 'pg2', fromMs: promotedMs, toMs: endMs, does: 'acknowledges', timeline: 2 },
    { node: 'pg3', fromMs: 1_000, toMs: endMs, does: 'standby' },
  ];
}

/**
 * A primary that freezes and goes on, without anybody who fences it: pg1 takes writes again from 6 s to 8 s, on timeline 1,
 * though pg2 has taken its place at 4 s. What pg1 acknowledged since it froze is gone in the end.
 */
export const WOKEN: readonly NodeDoes[] = [
  { node: 'pg1', fromMs: 1_000, toMs: 2_950, does: 'acknowledges' },
  // Sent before it froze, answered when it goes on.
  { node: 'pg1', fromMs: 2_990, toMs: 3_000, does: 'acknowledges', tookMs: 3_010 },
  { node: 'pg1', fromMs: 3_100, toMs: 5_200, does: 'fails', everyMs: 1_000, tookMs: 1_000 },
  { node: 'pg1', fromMs: 6_050, toMs: 8_000, does: 'acknowledges' },
  { node: 'pg2', fromMs: 1_000, toMs: 4_000, does: 'standby' },
  { node: 'pg2', fromMs: 4_000, toMs: 9_000, does: 'acknowledges', timeline: 2 },
];

export function wokenPrimary(history: HistorySpec = {}): History {
  const roles = (pg1: SeenRole, pg2: SeenRole): Roles => ({
    pg1,
    pg2,
    pg3: { ...STREAMS, timeline: pg2.timeline ?? 1 },
  });
  const look = (at: number, seen: Roles): TimedEvent => ({ at, type: 'roles-seen', roles: seen });
  const step = (at: number, name: 'noticed' | 'elected' | 'promoted'): TimedEvent => ({
    at,
    type: 'failover',
    step: name,
    from: 'pg1',
    ...(name === 'noticed' ? {} : { to: 'pg2' }),
    detail: 'it has received most',
  });
  const primary = (timeline: number): SeenRole => ({ role: 'primary', timeline });
  return witnessedHistory({
    does: [...WOKEN, { node: 'pg3', fromMs: 1_000, toMs: 9_000, does: 'standby' }],
    final: { node: 'pg2', timeline: 2 },
    keeps: ({ node, settledAt }) => node === 'pg2' || settledAt < 3_000,
    more: [
      look(1_000, roles(primary(1), STREAMS)),
      look(3_500, roles({ role: 'unknown' }, STREAMS)),
      step(3_700, 'noticed'),
      step(3_750, 'elected'),
      step(3_950, 'promoted'),
      look(4_100, roles({ role: 'unknown' }, primary(2))),
      look(6_100, roles(primary(1), primary(2))),
      look(8_500, roles({ ...STREAMS, timeline: 2 }, primary(2))),
    ],
    history: {
      acts: [{ fault: 'node-pause', targets: ['pg1'], effect: 'frozen', forMs: 2_990 }],
      answer: (one) => (one.kind === 'write' && one.sentAt >= 3_000 && one.sentAt < 4_200 ? REFUSED : undefined),
      ...history,
    },
  });
}

const STREAMS: SeenRole = { role: 'standby', timeline: 1, state: 'streaming' };
