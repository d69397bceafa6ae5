/** Statements and connections of the engine `streaming`. */

import { openSession } from '../../cluster/open-session.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { connInfoText, quoteText } from '../../sql/quote.ts';
import type { Row, Session } from '../../sql/session.ts';
import type { StreamingSpec } from './spec.ts';

export const STATEMENT_LIMIT_MS = 30_000;
const CONNECT_LIMIT_MS = 10_000;

/**
 * Statements must not reach the log, because some contain the password. They must not wait for a synchronous standby
 * either: pgquake could not repair what keeps that standby away.
 */
const OWN_SETTINGS = {
  log_statement: 'none',
  log_min_duration_statement: '-1',
  log_min_error_statement: 'panic',
  synchronous_commit: 'local',
} as const;

/** @param limitMs for connecting; 10 s by default. */
export function connectTo(node: NodeControl, limitMs = CONNECT_LIMIT_MS): Promise<Session> {
  return openSession(node, 'form', { limitMs, settings: OWN_SETTINGS });
}

export function ask(session: Session, text: string, values: readonly unknown[] = [], timeoutMs = STATEMENT_LIMIT_MS) {
  return session.query(text, values, { timeoutMs });
}

/** A slot's name allows lower case letters, digits and `_` only. */
export function slotOf(node: NodeName): string {
  return node.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}

/** Creates the slot of a standby, replacing an inactive one, whose log the standby no longer needs. */
export async function makeSlot(session: Session, standby: NodeName): Promise<void> {
  const slot = slotOf(standby);
  await ask(
    session,
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
    [slot],
  );
  await ask(
    session,
    `SELECT pg_create_physical_replication_slot($1, true)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
    [slot],
  );
}

/** Removes the slots of a former primary: an unused slot keeps its log for ever. */
export async function dropSlots(session: Session): Promise<void> {
  await ask(
    session,
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active`,
  );
}

/** A standby gives up a silent server after these limits and tries another address. */
const SILENCE_LIMITS = {
  connect_timeout: '2',
  tcp_user_timeout: '3000',
  keepalives_idle: '1',
  keepalives_interval: '1',
} as const;

/** The connection string of a standby to its primary. */
export function connInfo({ host, port, user, password }: Address, standby: NodeName): string {
  const options = { host, port, user, password, application_name: standby, sslmode: 'disable', ...SILENCE_LIMITS };
  return connInfoText(options);
}

/** The standbys that a commit waits for, whatever their names. */
export function synchronousNames({ synchronous }: Pick<StreamingSpec, 'synchronous'>): string {
  if (synchronous === 'off') return '';
  return synchronous === 'on' ? 'FIRST 1 (*)' : `ANY ${synchronous.quorum} (*)`;
}

/** How many standbys have a write before it is acknowledged. */
export function copiesOfCommit({ synchronous }: Pick<StreamingSpec, 'synchronous'>): number {
  if (synchronous === 'off') return 0;
  return synchronous === 'on' ? 1 : synchronous.quorum;
}

/**
 * How many standbys must answer before one may take over, so that at least one has every acknowledged write. With
 * asynchronous replication no number guarantees that, so one is enough.
 */
export function voicesNeeded(spec: Pick<StreamingSpec, 'synchronous' | 'members'>): number {
  const copies = copiesOfCommit(spec);
  return copies === 0 ? 1 : spec.members - copies;
}

/** The contents of `postgresql.auto.conf`, which takes precedence over all other files. */
export function autoConf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${quoteText(value)}\n`)
    .join('');
}

export async function alterSystem(session: Session, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    // ALTER SYSTEM takes no parameters and cannot run in a transaction block.
    await session.execute(`ALTER SYSTEM SET ${name} = ${quoteText(value)}`, STATEMENT_LIMIT_MS);
  }
  await ask(session, 'SELECT pg_reload_conf()');
}

/** A primary's timeline is in the name of its current segment; a standby without a stream has that of its last restart point. */
export const READ_TIMELINE = `
  SELECT CASE WHEN pg_is_in_recovery()
    THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()))
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END`;

export const IS_STANDBY = 'SELECT pg_is_in_recovery()';

/** The end of a standby's log: what it has received, or what it had when it started. */
const RECEIVED = 'greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())';

/** One row: is it a standby, timeline, end of the log, receiver status, and milliseconds since it last heard from its primary. */
export const READ_STATE = `
  SELECT pg_is_in_recovery(), (${READ_TIMELINE}),
    CASE WHEN pg_is_in_recovery() THEN ${RECEIVED} ELSE pg_current_wal_flush_lsn() END::text,
    (SELECT status FROM pg_stat_wal_receiver),
    (SELECT extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000 FROM pg_stat_wal_receiver)::float8`;

/** Each standby that streams, with its `sync_state`. */
export const READ_STANDBYS = `SELECT application_name, sync_state FROM pg_stat_replication WHERE state = 'streaming'`;

export interface SeenState {
  readonly standby: boolean;
  readonly timeline: number;
  readonly lsn: string;
  /** Whether it receives from its primary. */
  readonly streams: boolean;
  /** Milliseconds since it last heard from its primary; infinite without a connection. */
  readonly silentMs: number;
}

export function stateFrom(row: Row | undefined): SeenState {
  const [standby, timeline, lsn, status, silentMs] = row ?? [];
  return {
    standby: standby === true,
    timeline: Number(timeline),
    lsn: String(lsn),
    streams: status === 'streaming',
    silentMs: status === 'streaming' ? Number(silentMs) : Number.POSITIVE_INFINITY,
  };
}

/** `0/3000148` as a number. */
export function lsnValue(lsn: string): bigint {
  const [high, low] = lsn.split('/') as [string, string];
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** @throws EnvironmentError before PostgreSQL 14, whose standbys do not report in SQL whether they are one. */
export async function refuseOld(session: Session): Promise<void> {
  const [row] = await ask(session, "SELECT current_setting('server_version_num')::int");
  if (Number(row?.[0]) >= 140_000) return;
  throw new EnvironmentError('the engines "streaming" and "patroni" need PostgreSQL 14 or newer', {
    code: 'postgres-too-old',
  });
}
