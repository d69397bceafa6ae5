/** An existing primary with its standbys: pgquake finds out by asking, changes nothing and fails nothing over. */

import type { Dataset, FormedCluster } from '../../cluster/engine.ts';
import type { Manager } from '../../cluster/manager.ts';
import { openSession } from '../../cluster/open-session.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import { directRoute } from '../../cluster/route.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import { type NodeName, partitionName } from '../../model/topology.ts';
import type { Session } from '../../sql/session.ts';
import { copiesOn } from '../members.ts';
import { KeptSessions } from './kept-sessions.ts';
import { loadTables } from './load.ts';
import { type Answer, rolesFrom } from './observe.ts';
import type { StreamingSpec } from './spec.ts';
import { ask, READ_STATE, refuseOld, stateFrom } from './sql.ts';

const ANSWER_LIMIT_MS = 1_000;
const CONNECT_LIMIT_MS = 5_000;
/** A guess: pgquake does not know when the cluster's own manager, if any, acts. */
const PROMOTE_AFTER_MS = 1_000;

/** The name and the slot by which a standby connects to its primary. */
const READ_STREAM = `SELECT slot_name, conninfo FROM pg_stat_wal_receiver`;
/** On a primary: each standby that streams, with its slot if it has one. */
const READ_STREAMS = `
  SELECT application_name, sync_state, (SELECT slot_name::text FROM pg_replication_slots s WHERE s.active_pid = r.pid)
    FROM pg_stat_replication r WHERE state = 'streaming'`;
const READ_CLUSTER = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()), current_setting('synchronous_standby_names'),
         (SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout')`;

/** A standby's connection, as both sides identify it. */
interface Stream {
  readonly application: string;
  readonly slot: string | undefined;
}

interface Asked extends Answer {
  /** On a standby: its own connection. */
  readonly stream?: Stream;
  /** On a primary: its standbys. */
  readonly streams?: readonly (Stream & { readonly sync: string })[];
}

/**
 * @returns `undefined` if the nodes are not one primary and its standbys, or if one of them does not answer.
 * @throws EnvironmentError if a node belongs to another cluster, or is older than PostgreSQL 14.
 */
export async function findStreaming(
  nodes: readonly NodeControl[],
  { partitionKeys }: Pick<Dataset, 'partitionKeys'>,
  signal: AbortSignal,
): Promise<FormedCluster | undefined> {
  const asked = await askAllAttached(nodes);
  signal.throwIfAborted();
  const primaries = nodes.filter((_, i) => asked[i]?.state?.standby === false);
  const [primary] = primaries;
  if (!primary || primaries.length > 1 || asked.some(({ state }) => !state)) return undefined;
  const facts = await Promise.all(nodes.map(factsOf));
  const own = facts[nodes.indexOf(primary)] as Facts;
  const stranger = nodes.find((_, i) => facts[i]?.systemIdentifier !== own.systemIdentifier);
  if (stranger) {
    throw new EnvironmentError(`${stranger.name} belongs to another cluster than ${primary.name}`, {
      code: 'other-cluster',
      hint: 'list one primary and its standbys in the inventory',
    });
  }
  return found(nodes, primary, { partitionKeys, spec: specFrom(own, nodes.length) });
}

function found(
  nodes: readonly NodeControl[],
  primary: NodeControl,
  { partitionKeys, spec }: { readonly partitionKeys: readonly number[]; readonly spec: StreamingSpec },
): FormedCluster {
  const copies = [primary, ...nodes.filter((node) => node !== primary)].map(({ name }) => name);
  const sessions = new KeptSessions();
  return {
    placement: {
      partitions: [{ index: 0, name: partitionName(0), copies }],
      partitionOfKey: Object.fromEntries(partitionKeys.map((key) => [key, 0])),
    },
    routes: {
      direct: directRoute('direct', nodes, 'read-write'),
      standby: directRoute('standby', nodes, 'standby'),
    },
    roles: async (signal) => {
      const answers = await askAllAttached(nodes, sessions);
      signal.throwIfAborted();
      return rolesFrom(answers);
    },
    manager: FOREIGN_MANAGER,
    own: { engine: 'streaming', params: spec, inWords: 'one primary and its standbys, as they were found' },
    makeTables: async (dataset) => {
      await using session = await connect(primary);
      await loadTables(session, dataset);
    },
    ...copiesOn(nodes),
  };
}

const FOREIGN_MANAGER: Manager = {
  name: 'none',
  failsOver: false,
  refuses: 'pgquake does not change roles in a cluster that it did not create',
  watch: () => ({ [Symbol.asyncDispose]: async () => undefined }),
  promote: async (node) => {
    throw new EnvironmentError(`${node} is not promoted: ${FOREIGN_MANAGER.refuses}`, { code: 'capability-missing' });
  },
};

/** Asks all nodes at the same time; standbys get their names from the inventory. */
async function askAllAttached(nodes: readonly NodeControl[], sessions = new KeptSessions()): Promise<Answer[]> {
  const asked = await Promise.all(nodes.map((node) => askAttached(node, sessions)));
  return asked.map((answer) => (answer.streams ? { ...answer, standbys: named(answer.streams, asked) } : answer));
}

/** Matches standbys by slot, else by application name if that is unambiguous. Pure. */
function named(streams: NonNullable<Asked['streams']>, asked: readonly Asked[]): ReadonlyMap<NodeName, string> {
  const standbys = new Map<NodeName, string>();
  for (const { name, stream } of asked) {
    if (!stream) continue;
    const bySlot = streams.find(({ slot }) => slot !== undefined && slot === stream.slot);
    const alike = streams.filter(({ application }) => application === stream.application);
    const states = new Set(alike.map(({ sync }) => sync));
    const sync = bySlot?.sync ?? (states.size === 1 ? alike[0]?.sync : undefined);
    if (sync !== undefined) standbys.set(name, sync);
  }
  return standbys;
}

async function askAttached(node: NodeControl, sessions: KeptSessions): Promise<Asked> {
  const { name } = node;
  try {
    return { name, ...(await sessions.ask(node, ANSWER_LIMIT_MS, stateAndStreams)) };
  } catch (error) {
    const { code } = error as { code?: unknown };
    return { name, refusal: typeof code === 'string' ? code : errorText(error) };
  }
}

async function stateAndStreams(session: Session): Promise<Omit<Asked, 'name'>> {
  const timeoutMs = ANSWER_LIMIT_MS;
  const [row] = await session.query(READ_STATE, [], { name: 'state', timeoutMs });
  const state = stateFrom(row);
  if (state.standby) {
    const [stream] = await session.query(READ_STREAM, [], { name: 'stream', timeoutMs });
    return { state, ...(stream ? { stream: streamFrom(stream[0], String(stream[1])) } : {}) };
  }
  const rows = await session.query(READ_STREAMS, [], { name: 'streams', timeoutMs });
  const streams = rows.map(([application, sync, slot]) => ({
    application: String(application),
    sync: String(sync),
    slot: typeof slot === 'string' ? slot : undefined,
  }));
  return { state, streams };
}

/** @param conninfo as `pg_stat_wal_receiver` shows it, without the password. */
function streamFrom(slot: unknown, conninfo: string): Stream {
  const word = (name: string) => new RegExp(`(?:^|\\s)${name}=('[^']*'|\\S+)`).exec(conninfo)?.[1]?.replaceAll("'", '');
  return {
    slot: typeof slot === 'string' && slot !== '' ? slot : undefined,
    application: word('application_name') ?? word('fallback_application_name') ?? 'walreceiver',
  };
}

interface Facts {
  readonly systemIdentifier: string;
  readonly synchronousNames: string;
  /** 0: no limit. */
  readonly senderTimeoutMs: number;
}

async function factsOf(node: NodeControl): Promise<Facts> {
  await using session = await connect(node);
  await refuseOld(session);
  const [row] = await ask(session, READ_CLUSTER, [], CONNECT_LIMIT_MS);
  return { systemIdentifier: String(row?.[0]), synchronousNames: String(row?.[1]), senderTimeoutMs: Number(row?.[2]) };
}

/**
 * What `synchronous_standby_names` promises, whatever the standbys' names. `FIRST 2` and `ANY 2` differ in which standbys a
 * commit waits for; the promises depend only on how many. Pure.
 */
export function specFrom(
  { synchronousNames, senderTimeoutMs }: Pick<Facts, 'synchronousNames' | 'senderTimeoutMs'>,
  members: number,
): StreamingSpec {
  const spec = { members, manager: 'none', promoteAfterMs: PROMOTE_AFTER_MS, senderTimeoutMs } as const;
  const names = synchronousNames.trim();
  if (names === '') return { ...spec, synchronous: 'off' };
  const count = Number(/^(?:(?:FIRST|ANY)\s+)?(\d+)\s*\(/i.exec(names)?.[1] ?? 1);
  if (/^ANY\b/i.test(names) || count > 1) return { ...spec, synchronous: { quorum: count } };
  return { ...spec, synchronous: 'on' };
}

/** Sets no parameters, because that would need a superuser. */
function connect(node: NodeControl): Promise<Session> {
  return openSession(node, 'inspect', { limitMs: CONNECT_LIMIT_MS });
}
