/** Standbys made from a copy of a running primary's data: an online backup, without a program of PostgreSQL's own. */

import { type NodeControl, type NodeData, without } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import type { Session } from '../../sql/session.ts';
import { ask, autoConf, connInfo, makeSlot, READ_STANDBYS, slotOf } from './sql.ts';

export const STREAMS_LIMIT_MS = 30_000;
const POLL_MS = 10;

/** What every member is set to beside its own connection. */
export type CommonSettings = Readonly<Record<string, string>>;

/**
 * Makes nodes that do not run standbys of a running one, from one backup of its data, and starts them; returns when they
 * run.
 * @param session on the primary.
 */
export async function makeStandbys(
  standbys: readonly NodeControl[],
  primary: NodeControl,
  session: Session,
  common: CommonSettings,
): Promise<void> {
  await ask(session, 'SELECT pg_backup_start($1, true)', [`pgquake ${standbys.map(({ name }) => name).join(' ')}`]);
  try {
    // From now on what a copy lacks is kept for it.
    for (const { name } of standbys) await makeSlot(session, name);
    await Promise.all(standbys.map((node) => dataOf(node).copyFrom(primary)));
  } catch (error) {
    await ask(session, 'SELECT pg_backup_stop(false)').catch(() => undefined);
    throw error;
  }
  const [row] = await ask(session, 'SELECT labelfile FROM pg_backup_stop(false)');
  await Promise.all(
    standbys.map(async (node) => {
      await dataOf(node).write({
        backup_label: String(row?.[0]),
        ...standbyFiles(node.name, primary, common),
      });
      await node.start();
    }),
  );
}

function dataOf(node: NodeControl): NodeData {
  return node.data ?? without(node.name, 'data-copy');
}

/** What makes a server start as a standby; without a primary it replays its own log, and waits. */
export function standbyFiles(
  node: NodeName,
  primary: NodeControl | undefined,
  common: CommonSettings,
): Readonly<Record<string, string>> {
  return {
    'standby.signal': '',
    'postgresql.auto.conf': autoConf({ ...common, ...(primary ? upstream(node, primary) : {}) }),
  };
}

/** The settings by which a standby follows a primary. */
export function upstream(node: NodeName, primary: NodeControl): Readonly<Record<string, string>> {
  return { primary_conninfo: connInfo(primary.peerAddress(node), node), primary_slot_name: slotOf(node) };
}

/**
 * Waits until a primary streams to all of these.
 * @throws EnvironmentError after `limitMs`, 30 s by default, naming those that are missing; the signal's reason.
 */
export async function untilStreaming(
  session: Session,
  primary: NodeName,
  standbys: readonly NodeName[],
  { limitMs = STREAMS_LIMIT_MS, signal }: { readonly limitMs?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const missing = await until({ limitMs, everyMs: POLL_MS, signal }, async () => {
    const streaming = new Set((await ask(session, READ_STANDBYS)).map(([name]) => String(name)));
    return standbys.filter((standby) => !streaming.has(standby)).join(', ') || undefined;
  });
  if (missing === undefined) return;
  throw new EnvironmentError(`${primary} does not stream to ${missing} after ${limitMs / 1_000} s`, {
    code: 'replication-not-started',
    hint: 'the logs of the servers may say why',
  });
}
