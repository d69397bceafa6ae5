/**
 * Takes acts back and looks whether that worked: the one way to heal, during a run, at its end, and after a
 * crash of pgquake. Not abortable: healing is never skipped, it only has time limits.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { servesAs, untilServes } from '../cluster/health.ts';
import { preparedHere } from '../cluster/leftovers.ts';
import type { Manager } from '../cluster/manager.ts';
import { openSession } from '../cluster/open-session.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { logEnd, readersBehind, waitsForPrimary } from '../cluster/replication.ts';
import type { Fault } from '../faults/fault.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { formatCount } from '../model/units.ts';
import { pause } from '../model/until.ts';
import type { PendingUndo } from './undo-journal.ts';

const CONNECT_LIMIT_MS = 5_000;
const POLL_MS = 100;
const LEAST_POLL_MS = 20;
/** Twice what PostgreSQL waits by default before it connects again. */
const RECONNECT_LIMIT_MS = 10_000;
/** Citus finishes what was prepared once a minute. */
export const WHOLE_LIMIT_MS = 75_000;
/** For one act on one node to be taken back, and once more for the node to be seen well. */
const HEAL_LIMIT_MS = 60_000;

export interface HealOptions {
  readonly nodes: readonly NodeControl[];
  readonly faults: ReadonlyMap<string, Fault>;
  /** Who decides roles; nobody by default. */
  readonly manager?: Manager | undefined;
  /** Hears of every undo that was carried out. */
  readonly kept: (id: number) => void;
  /** Takes the acts on a node back, where it may have to return as another than it was. Just that by default. */
  readonly comeBack?: (node: NodeControl, undo: () => Promise<string>) => Promise<string>;
  /** Of each undo; a minute by default. */
  readonly limitMs?: number;
}

export interface Healing {
  /** What shows that each node is well, in words. */
  readonly proofs: readonly string[];
  /** What could not be taken back or verified, in words; its undos stay pending. */
  readonly failures: readonly string[];
}

/**
 * Carries out undos: on each node one after the other in the given order, the nodes side by side. One that
 * fails keeps no other from being tried.
 * @param pending newest first.
 */
export async function undoAll(pending: readonly PendingUndo[], options: HealOptions): Promise<Healing> {
  const byNode = Map.groupBy(pending, ({ undo }) => undo.node);
  const healed = await Promise.all([...byNode].map(([name, owed]) => healNode(name, owed, options)));
  return {
    proofs: healed.flatMap(({ proofs }) => proofs).sort(),
    failures: healed.flatMap(({ failures }) => failures),
  };
}

export interface WholeOptions {
  /** For replication to catch up and prepared transactions to end. */
  readonly limitMs: number;
  readonly signal?: AbortSignal;
  /** Nodes that pgquake did not make: slots without a reader are their people's business, and a standby has to stream. */
  readonly ofOthers?: boolean;
}

/**
 * What undos of single nodes cannot tell: waits until every reader of a node's log has confirmed what was in it
 * at the start, and no transaction that was prepared then is left.
 * @returns what is left at the limit, or could not be looked at, in words; empty where all is well.
 * @throws the signal's reason.
 */
export async function untilWhole(nodes: readonly NodeControl[], options: WholeOptions): Promise<string[]> {
  const left = await Promise.all(nodes.map((node) => untilNodeWhole(node, options)));
  return left.flat();
}

async function untilNodeWhole(node: NodeControl, options: WholeOptions): Promise<string[]> {
  const { limitMs, signal, ofOthers = false } = options;
  const startedAt = performance.now();
  try {
    await using session = await openSession(node, 'healed', { limitMs: CONNECT_LIMIT_MS });
    const end = await logEnd(session);
    const prepared = new Set(await preparedHere(session));
    for (;;) {
      const still = (await preparedHere(session)).filter((gid) => prepared.has(gid));
      const { late, idle: waiting } = end === undefined ? { late: [], idle: [] } : await readersBehind(session, end);
      const idle = ofOthers ? [] : waiting;
      const cutOff = ofOthers && end === undefined && (await waitsForPrimary(session)) ? ['does not stream'] : [];
      const unfinished = still.length > 0 ? [`${formatCount(still.length, 'prepared transaction')} not finished`] : [];
      const left = [...late, ...cutOff, ...idle, ...unfinished].map((words) => `${node.name}: ${words}`);
      const waitedMs = performance.now() - startedAt;
      // A reader that is gone for so long does not come back by itself.
      const hopeless = idle.length === left.length && waitedMs > RECONNECT_LIMIT_MS;
      if (left.length === 0 || hopeless || waitedMs > limitMs) return left;
      // What is nearly done is not waited for longer than it takes.
      const restMs = Math.min(POLL_MS, Math.max(LEAST_POLL_MS, waitedMs));
      await sleep(restMs, undefined, signal ? { signal } : {});
    }
  } catch (error) {
    signal?.throwIfAborted();
    return [`${node.name}: could not be looked at: ${errorText(error)}`];
  }
}

async function healNode(name: string, owed: readonly PendingUndo[], options: HealOptions): Promise<Healing> {
  const { nodes, kept, comeBack = (_node, undo) => undo(), limitMs = HEAL_LIMIT_MS } = options;
  const node = nodes.find((candidate) => candidate.name === name);
  if (!node) return { proofs: [], failures: [`the cluster has no node ${name}`] };
  const undone: { readonly id: number; readonly proof: string }[] = [];
  const failures: string[] = [];
  const undo = async () => {
    for (const entry of owed) {
      try {
        undone.push({ id: entry.id, proof: await undoOne(entry, node, options) });
      } catch (error) {
        failures.push(errorText(error));
      }
    }
    return [...new Set(undone.map(({ proof }) => proof))].join(', ');
  };
  let words: string;
  try {
    words = await comeBack(node, undo);
    if (undone.length === 0) return { proofs: [], failures };
    await untilServes(node, limitMs);
    const state = await node.state();
    if (state !== 'running') throw new Error(`${name} is ${state} after its undo`);
  } catch (error) {
    return { proofs: [], failures: [...failures, errorText(error)] };
  }
  for (const { id } of undone) kept(id);
  return { proofs: [`${name}: ${words}, ${servesAs(node)}`], failures };
}

async function undoOne({ fault: name, mark, undo }: PendingUndo, node: NodeControl, options: HealOptions) {
  const { nodes, faults, manager, limitMs = HEAL_LIMIT_MS } = options;
  const fault = faults.get(name);
  if (!fault) throw new EnvironmentError(`nobody knows how to undo ${name}`, { code: 'not-healed' });
  const limit = AbortSignal.timeout(limitMs);
  const passed = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () =>
      reject(
        new EnvironmentError(`${node.name}: the undo of ${name} took more than ${limitMs / 1_000} s`, {
          code: 'not-healed',
        }),
      ),
    );
  });
  const once = () => fault.undo(undo, node, { mark, nodes, signal: limit, ...(manager ? { manager } : {}) });
  const undoing = untilAnswered(once, limit);
  // What is still under way when the limit has passed has nobody to report to.
  undoing.catch(() => undefined);
  return await Promise.race([undoing, passed]);
}

/** An undo can be done again. A server that gave no answer in time may be busy, and is asked again. */
async function untilAnswered(undo: () => Promise<string>, limit: AbortSignal): Promise<string> {
  for (;;) {
    try {
      return await undo();
    } catch (error) {
      if (limit.aborted || (error as { code?: string }).code !== 'deadline') throw error;
    }
    await pause(POLL_MS, limit);
  }
}
