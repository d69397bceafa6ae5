/** Undoes acts and verifies that, during a run and after a crash. Not abortable: healing is only limited in time. */

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
/** Twice PostgreSQL's default wait before a reader reconnects. */
const RECONNECT_MS = 10_000;
/** Citus finishes prepared transactions once a minute. */
export const WHOLE_LIMIT_MS = 75_000;
/** For undoing one act on one node, and again for the node to serve. */
const HEAL_LIMIT_MS = 60_000;

export interface HealOptions {
  readonly nodes: readonly NodeControl[];
  readonly faults: ReadonlyMap<string, Fault>;
  /** The manager that decides roles; none by default. */
  readonly manager?: Manager | undefined;
  /** Called after every undo that succeeded. */
  readonly kept: (id: number) => void;
  /** Undoes the acts on a node that may have to return in another role; by default just undoes them. */
  readonly comeBack?: (node: NodeControl, undo: () => Promise<string>) => Promise<string>;
  /** For each undo; a minute by default. */
  readonly limitMs?: number;
}

export interface Healing {
  /** The proof that each node is healthy, in words. */
  readonly proofs: readonly string[];
  /** What could not be undone or verified, in words; its undos stay pending. */
  readonly failures: readonly string[];
}

/**
 * Carries out undos: in the given order on each node, the nodes in parallel. Continues after a failure.
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
  /** Time limit for replication to catch up and prepared transactions to end. */
  readonly limitMs: number;
  /**
   * For how long packets may have been lost; 0 by default. A reader may need as long again to notice that they pass: TCP doubles
   * its wait before it sends one again.
   */
  readonly lostForMs?: number;
  readonly signal?: AbortSignal;
  /** Nodes of a user: slots without a reader are the user's business, and a standby must stream. */
  readonly ofOthers?: boolean;
}

/**
 * Waits until every reader of a node's WAL has confirmed what was in it at the start, and all transactions prepared
 * then have ended. Undos of single nodes cannot verify this.
 * @returns what is left at the limit, or could not be checked, in words; empty where all is well.
 * @throws the signal's reason.
 */
export async function untilWhole(nodes: readonly NodeControl[], options: WholeOptions): Promise<string[]> {
  const left = await Promise.all(nodes.map((node) => untilNodeWhole(node, options)));
  return left.flat();
}

async function untilNodeWhole(node: NodeControl, options: WholeOptions): Promise<string[]> {
  const { limitMs, lostForMs = 0, signal, ofOthers = false } = options;
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
      // A reader that has been gone for this long does not come back by itself.
      const hopeless = idle.length === left.length && waitedMs > RECONNECT_MS + lostForMs;
      if (left.length === 0 || hopeless || waitedMs > limitMs) return left;
      // Polls quickly at first, so that a short wait stays short.
      const restMs = Math.min(POLL_MS, Math.max(LEAST_POLL_MS, waitedMs));
      await sleep(restMs, undefined, signal ? { signal } : {});
    }
  } catch (error) {
    signal?.throwIfAborted();
    return [`${node.name}: could not be checked: ${errorText(error)}`];
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
  if (!fault) throw new EnvironmentError(`cannot undo ${name}: this pgquake has no such fault`, { code: 'not-healed' });
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
  // After the limit its outcome is ignored.
  undoing.catch(() => undefined);
  return await Promise.race([undoing, passed]);
}

/** Repeats an undo, which is harmless twice, while the server gives no answer in time: it may be busy. */
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
