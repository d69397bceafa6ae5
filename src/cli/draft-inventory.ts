/** What `pgquake init` finds out about a cluster: its nodes, and how pgquake reaches and breaks each of them. */

import { resolve } from 'node:path';
import type { InventoryPlatform } from '../cluster/platform.ts';
import { hostPort } from '../model/address.ts';
import { parseConnection } from '../model/connection-string.ts';
import { EnvironmentError, errorText, InputError } from '../model/errors.ts';
import type { Connection, Inventory } from '../model/inventory.ts';
import { askServer, type Server } from '../run/neighbours.ts';
import { parseInventory } from '../scenario/inventory.ts';
import { type Draft, type DraftNode, inventoryText, kebab } from '../scenario/inventory-draft.ts';

export const INVENTORY = 'inventory.yaml';

/** What the user names on the command line. */
export interface Named {
  url: string[];
  docker: string[];
  ssh: string[];
  compose: string | undefined;
  user: string | undefined;
  database: string | undefined;
  name: string | undefined;
  'password-env': string | undefined;
}

interface Drafted {
  readonly draft: Draft;
  /** What the user should know about the draft. */
  readonly notes: readonly string[];
}

/** @throws InputError if the arguments contradict each other; EnvironmentError if a server does not answer. */
export async function draftOf(platform: InventoryPlatform, args: Named): Promise<Drafted> {
  const {
    nodes,
    routes = [],
    notes,
  } = args.compose === undefined ? await ofUrls(platform, args) : await ofCompose(platform, args, args.compose);
  const database = connectionOf((nodes[0] as DraftNode).url).database;
  const env = args['password-env'];
  const draft: Draft = {
    name: args.name ?? kebab(args.compose ?? database),
    nodes,
    routes,
    ...(env === undefined ? {} : { passwordEnv: env }),
  };
  // Attach as a run would: this refuses a container that is missing or belongs to another server.
  await platform.attach(parseDraft(draft));
  return { draft, notes };
}

function parseDraft(draft: Draft): Inventory {
  return parseInventory(inventoryText(draft), { shown: INVENTORY, folder: resolve('.') });
}

interface Found extends Pick<Draft, 'nodes' | 'routes'> {
  readonly notes: readonly string[];
}

async function ofUrls(
  platform: InventoryPlatform,
  { url: urls, docker, ssh, 'password-env': env }: Named,
): Promise<Found> {
  const places = docker.length + ssh.length;
  if ((docker.length > 0 && ssh.length > 0) || (places > 0 && places > urls.length)) {
    throw new InputError(
      `expected one --docker or one --ssh for each --url, found ${docker.length} and ${ssh.length} for ${urls.length}`,
      {
        code: 'usage',
        hint: 'write the rest into the inventory by hand; "pgquake schema inventory" has its keys',
      },
    );
  }
  const given = urls.map(
    (url, i): DraftNode => ({
      name: nameOf(connectionOf(url), docker[i], i),
      url,
      ...(docker[i] === undefined ? {} : { docker: docker[i] }),
      ...(ssh[i] === undefined ? {} : { ssh: ssh[i] }),
    }),
  );
  const nodes = named(given);
  const { found, notes } = await neighboursOf(platform, nodes, env);
  return { nodes: [...nodes, ...found], notes };
}

/** Servers that the named ones stream to or from and that the user did not name. */
async function neighboursOf(
  platform: InventoryPlatform,
  nodes: readonly DraftNode[],
  env: string | undefined,
): Promise<{ readonly found: readonly DraftNode[]; readonly notes: readonly string[] }> {
  const asked = await askAll(platform, nodes, env);
  const found: DraftNode[] = [];
  const notes: string[] = [];
  const starts = new Set(asked.map(({ server }) => server.startedAt));
  for (const { connection, server } of asked) {
    const role = server.standby ? 'primary' : 'standby';
    const missing = server.neighbours.length - asked.filter((other) => other.server.standby !== server.standby).length;
    // A named server may stream under another address, so only more neighbours than named servers are new.
    for (const neighbour of missing > 0 ? server.neighbours : []) {
      const url = uriOf({ ...connection, host: neighbour.host, port: neighbour.port ?? connection.port });
      const [other] = await askAll(platform, [{ name: 'found', url }], env).catch(() => []);
      if (other?.server.systemIdentifier !== server.systemIdentifier) {
        notes.push(`note: the ${role} at ${neighbour.host} cannot be reached from here; give it its own --url`);
      } else if (!starts.has(other.server.startedAt)) {
        starts.add(other.server.startedAt);
        found.push({ name: `db-${nodes.length + found.length + 1}`, url });
        notes.push(`found the ${role} at ${neighbour.host}; say in the inventory how it may be broken`);
      }
    }
  }
  return { found, notes };
}

/** Asks every server, at the address that a run would use. */
async function askAll(
  platform: InventoryPlatform,
  nodes: readonly DraftNode[],
  env: string | undefined,
): Promise<{ readonly connection: Connection; readonly server: Server }[]> {
  // `draftOf` checks the ways to break nodes, once all nodes are known.
  const plain = nodes.map(({ name, url }) => ({ name, url }));
  const draft = { name: 'draft', nodes: plain, ...(env === undefined ? {} : { passwordEnv: env }) };
  const { all } = await platform.attach(parseDraft(draft));
  return await Promise.all(
    all.map(async (node, i) => {
      const { url } = plain[i] as DraftNode;
      const server = await askServer(node.address()).catch((error: unknown) => {
        throw new EnvironmentError(`the server at ${url} does not answer as expected: ${errorText(error)}`, {
          code: 'node-unreachable',
          hint: 'set PGPASSWORD, or name the variable of the password with --password-env; nothing was written',
        });
      });
      return { connection: connectionOf(url), server };
    }),
  );
}

/** @throws EnvironmentError if no container of the project has a server that answers. */
async function ofCompose(platform: InventoryPlatform, args: Named, project: string): Promise<Found> {
  const nodes: DraftNode[] = [];
  const routes: { name: string; url: string }[] = [];
  const notes: string[] = [];
  const env = args['password-env'];
  const found = await platform.containersOf(project);
  for (const { service, number, container, ports, user, database } of found) {
    const several = found.filter((one) => one.service === service).length > 1;
    const name = kebab(several ? `${service}-${number}` : service);
    const who = args.user ?? user ?? found.find((one) => one.user)?.user ?? 'postgres';
    const into = args.database ?? database ?? found.find((one) => one.database)?.database ?? who;
    const why: string[] = [];
    for (const { host, port } of ports) {
      const url = `postgresql://${encodeURIComponent(who)}@${hostPort({ host, port })}/${encodeURIComponent(into)}`;
      try {
        await askAll(platform, [{ name, url }], env);
      } catch (error) {
        why.push(`${hostPort({ host, port })}: ${errorText(error)}`);
        continue;
      }
      const draft = {
        name: 'draft',
        nodes: [{ name, url, docker: container }],
        ...(env === undefined ? {} : { passwordEnv: env }),
      };
      const refused = await platform.attach(parseDraft(draft)).then(() => undefined, errorCode);
      if (refused === undefined) nodes.push({ name, url, docker: container });
      else routes.push({ name, url });
      why.length = 0;
      break;
    }
    if (ports.length === 0) notes.push(`note: ${container} publishes no port on this machine, and is left out`);
    for (const reason of why) notes.push(`note: ${container} is left out: ${reason}`);
  }
  if (nodes.length > 0) return { nodes, routes, notes };
  throw new EnvironmentError(`no container of ${project} has a PostgreSQL server that answers here`, {
    code: 'node-unreachable',
    hint: notes.join('; ').replaceAll('note: ', '') || 'name its servers with --url and --docker',
  });
}

/** @throws every error except `other-server`. */
function errorCode(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === 'other-server') return code;
  throw error;
}

function connectionOf(url: string): Connection {
  const read = parseConnection(url);
  if ('connection' in read) return read.connection;
  throw new InputError(`--url: ${read.problem}`, { code: 'usage' });
}

function uriOf({ host, port, user, database, sslmode, sslrootcert }: Connection): string {
  const query = new URLSearchParams({
    ...(sslmode === 'prefer' ? {} : { sslmode }),
    ...(sslrootcert === undefined ? {} : { sslrootcert }),
  }).toString();
  const at = hostPort({ host: host.includes(':') ? host : encodeURIComponent(host), port });
  return `postgresql://${encodeURIComponent(user)}@${at}/${encodeURIComponent(database)}${query === '' ? '' : `?${query}`}`;
}

/** The container's name, else the first label of the host name; `db-<n>` if the host is an address. */
function nameOf({ host }: Connection, container: string | undefined, index: number): string {
  if (container !== undefined) return kebab(container);
  return /^[a-z]/i.test(host) && host !== 'localhost' ? kebab(host.split('.', 1)[0] as string) : `db-${index + 1}`;
}

/** Numbers the second and later uses of a name. */
function named(nodes: readonly DraftNode[]): readonly DraftNode[] {
  return nodes.map((node, i) =>
    nodes.findIndex(({ name }) => name === node.name) === i ? node : { ...node, name: `${node.name}-${i + 1}` },
  );
}
