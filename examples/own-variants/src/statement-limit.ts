/** A fault: `statement_timeout` on a node is set far too low. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineFault,
  EnvironmentError,
  type NodeControl,
  positiveDuration,
  quoteText,
  type Row,
  Session,
  z,
} from 'pgquake';

const LIMIT_MS = 5_000;
const LOOK_AGAIN_MS = 20;

async function ask(node: NodeControl, statement: string): Promise<Row[]> {
  await using session = await Session.connect(node.address(), {
    applicationName: 'statement-limit',
    connectTimeoutMs: LIMIT_MS,
  });
  return await session.query(statement, [], { timeoutMs: LIMIT_MS });
}

/** Asks until the answer is the wanted one: a reload is asynchronous. */
async function until(node: NodeControl, wanted: (value: string) => boolean, signal?: AbortSignal): Promise<string> {
  const giveUpAt = performance.now() + LIMIT_MS;
  for (;;) {
    const [row] = await ask(node, "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'");
    const value = String(row?.[0]);
    if (wanted(value)) return value;
    if (performance.now() > giveUpAt) {
      throw new EnvironmentError(`${node.name}: statement_timeout is still ${value}`, { code: 'setting-unchanged' });
    }
    await sleep(LOOK_AGAIN_MS, undefined, signal && { signal });
  }
}

export const statementLimit = defineFault({
  name: 'statement-limit',
  summary: 'Cancels every statement on a node that exceeds a time limit (statement_timeout).',
  params: z.strictObject({
    limit: positiveDuration.prefault('100ms').describe('The time limit of a statement.'),
  }),
  needs: [],

  async inject(targets, { limit }, { defer }) {
    for (const node of targets) {
      const [row] = await ask(
        node,
        "SELECT setting FROM pg_file_settings WHERE name = 'statement_timeout' AND sourcefile LIKE '%/postgresql.auto.conf'",
      );
      // Recorded before the act, so that "pgquake heal" can undo it after a crash.
      await defer({ action: 'restore', node: node.name, detail: { before: row?.[0] ?? null, limit } });
      await ask(node, `ALTER SYSTEM SET statement_timeout = ${limit}`);
      await ask(node, 'SELECT pg_reload_conf()');
    }
  },

  async prove(targets, { limit }) {
    const proofs: string[] = [];
    for (const node of targets) {
      await until(node, (value) => value === String(limit));
      const code = await ask(node, `SELECT pg_sleep(${(2 * limit) / 1_000})`).then(
        () => 'none',
        (error: { code?: string }) => error.code,
      );
      if (code !== '57014') {
        const seen = `${node.name}: a statement of ${2 * limit} ms ended with ${code}`;
        throw new EnvironmentError(seen, { code: 'statement-not-ended' });
      }
      proofs.push(`${node.name}: a statement of ${2 * limit} ms was ended (57014)`);
    }
    return proofs.join('; ');
  },

  async undo({ detail }, node, { signal }) {
    const { before, limit } = detail as { before: string | null; limit: number };
    const reset = 'ALTER SYSTEM RESET statement_timeout';
    await ask(node, before === null ? reset : `ALTER SYSTEM SET statement_timeout = ${quoteText(before)}`);
    await ask(node, 'SELECT pg_reload_conf()');
    return `statement_timeout is ${await until(node, (value) => value !== String(limit), signal)} again`;
  },
});
