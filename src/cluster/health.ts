/** Checks from outside whether a node accepts SQL. */

import { EnvironmentError, errorText } from '../model/errors.ts';
import { until } from '../model/until.ts';
import { openSession } from './open-session.ts';
import type { NodeControl } from './platform.ts';

/** Long enough for a busy machine, short enough for a proof that a node does not answer. */
const PROBE_TIMEOUT_MS = 1_000;
const RETRY_SPACING_MS = 50;
/** Waiting does not fix a wrong password. */
const WRONG_PASSWORD = '28P01';

/**
 * Sends `SELECT 1` to a node on a new connection.
 * @returns `undefined` if it answered, else the error's code or text.
 */
export async function sqlRefusal(node: NodeControl, timeoutMs = PROBE_TIMEOUT_MS): Promise<string | undefined> {
  try {
    await ask(node, timeoutMs);
    return undefined;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return typeof code === 'string' && code !== 'deadline' ? code : errorText(error);
  }
}

async function ask(node: NodeControl, timeoutMs: number): Promise<void> {
  await using session = await openSession(node, 'health', { limitMs: timeoutMs });
  await session.query('SELECT 1', [], { timeoutMs });
}

/** As `sqlRefusal`; a node that is not a PostgreSQL server has its own health check. */
export async function refusalOf(node: NodeControl, timeoutMs = PROBE_TIMEOUT_MS): Promise<string | undefined> {
  return node.health ? node.health(timeoutMs) : sqlRefusal(node, timeoutMs);
}

/** How a proof describes a healthy node: `accepts SQL`. */
export function servesAs({ health }: NodeControl): string {
  return health ? 'answers' : 'accepts SQL';
}

/** Whether a node gives a new connection no answer at all, not even a refusal. */
export async function isSilent(node: NodeControl, limitMs: number): Promise<boolean> {
  try {
    await ask(node, limitMs);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'deadline';
  }
}

/**
 * Waits until a node serves: a server accepts SQL, another node passes its own health check.
 * @throws EnvironmentError after `limitMs`, with the last refusal; at once if the password is wrong.
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
