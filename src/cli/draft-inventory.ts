/** What `pgquake init` finds out of a cluster that a person names: its nodes, and how each is reached and broken. */

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

/** What a person names. */
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

export interface Drafted {
  readonly draft: Draft;
  /** What a person should know of it, in words. */
  readonly notes: readonly string[];
}

/**
 * @throws InputError where what is named contradicts itself; EnvironmentError where a server does not answer.
 */
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
  // As a run takes hold of it: a container that is not there, or is another server's, is refused here.
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

/** The servers that those which are named stream to and from, and that are none of them. */
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
    // Each may be known by another address here: only more of them than are named are news.
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

/** Every server, by the address that a run would use. */
async function askAll(
  platform: InventoryPlatform,
  nodes: readonly DraftNode[],
  env: string | undefined,
): Promise<{ readonly connection: Connection; readonly server: Server }[]> {
  // Ways to break them are looked at last, with all nodes.
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

/** @throws EnvironmentError where none of its containers has a server that answers. */
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

/** @throws whatever does not say that another server answered there. */
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

/** By its container, or the first word of its host's name; by its number where that is an address. */
function nameOf({ host }: Connection, container: string | undefined, index: number): string {
  if (container !== undefined) return kebab(container);
  return /^[a-z]/i.test(host) && host !== 'localhost' ? kebab(host.split('.', 1)[0] as string) : `db-${index + 1}`;
}

/** Each name once. */
function named(nodes: readonly DraftNode[]): readonly DraftNode[] {
  return nodes.map((node, i) =>
    nodes.findIndex(({ name }) => name === node.name) === i ? node : { ...node, name: `${node.name}-${i + 1}` },
  );
}
