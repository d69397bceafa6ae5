/** For faults in a cluster whose roles move: what clients of all its nodes, and the servers themselves, know of them. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { ask } from '../../src/contract/contract-session.ts';
import type { FaultCase } from '../../src/contract.ts';
import { oracles } from './oracles.ts';

/** For a row to be sent to the standbys; what is not replayed by then waits for something. */
const REPLAYED_AFTER_MS = 400;
const LOST_WITHIN_MS = 400;
const LOOK_AGAIN_MS = 20;
/** A standby refuses a write with it. */
const READ_ONLY = '25006';

/** What a client of a node is told when it writes: the code of the refusal; `undefined` where the node takes it. */
async function refusalOfWrite(node: NodeControl): Promise<string | undefined> {
  return ask(node, 'CREATE TEMPORARY TABLE of_a_client (i int); DROP TABLE of_a_client').then(
    () => undefined,
    (error: { code?: string }) => error.code ?? String(error),
  );
}

/** The names of the nodes that take writes. */
async function takersAmong(nodes: readonly NodeControl[]): Promise<string[]> {
  const told = await Promise.all(nodes.map(async (node) => ((await refusalOfWrite(node)) === undefined ? [node] : [])));
  return told.flat().map(({ name }) => name);
}

async function twoPrimaries(node: NodeControl, others: readonly NodeControl[]): Promise<string | undefined> {
  const takers = await takersAmong([node, ...others]);
  return takers.length === 2 && takers[0] === node.name ? `${takers.join(' and ')} take writes` : undefined;
}

async function handedOver(node: NodeControl, others: readonly NodeControl[]): Promise<string | undefined> {
  const [refusal, takers] = [await refusalOfWrite(node), await takersAmong(others)];
  return refusal === READ_ONLY && takers.length === 1 ? `${takers[0]} takes writes, and it no more` : undefined;
}

/** It has received a row that the primary took, and whoever reads there does not find it. */
async function receivedAndNotReplayed(node: NodeControl, others: readonly NodeControl[]): Promise<string | undefined> {
  const [primary] = await takersAmong(others);
  const writer = others.find(({ name }) => name === primary);
  if (!writer) return undefined;
  const [written] = await ask(writer, `INSERT INTO messages (body) VALUES ('new') RETURNING id`);
  const [end] = await ask(writer, 'SELECT pg_current_wal_insert_lsn()::text');
  await sleep(REPLAYED_AFTER_MS);
  const [seen] = await ask(
    node,
    `SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() >= '${String(end?.[0])}', max(id) FROM messages`,
  );
  const stale = seen?.[0] === true && Number(seen[1]) < Number(written?.[0]);
  return stale ? `it has received row ${written?.[0]}, and a client reads ${seen[1]} rows` : undefined;
}

/** @returns once no other node receives log, or after a limit. */
async function noneReceives(others: readonly NodeControl[]): Promise<string | undefined> {
  const giveUpAt = performance.now() + LOST_WITHIN_MS;
  for (;;) {
    const receivers = await Promise.all(others.map((node) => ask(node, 'SELECT pid FROM pg_stat_wal_receiver')));
    if (receivers.every((rows) => rows.length === 0)) return 'its standbys receive nothing';
    if (performance.now() > giveUpAt) return undefined;
    await sleep(LOOK_AGAIN_MS);
  }
}

async function allReceive(others: readonly NodeControl[]): Promise<string | undefined> {
  const state = `SELECT pid FROM pg_stat_wal_receiver WHERE status = 'streaming'`;
  const receivers = await Promise.all(others.map((node) => ask(node, state)));
  return receivers.every((rows) => rows.length === 1) ? 'its standbys are still connected to it' : undefined;
}

const known = (name: string) => {
  const oracle = oracles[name];
  if (!oracle) throw new Error(`no oracle for ${name}`);
  return oracle;
};

/** By the name of the fault. A node fault on a primary is what it is on any node, and its standbys see it as well. */
export const roleOracles: Readonly<Record<string, Omit<FaultCase, 'fault'>>> = {
  promote: { on: 'standby', oracle: { kinds: [], looks: twoPrimaries, unlike: 'switchover' } },
  switchover: { on: 'primary', oracle: { kinds: [], looks: handedOver, past: 'restarted', unlike: 'promote' } },
  'replication-pause': {
    on: 'standby',
    oracle: { kinds: ['fresh'], spared: ['fresh'], forMs: 900, looks: receivedAndNotReplayed, unlike: 'promote' },
  },
  'node-stop': { on: 'primary', oracle: { ...known('node-stop'), looks: (_, others) => noneReceives(others) } },
  'node-restart': { on: 'primary', oracle: { ...known('node-restart'), unlike: 'node-kill' } },
  'node-kill': { on: 'primary', oracle: { ...known('node-kill'), looks: (_, others) => noneReceives(others) } },
  'node-pause': {
    on: 'primary',
    oracle: { ...known('node-pause'), looks: (_, others) => allReceive(others), unlike: 'node-kill' },
  },
};
