/** Sessions that a fault opens on a node it strikes: known by the mark of the act, ended by its undo. */

import { openSession } from '../cluster/open-session.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { until } from '../model/until.ts';
import type { Row, Session } from '../sql/session.ts';
import type { FaultContext, Undo, UndoContext } from './fault.ts';

/** For a node that serves, though it may be busy. */
export const STATEMENT_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 20;

/** A session that carries the mark, so that it can be told from everybody else's. */
export async function openMarked(node: NodeControl, mark: string): Promise<Session> {
  const { Session } = await import('../sql/session.ts');
  return Session.connect(node.address(), { applicationName: mark, connectTimeoutMs: STATEMENT_LIMIT_MS });
}

/** As `openMarked`; closed before the undos run. */
export async function holdMarked(node: NodeControl, { mark, hold }: Pick<FaultContext, 'mark' | 'hold'>) {
  return hold(await openMarked(node, mark));
}

/** Runs one statement in a session of its own. */
export async function askOnce(node: NodeControl, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  await using session = await openSession(node, 'fault', { limitMs: STATEMENT_LIMIT_MS });
  return await session.query(text, values, { timeoutMs: STATEMENT_LIMIT_MS });
}

/** Runs several statements without parameters, in a session of their own. */
export async function executeOnce(node: NodeControl, text: string): Promise<void> {
  await using session = await openSession(node, 'fault', { limitMs: STATEMENT_LIMIT_MS });
  await session.execute(text, STATEMENT_LIMIT_MS);
}

/** How many sessions of a mark a node has. */
export async function countMarked(node: NodeControl, mark: string): Promise<number> {
  const [row] = await askOnce(node, 'SELECT count(*) FROM pg_stat_activity WHERE application_name = $1', [mark]);
  return Number(row?.[0]);
}

/** The undo of every fault that only holds sessions open. */
export function undoByEnding({ name }: Pick<NodeControl, 'name'>): Undo {
  return { action: 'end-sessions', node: name };
}

/**
 * Ends all sessions with the mark. Where the process that held them is gone, so are most of them: the
 * server ends what lost its client.
 */
export async function endMarked(_undo: Undo, node: NodeControl, { mark, signal }: UndoContext): Promise<string> {
  // Until the caller's limit: all connections may still be taken, or the server may be starting.
  await until({ limitMs: Number.POSITIVE_INFINITY, everyMs: LOOK_AGAIN_MS, signal }, async () => {
    try {
      await askOnce(node, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [mark]);
      return (await countMarked(node, mark)) || undefined;
    } catch (error) {
      return errorText(error);
    }
  });
  return 'none of the sessions of this act is left';
}

export function withoutEffect(node: Pick<NodeControl, 'name'>, what: string): EnvironmentError {
  return new EnvironmentError(`${node.name}: ${what}`, { code: 'fault-without-effect' });
}

/** The proof of every target, in words, each behind its node's name. */
export async function proveEach(
  targets: readonly NodeControl[],
  proofOf: (node: NodeControl, index: number) => Promise<string>,
): Promise<string> {
  const proofs = await Promise.all(targets.map(async (node, i) => `${node.name}: ${await proofOf(node, i)}`));
  return proofs.join('; ');
}
