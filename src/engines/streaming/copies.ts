/** Makes nodes standbys of a running primary: from an online backup, without pg_basebackup, or by rewinding their own data. */

import { untilServes } from '../../cluster/health.ts';
import { type NodeControl, type NodeData, without } from '../../cluster/platform.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { until } from '../../model/until.ts';
import type { Session } from '../../sql/session.ts';
import { ask, autoConf, connectTo, connInfo, makeSlot, READ_STANDBYS, slotOf } from './sql.ts';

const STREAMS_LIMIT_MS = 30_000;
export const READY_LIMIT_MS = 30_000;
/** Time for a standby to connect to another primary; after that it gets a new copy. */
export const FOLLOW_LIMIT_MS = 5_000;
const POLL_MS = 10;

/** The settings of every member, apart from its connection. */
export type CommonSettings = Readonly<Record<string, string>>;

/**
 * Makes stopped nodes standbys of a running primary, from one backup of its data, and starts them; returns once they are
 * started.
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
    // From here on the slots keep the log that the copies lack.
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

/** Replaces all data of a node. @returns how it got the primary's history, in words. */
export async function copyAnew(node: NodeControl, primary: NodeControl, common: CommonSettings): Promise<string> {
  await using session = await connectTo(primary);
  await node.stop();
  // The slot stays active until the primary notices that the standby is gone.
  await ask(
    session,
    'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
    [slotOf(node.name)],
  );
  await makeStandbys([node], primary, session, common);
  await untilServes(node, READY_LIMIT_MS);
  await untilStreaming(session, primary.name, [node.name]);
  return 'a new copy of its data';
}

/** Like `copyAnew`, but keeps the node's data if it can be rewound. */
export async function rewindOrCopy(node: NodeControl, primary: NodeControl, common: CommonSettings): Promise<string> {
  const failure = await rewind(node, primary, common);
  if (failure === undefined) return 'its own data rewound';
  const copied = await copyAnew(node, primary, common);
  return failure === '' ? copied : `${copied} (it could not be rewound: ${failure})`;
}

/** @returns why rewinding failed; empty if the platform cannot rewind; `undefined` after success. */
async function rewind(node: NodeControl, primary: NodeControl, common: CommonSettings): Promise<string | undefined> {
  const { data } = node;
  if (!data?.rewind) return '';
  await using session = await connectTo(primary);
  // A new primary has its timeline on disk only after a checkpoint.
  await ask(session, 'CHECKPOINT', [], READY_LIMIT_MS);
  await makeSlot(session, node.name);
  await node.stop();
  const failure = await data.rewind(primary);
  if (failure !== undefined) return failure;
  await data.write(standbyFiles(node.name, primary, common));
  await node.start();
  try {
    await untilServes(node, READY_LIMIT_MS);
    await untilStreaming(session, primary.name, [node.name], { limitMs: FOLLOW_LIMIT_MS });
  } catch (error) {
    return errorText(error);
  }
  return undefined;
}

export function dataOf(node: NodeControl): NodeData {
  return node.data ?? without(node.name, 'data-copy');
}

/** The files that make a server start as a standby; without a primary it replays its own log and waits. */
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
 * Waits until the primary streams to all of these standbys.
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
