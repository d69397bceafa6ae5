/** `read-only`: the node refuses writes, as after a failover that went wrong. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import type { Patience } from '../model/until.ts';
import { quoteText } from '../sql/quote.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { askOnce, refusedWith, untilSeen } from './own-sessions.ts';
import { lackingRight, SUPERUSER } from './rights.ts';

const SETTING = 'default_transaction_read_only';
const READ_ONLY = '25006';
const PROOF_LIMIT_MS = 3_000;

/** `before`: the value in postgresql.auto.conf; null if it had none. */
const undoDetail = z.object({ before: z.string().nullable() });

export const readOnly = defineFault({
  name: 'read-only',
  summary: `Makes every new transaction on a node read-only (${SETTING}).`,
  docs: {
    note: 'It uses `ALTER SYSTEM` and a reload.',
    proof: 'the setting is on in a new session, and a write is refused with SQLSTATE 25006.',
    undo: 'the former setting is written back. Healed when the server has read it.',
    example: ['faults:', '  - { fault: read-only, target: worker1, for: 5s }'],
  },
  state: 'read-only',
  params: z.strictObject({}),
  needs: [],
  lacking: (node) =>
    lackingRight(node, SUPERUSER, 'a superuser to set default_transaction_read_only with ALTER SYSTEM'),

  async inject(targets, _params, { defer }) {
    await Promise.all(
      targets.map(async (node) => {
        await defer({ action: 'restore-setting', node: node.name, detail: { before: await writtenSetting(node) } });
        await askOnce(node, `ALTER SYSTEM SET ${SETTING} = on`);
        await askOnce(node, 'SELECT pg_reload_conf()');
      }),
    );
  },

  prove(targets) {
    return proveEach(targets, async (node) => {
      // A reload is asynchronous.
      await untilSetting(node, ({ value }) => value === 'on', { limitMs: PROOF_LIMIT_MS });
      const refusal = await refusedWith(node, 'BEGIN; CREATE SCHEMA pgquake_writes; ROLLBACK');
      if (refusal !== READ_ONLY)
        throw withoutEffect(node, `writing is ${refusal ? `refused (${refusal})` : 'possible'}`);
      return `${SETTING} is on, writing is refused (${READ_ONLY})`;
    });
  },

  async undo({ detail }, node, { signal }) {
    const { before } = undoDetail.parse(detail);
    // ALTER SYSTEM works in a read-only transaction too.
    await askOnce(
      node,
      before === null ? `ALTER SYSTEM RESET ${SETTING}` : `ALTER SYSTEM SET ${SETTING} = ${quoteText(before)}`,
    );
    await askOnce(node, 'SELECT pg_reload_conf()');
    const { value } = await untilSetting(node, ({ pending }) => !pending, {
      limitMs: Number.POSITIVE_INFINITY,
      signal,
    });
    return `${SETTING} is ${value} again`;
  },
});

/** The value that ALTER SYSTEM has written, if any. */
async function writtenSetting(node: NodeControl): Promise<string | null> {
  const text = `SELECT setting FROM pg_file_settings WHERE name = $1 AND sourcefile LIKE '%/postgresql.auto.conf'`;
  const [row] = await askOnce(node, text, [SETTING]);
  return row === undefined ? null : String(row[0]);
}

interface Setting {
  readonly value: string;
  /** In the configuration files, else the default. */
  readonly written: string | undefined;
  /** The configuration files hold another value, which the server has not read yet. */
  readonly pending: boolean;
}

function untilSetting(node: NodeControl, good: (seen: Setting) => boolean, patience: Patience): Promise<Setting> {
  // Without a value in the files, the default applies.
  const text = `SELECT current_setting($1),
    coalesce((SELECT f.setting FROM pg_file_settings f WHERE f.name = $1 ORDER BY f.seqno DESC LIMIT 1), s.boot_val),
    s.source FROM pg_settings s WHERE s.name = $1`;
  const look = async () => {
    const [row] = await askOnce(node, text, [SETTING]);
    const [value = '', written, source] = (row ?? []).map(String);
    const isOurs = source === 'default' || source === 'configuration file';
    return { value, written, pending: isOurs && isOn(value) !== isOn(written) };
  };
  return untilSeen(patience, look, (seen) =>
    good(seen) ? undefined : withoutEffect(node, `${SETTING} is ${seen.value}, but its files say ${seen.written}`),
  );
}

/** PostgreSQL accepts many spellings of a boolean. */
function isOn(value: string | undefined): boolean {
  return ['on', 'true', 'yes', '1', 't', 'y'].includes(value?.toLowerCase() ?? '');
}
