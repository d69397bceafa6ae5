/** Sessions that a fault opens on its targets: tagged with the act's mark, ended by its undo. */

import { openSession } from '../cluster/open-session.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { type EnvironmentError, errorText } from '../model/errors.ts';
import { type Patience, until } from '../model/until.ts';
import type { Row, Session } from '../sql/session.ts';
import type { FaultContext, Undo, UndoContext } from './fault.ts';

/** Generous: the node serves, but may be busy. */
export const STATEMENT_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 20;

/** Opens a session with the mark as its application name. */
export async function openMarked(node: NodeControl, mark: string): Promise<Session> {
  const { Session } = await import('../sql/session.ts');
  return Session.connect(node.address(), { applicationName: mark, connectTimeoutMs: STATEMENT_LIMIT_MS });
}

/** As `openMarked`; closed before the undos run. */
export async function holdMarked(node: NodeControl, { mark, hold }: Pick<FaultContext, 'mark' | 'hold'>) {
  return hold(await openMarked(node, mark));
}

/** Runs one statement in a new session. */
export async function askOnce(node: NodeControl, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  await using session = await openSession(node, 'fault', { limitMs: STATEMENT_LIMIT_MS });
  return await session.query(text, values, { timeoutMs: STATEMENT_LIMIT_MS });
}

/** Runs statements without parameters in a new session. */
export async function executeOnce(node: NodeControl, text: string): Promise<void> {
  await using session = await openSession(node, 'fault', { limitMs: STATEMENT_LIMIT_MS });
  await session.execute(text, STATEMENT_LIMIT_MS);
}

/** The SQLSTATE with which a node refuses statements; `undefined` if it runs them. */
export async function refusedWith(node: NodeControl, text: string): Promise<string | undefined> {
  try {
    await executeOnce(node, text);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

/**
 * Looks every 20 ms until nothing is wrong; a look that fails counts as wrong.
 * @param wrong the error for what a look has seen, if any.
 * @returns what the last look has seen.
 * @throws the last error at the limit.
 */
export async function untilSeen<T>(
  patience: Patience,
  look: () => Promise<T>,
  wrong: (seen: T) => EnvironmentError | undefined,
): Promise<T> {
  let seen: T | undefined;
  const failure = await until({ ...patience, everyMs: LOOK_AGAIN_MS }, async () => {
    try {
      seen = await look();
      return wrong(seen);
    } catch (error) {
      return error;
    }
  });
  if (failure !== undefined) throw failure;
  return seen as T;
}

/** The undo of every fault that only holds sessions open. */
export function undoByEnding({ name }: Pick<NodeControl, 'name'>): Undo {
  return { action: 'end-sessions', node: name };
}

/**
 * Ends all sessions with the mark. If the process that held them died, the server has ended most of them already.
 */
export async function endMarked(_undo: Undo, node: NodeControl, { mark, signal }: UndoContext): Promise<string> {
  // Retries until the caller's limit: all connections may still be taken, or the server may be starting.
  await until({ limitMs: Number.POSITIVE_INFINITY, everyMs: LOOK_AGAIN_MS, signal }, async () => {
    try {
      await askOnce(node, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [mark]);
      const [row] = await askOnce(node, 'SELECT count(*) FROM pg_stat_activity WHERE application_name = $1', [mark]);
      return Number(row?.[0]) || undefined;
    } catch (error) {
      return errorText(error);
    }
  });
  return 'no session of this act is left';
}
