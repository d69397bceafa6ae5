/** Looks at one node from outside: does it accept SQL? */

import pRetry, { AbortError } from 'p-retry';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { OBSERVER_NAMES } from '../sql/application-names.ts';
import { Session } from '../sql/session.ts';
import type { NodeControl } from './platform.ts';

/** Long enough for a busy machine to answer, short enough for a proof that nobody does. */
const PROBE_TIMEOUT_MS = 1_000;
const RETRY_SPACING_MS = 50;
/** No waiting makes a password right. */
const WRONG_PASSWORD = '28P01';

const OPTIONS = { applicationName: OBSERVER_NAMES.health };

/**
 * Asks a node for `SELECT 1` over a connection of its own.
 * @returns `undefined` when it answered, else why not, with the error's code.
 */
export async function sqlRefusal(node: NodeControl, timeoutMs = PROBE_TIMEOUT_MS): Promise<string | undefined> {
  try {
    await using session = await Session.connect(node.address(), { ...OPTIONS, connectTimeoutMs: timeoutMs });
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
    await using session = await Session.connect(node.address(), { ...OPTIONS, connectTimeoutMs: limitMs });
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
  const startedAt = performance.now();
  const attempt = async () => {
    const refusal = await refusalOf(node);
    if (refusal === undefined) return;
    const hopeless = refusal === WRONG_PASSWORD;
    const refused = new EnvironmentError(
      `${node.name} does not ${node.health ? 'answer' : 'accept SQL'}: ${hopeless ? 'wrong password' : refusal}`,
      {
        code: hopeless ? 'wrong-password' : 'node-not-ready',
      },
    );
    throw hopeless || performance.now() - startedAt > limitMs ? new AbortError(refused) : refused;
  };
  await pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    factor: 1,
    minTimeout: RETRY_SPACING_MS,
    ...(signal ? { signal } : {}),
  });
}
