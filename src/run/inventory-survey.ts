/** Surveys the cluster of an inventory before a run. Writes nothing. */

import type { Engine, FormedCluster, ListedNode } from '../cluster/engine.ts';
import { idleSlots, preparedTransactions } from '../cluster/leftovers.ts';
import { openSession } from '../cluster/open-session.ts';
import { OWN_SCHEMA } from '../cluster/own-schema.ts';
import type { NodeControl, Nodes } from '../cluster/platform.ts';
import { hostPort } from '../model/address.ts';
import { errorText } from '../model/errors.ts';
import type { SeenRole } from '../model/roles.ts';
import type { NodeName } from '../model/topology.ts';
import { formatBytes, formatCount } from '../model/units.ts';
import type { Session } from '../sql/session.ts';

const LIMIT_MS = 5_000;
/** Clock difference between two machines that is worth a warning. */
const MAX_CLOCK_MS = 1_000;
/** With a smaller share of free connections, the server might refuse some of the load's. */
const MIN_FREE_SHARE = 0.3;

export interface InventoryNodeSurvey {
  readonly name: NodeName;
  /** `10.0.0.5:5432` */
  readonly address: string;
  /** Evidence of its state: `container 3f9a01c7d2e4 running, process 4711`. */
  readonly state: string;
  /** Why it does not answer; the fields below are absent then. */
  readonly refusal?: string;
  /** `PostgreSQL 17.6` */
  readonly version?: string;
  readonly role?: SeenRole;
  readonly encrypted?: boolean;
  /** Its clock minus this machine's, with the uncertainty, in milliseconds. */
  readonly clockMs?: number;
  readonly clockUncertaintyMs?: number;
  readonly user?: {
    readonly name: string;
    readonly superuser: boolean;
    readonly monitors: boolean;
    readonly makesSchemas: boolean;
  };
  readonly connections?: { readonly used: number; readonly most: number };
}

export interface Listed {
  readonly engine: string;
  readonly nodes: readonly ListedNode[];
}

export interface InventorySurvey {
  readonly nodes: readonly InventoryNodeSurvey[];
  /** The nodes in the catalogue of an engine's entry node, if the inventory has one. */
  readonly listed?: Listed;
  /** Why pgquake cannot attach a run to this cluster, in words; empty where it can. */
  readonly problems: readonly string[];
  /** What the user should know before a run, in words. */
  readonly warnings: readonly string[];
}

/**
 * @param cluster `undefined` where no engine recognised the nodes; `whyNot` says why.
 * @param engines whose catalogues to look for.
 */
export async function surveyInventory(
  { all, attached }: Nodes,
  cluster: FormedCluster | undefined,
  whyNot: string | undefined,
  engines: readonly Engine[],
): Promise<InventorySurvey> {
  const roles = await cluster?.roles?.(new AbortController().signal);
  const seen = await Promise.all(all.map((node) => look(node, roles?.[node.name], engines)));
  const nodes = seen.map(({ ownSchema: _, listed: __, ...node }) => node);
  const listed = seen.find((node) => node.listed)?.listed;
  const problems = nodes.flatMap(({ name, refusal }) =>
    refusal === undefined ? [] : [`${name} does not answer: ${refusal}`],
  );
  if (cluster === undefined) problems.push(whyNot ?? 'its nodes are not one primary with its standbys');
  for (const { name, role, user } of nodes) {
    if (role?.role === 'standby' && role.state !== 'streaming') {
      problems.push(
        user?.monitors === false
          ? `${name} is a standby, but ${user.name} may not see whether it streams; GRANT pg_monitor TO ${user.name}`
          : `${name} is a standby but does not stream`,
      );
    }
  }
  const primary = seen.find(({ role }) => role?.role === 'primary');
  if (primary?.user?.makesSchemas === false) {
    problems.push(
      `${primary.user.name} may not create the schema ${OWN_SCHEMA}; GRANT CREATE ON DATABASE ... TO ${primary.user.name}`,
    );
  }
  if (primary?.ownSchema) problems.push(`the database already has a schema ${OWN_SCHEMA}`);
  const answering = all.filter((_, i) => nodes[i]?.refusal === undefined);
  const warnings = [
    ...nodes.flatMap(warningsOf),
    ...(listed ? unnamed(listed, all) : []),
    ...(await poolersBefore(all, attached)),
    ...(await leftoversOn(answering)),
  ];
  return { nodes, ...(listed ? { listed } : {}), problems, warnings };
}

interface Seen extends InventoryNodeSurvey {
  readonly ownSchema: boolean;
  readonly listed?: Listed | undefined;
}

const READ_FACTS = `
  SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8 * 1000,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), pg_has_role(current_user, 'pg_monitor', 'MEMBER'),
    has_database_privilege(current_database(), 'CREATE'), to_regnamespace('${OWN_SCHEMA}') IS NOT NULL,
    (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int,
    current_setting('max_connections')::int`;

async function look(node: NodeControl, role: SeenRole | undefined, engines: readonly Engine[]): Promise<Seen> {
  const address = node.address();
  const { user } = address;
  const known = {
    name: node.name,
    address: hostPort(address),
    state: await node.describeState(),
    ownSchema: false,
  };
  try {
    await using session = await openSession(node, 'inspect', { limitMs: LIMIT_MS });
    const askedAt = Date.now();
    const [row = []] = await session.query(READ_FACTS, [], { timeoutMs: LIMIT_MS });
    const uncertaintyMs = (Date.now() - askedAt) / 2;
    const [version, clock, superuser, monitors, makesSchemas, ownSchema, encrypted, used, most] = row;
    return {
      ...known,
      ...(role ? { role } : {}),
      version: `PostgreSQL ${String(version).split(' ', 1)[0]}`,
      clockMs: Math.round(Number(clock) - askedAt - uncertaintyMs),
      clockUncertaintyMs: Math.ceil(uncertaintyMs),
      encrypted: encrypted === true,
      user: {
        name: user,
        superuser: superuser === true,
        monitors: monitors === true,
        makesSchemas: makesSchemas === true,
      },
      connections: { used: Number(used), most: Number(most) },
      ownSchema: ownSchema === true,
      listed: await listedBy(session, engines),
    };
  } catch (error) {
    return { ...known, refusal: errorText(error) };
  }
}

function warningsOf({ name, clockMs = 0, clockUncertaintyMs = 0, connections }: InventoryNodeSurvey): string[] {
  const warnings: string[] = [];
  if (Math.abs(clockMs) - clockUncertaintyMs > MAX_CLOCK_MS) {
    const off = clockMs > 0 ? 'ahead of' : 'behind';
    warnings.push(
      `the clock of ${name} is ${Math.abs(clockMs)} ms ${off} this machine's; pgquake measures by this machine's clock only`,
    );
  }
  if (connections && connections.most - connections.used < connections.most * MIN_FREE_SHARE) {
    warnings.push(`${name} has ${connections.most - connections.used} of ${connections.most} connections left`);
  }
  return warnings;
}

async function listedBy(session: Session, engines: readonly Engine[]): Promise<Listed | undefined> {
  for (const engine of engines) {
    const nodes = (await engine.listed?.(session)) ?? [];
    if (nodes.length > 0) return { engine: engine.name, nodes };
  }
  return undefined;
}

/** Warns of data nodes that the inventory does not have. */
function unnamed({ engine, nodes }: Listed, all: Nodes['all']): string[] {
  const named = all.flatMap((node) => [node.address(), node.peerAddress(node.name)].map(hostPort));
  return nodes
    .filter((node) => node.placements > 0 && !named.includes(hostPort(node)))
    .map((node) => {
      const what = formatCount(node.placements, 'placement');
      return `${engine} has ${what} on ${hostPort(node)}, which the inventory does not have; pgquake neither breaks nor queries it`;
    });
}

const POOLERS = {
  forgotten: 'is behind a pooler that forgets prepared statements',
  unsure: 'did not answer in time, so it is not known whether a pooler there forgets prepared statements',
} as const;

/** Warns of nodes and routes behind a pooler that forgets named statements, or may do so. */
async function poolersBefore(all: Nodes['all'], attached: Nodes['attached']): Promise<string[]> {
  const routes = await Promise.all(
    Object.values(attached?.routes ?? {}).map(async ({ name, addresses }) => [name, ...(await addresses())] as const),
  );
  const ways = [...all.map((node) => [node.name, node.address()] as const), ...routes];
  return ways.flatMap(([name, address]) =>
    address?.unnamedStatements
      ? [`${name} ${POOLERS[address.unnamedStatements]}; pgquake sends complete statements there`]
      : [],
  );
}

/** Warns of leftovers of earlier failures, which a run's own would be mistaken for. */
async function leftoversOn(nodes: readonly NodeControl[]): Promise<string[]> {
  try {
    const prepared = Map.groupBy(await preparedTransactions(nodes), ({ node }) => node);
    const slots = await idleSlots(nodes);
    return [
      ...[...prepared].map(
        ([node, left]) => `${node}: ${formatCount(left.length, 'prepared transaction')} not finished`,
      ),
      ...slots.map(
        ({ node, name, keptBytes }) =>
          `${node}: the slot ${name} has no reader and retains ${formatBytes(keptBytes)} of WAL`,
      ),
    ];
  } catch (error) {
    return [`cannot check prepared transactions and slots: ${errorText(error)}`];
  }
}
