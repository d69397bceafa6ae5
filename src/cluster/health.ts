/** Looks at one node from outside: does it accept SQL? */

import { EnvironmentError, errorText } from '../model/errors.ts';
import { until } from '../model/until.ts';
import { openSession } from './open-session.ts';
import type { NodeControl } from './platform.ts';

/** Long enough for a busy machine to answer, short enough for a proof that nobody does. */
const PROBE_TIMEOUT_MS = 1_000;
const RETRY_SPACING_MS = 50;
/** No waiting makes a password right. */
const WRONG_PASSWORD = '28P01';

/**
 * Asks a node for `SELECT 1` over a connection of its own.
 * @returns `undefined` when it answered, else why not, with the error's code.
 */
export async function sqlRefusal(node: NodeControl, timeoutMs = PROBE_TIMEOUT_MS): Promise<string | undefined> {
  try {
    await using session = await openSession(node, 'health', { limitMs: timeoutMs });
    await session.query('SELECT 1', [], { timeoutMs });
    return undefined;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return typeof code === 'string' && code !== 'deadline' ? code : errorText(error);
  }
}

/** As `sqlRefusal`, of any node: one that is no server is asked in its own way. */
export async function refusalOf(node: NodeControl, timeoutMs = PROBE_TIMEOUT_MS): Promise<string | undefined> {
  return node.health ? node.health(timeoutMs) : sqlRefusal(node, timeoutMs);
}

/** What a node that serves does, for a proof: `accepts SQL`. */
export function servesAs({ health }: NodeControl): string {
  return health ? 'answers' : 'accepts SQL';
}

/** Whether a node answers a new connection nothing, neither a session nor a refusal. */
export async function isSilent(node: NodeControl, limitMs: number): Promise<boolean> {
  try {
    await using session = await openSession(node, 'health', { limitMs });
    await session.query('SELECT 1', [], { timeoutMs: limitMs });
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'deadline';
  }
}

/**
 * Waits until a node serves: a server accepts SQL, any other answers in its own way.
 * @throws EnvironmentError after `limitMs`, with the last refusal; at once where the password is refused.
 */
export async function untilServes(node: NodeControl, limitMs: number, signal?: AbortSignal): Promise<void> {
  const notReady = (refusal: string, code: string) =>
    new EnvironmentError(`${node.name} does not ${node.health ? 'answer' : 'accept SQL'}: ${refusal}`, { code });
  const refusal = await until({ limitMs, everyMs: RETRY_SPACING_MS, signal }, async () => {
    const refusal = await refusalOf(node);
    if (refusal === WRONG_PASSWORD) throw notReady('wrong password', 'wrong-password');
    return refusal;
  });
  if (refusal !== undefined) throw notReady(refusal, 'node-not-ready');
}
