/** An inventory as its author writes it, in a scenario or in a file that several scenarios share. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { parseConnection } from '../model/connection-string.ts';
import { errorText, InputError } from '../model/errors.ts';
import type { Connection, ContainerPlace, Inventory, MachinePlace, PasswordSource } from '../model/inventory.ts';
import { duration } from '../model/quantities.ts';
import { explain } from './explain.ts';
import { formatPath, type Problem, ScenarioError } from './problems.ts';
import { Source } from './source.ts';

const MAX_NODES = 64;
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

const MIN_UNDO_MS = 5_000;
const MAX_UNDO_MS = 3_600_000;
const UNDO_AFTER_MS = 60_000;
const DEFAULT_PORT = 5432;

const EXAMPLE = 'postgresql://app@10.0.0.5:5432/orders';

/** What a value is; the value itself may hold a password. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a mapping';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** Says itself what was found, so that no password in it gets into a message. */
const url = z
  .string({ error: ({ input }) => `expected a connection string such as ${EXAMPLE}, found ${kindOf(input)}` })
  .transform((text, context): Connection => {
    const read = parseConnection(text);
    if ('connection' in read) return read.connection;
    context.addIssue({ code: 'custom', message: read.problem });
    return z.NEVER;
  })
  .describe('Its connection string, as libpq reads it, without a password.');

const password = {
  'password-file': z
    .string()
    .min(1)
    .optional()
    .describe('A file whose first line is the password; its path counts from here.'),
  'password-env': z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable such as ORDERS_PASSWORD')
    .optional()
    .describe('A variable of the environment that holds it; PGPASSWORD and ~/.pgpass where neither is given.'),
};

const containerName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'expected the name of a container such as orders-db-1')
  .describe('The container, by name or id.');

const docker = z
  .union(
    [
      containerName.transform((container) => ({ container })).meta({ title: 'Container' }),
      z
        .strictObject({
          container: containerName,
          host: z
            .string()
            .regex(
              /^(unix|tcp|npipe):\/\/./,
              'expected an engine such as unix:///run/other.sock or tcp://10.0.0.5:2376',
            )
            .optional()
            .describe('The Docker engine that it is on, as in DOCKER_HOST.'),
          'cert-path': z
            .string()
            .min(1)
            .optional()
            .describe('The folder of ca.pem, cert.pem and key.pem for that host; its path counts from the inventory.'),
          context: z.string().min(1).optional().describe('A context of the docker command, in place of a host.'),
        })
        .refine(
          ({ host, context }) => host === undefined || context === undefined,
          'expected a host or a context, found both',
        )
        .refine(
          ({ host, 'cert-path': path }) => path === undefined || host?.startsWith('tcp:'),
          'expected a host such as tcp://10.0.0.5:2376 beside cert-path, found none',
        )
        .meta({ title: 'Container on an engine' }),
    ],
    {
      error: ({ code, input }) =>
        code === 'invalid_union'
          ? `expected a container such as orders-db-1, or a mapping with container, and host (with cert-path) or context, found ${kindOf(input)}`
          : undefined,
    },
  )
  .optional()
  .describe('The container that it runs in: what pgquake stops, kills and freezes. Without it, people break it.');

const destination = z
  .string()
  .regex(/^(ssh:\/\/)?[a-zA-Z0-9_][\w.@:[\]-]*$/, 'expected a machine as ssh takes it, such as ops@10.0.0.5')
  .describe(
    'The machine, as the ssh command takes it: ops@10.0.0.5, a Host of its configuration, ssh://ops@host:2222.',
  );

const ssh = z
  .union(
    [
      destination.transform((to) => ({ to })).meta({ title: 'Machine' }),
      z
        .strictObject({
          to: destination,
          service: z
            .string()
            .regex(/^[a-zA-Z0-9][\w@.:\\-]*$/, 'expected the name of a service such as postgresql@17-main')
            .optional()
            .describe('The service of systemd that the server is; found out by its process where it is left out.'),
          config: z
            .string()
            .min(1)
            .optional()
            .describe('A file for ssh -F, in place of your own configuration; its path counts from the inventory.'),
          'undo-after': duration
            .refine((ms) => ms >= MIN_UNDO_MS && ms <= MAX_UNDO_MS, 'expected 5s to 1h')
            .optional()
            .describe('After so long without a word of pgquake the machine undoes its acts by itself; 1m by default.'),
        })
        .meta({ title: 'Service on a machine' }),
    ],
    {
      error: ({ code, input }) =>
        code === 'invalid_union'
          ? `expected a machine such as ops@10.0.0.5, or a mapping with to, and service, config or undo-after, found ${kindOf(input)}`
          : undefined,
    },
  )
  .optional()
  .describe('The machine that it is a service of, reached by your own ssh client; in place of a container.');

const peer = z
  .string()
  .regex(/^[^\s:]+(:\d{1,5})?$/, 'expected a host with its port such as 10.0.0.5:5432')
  .optional()
  .describe('How the other nodes reach it, such as 10.0.0.5:5432, where that is not how pgquake does.');

const node = z
  .strictObject(
    {
      url,
      docker,
      ssh,
      peer,
      ...password,
    },
    {
      error: ({ code, input }) =>
        code === 'invalid_type' ? `expected a mapping such as { url: ${EXAMPLE} }, found ${kindOf(input)}` : undefined,
    },
  )
  .refine(
    ({ docker: container, ssh: machine }) => container === undefined || machine === undefined,
    'expected docker or ssh, found both',
  )
  .describe('A server: how it is reached, and how it may be broken.');

const route = z
  .strictObject({
    url,
    access: z.enum(['read', 'write']).default('write').describe('Whether it leads to a server that takes writes.'),
    ...password,
  })
  .describe('A further way of clients to the data, such as a proxy.');

/** What stands in an inventory. Read by `readInventory`, published as a JSON Schema. */
export const inventorySchema = z
  .strictObject({
    name: z
      .string()
      .regex(NAME, 'expected a name in kebab-case such as orders-staging')
      .describe('What people call the cluster; `confirm` repeats it.'),
    nodes: z.record(z.string(), node).describe('Its servers, by the names that scenarios and reports use.'),
    routes: z.record(z.string(), route).default({}).describe('Further ways of clients to its data, by name.'),
    ...password,
  })
  .superRefine(({ nodes, routes }, context) => {
    const note = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const count = Object.keys(nodes).length;
    if (count === 0 || count > MAX_NODES) note(['nodes'], `expected 1 to ${MAX_NODES} nodes, found ${count}`);
    for (const [section, names] of [
      ['nodes', nodes],
      ['routes', routes],
    ] as const) {
      for (const name of Object.keys(names)) {
        if (!NAME.test(name))
          note([section, name], `expected a name in kebab-case such as pg1, found ${JSON.stringify(name)}`);
      }
    }
    for (const taken of ['direct', 'standby'].filter((name) => name in routes)) {
      note(['routes', taken], `expected another name, found ${taken}: every cluster has a route of that name`);
    }
  });

type Written = z.output<typeof inventorySchema>;

/**
 * Reads an inventory that stands at a path of a source.
 * @param folder where relative paths in it count from.
 */
export function inventoryIn(
  source: Source,
  value: unknown,
  path: readonly PropertyKey[],
  folder: string,
): { readonly inventory?: Inventory; readonly problems: readonly Problem[] } {
  const result = inventorySchema.safeParse(value);
  if (result.success) return { inventory: inventoryFrom(result.data, folder), problems: [] };
  const problems = result.error.issues
    .flatMap((issue) => explain(issue, value, inventorySchema, []))
    .map(({ path: below, key, message }): Problem => {
      const at = [...path, ...below];
      const place = key === undefined ? source.placeOf(at) : source.placeOfKey(at, key);
      return { place, path: formatPath(at), message };
    });
  return { problems };
}

/**
 * Reads the file of an inventory.
 * @param shown how messages name it; its path by default.
 * @throws InputError where there is none; ScenarioError with all its problems and their places.
 */
export function readInventory(path: string, shown = path): Inventory {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(
      `cannot read the inventory ${shown}: ${missing ? 'there is no such file' : errorText(error)}`,
      {
        code: 'inventory-unreadable',
        hint: '"pgquake attach check <inventory>" says what is in one; docs/attach.md has an example',
      },
    );
  }
  return parseInventory(text, { shown, folder: dirname(resolve(path)) });
}

/**
 * The same, of a text.
 * @param from.shown how messages name it.
 * @param from.folder where relative paths in it count from.
 * @throws ScenarioError with all its problems and their places.
 */
export function parseInventory(
  text: string,
  { shown, folder }: { readonly shown: string; readonly folder: string },
): Inventory {
  const source = new Source(text, shown);
  const { inventory, problems } = inventoryIn(source, source.value, [], folder);
  if (!inventory || source.problems.length > 0) throw new ScenarioError([...source.problems, ...problems]);
  return inventory;
}

/** Whether a word names the file of an inventory, and no cluster of Compose. */
export function isInventoryFile(word: unknown): word is string {
  return typeof word === 'string' && /\.ya?ml$/.test(word);
}

/** Whether `attach` stands for an inventory: one in its place, or its file. */
export function meansInventory(attach: unknown): attach is string | Readonly<Record<string, unknown>> {
  return isInventoryFile(attach) || (typeof attach === 'object' && attach !== null && !Array.isArray(attach));
}

function inventoryFrom({ name, nodes, routes, ...fallback }: Written, folder: string): Inventory {
  const reached = ({ url: connection, ...own }: { readonly url: Connection } & WrittenPassword) => ({
    connection: absolute(connection, folder),
    ...passwordFrom(own, folder, passwordFrom(fallback, folder)),
  });
  return {
    name,
    nodes: Object.entries(nodes).map(([one, { docker, ssh, peer, ...rest }]) => ({
      name: one,
      ...reached(rest),
      ...(docker === undefined ? {} : { docker: placeFrom(docker, folder) }),
      ...(ssh === undefined ? {} : { ssh: machineFrom(ssh, folder) }),
      ...(peer === undefined ? {} : { peer: peerFrom(peer) }),
    })),
    routes: Object.entries(routes).map(([one, { access, ...rest }]) => ({ name: one, access, ...reached(rest) })),
  };
}

interface WrittenPlace {
  readonly container: string;
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  readonly 'cert-path'?: string | undefined;
}

function placeFrom({ container, host, context, 'cert-path': path }: WrittenPlace, folder: string): ContainerPlace {
  return {
    container,
    ...(host === undefined ? {} : { host }),
    ...(context === undefined ? {} : { context }),
    ...(path === undefined ? {} : { certPath: resolve(folder, path) }),
  };
}

interface WrittenMachine {
  readonly to: string;
  readonly service?: string | undefined;
  readonly config?: string | undefined;
  readonly 'undo-after'?: number | undefined;
}

function machineFrom({ to, service, config, 'undo-after': undoAfterMs }: WrittenMachine, folder: string): MachinePlace {
  return {
    to,
    ...(service === undefined ? {} : { service }),
    ...(config === undefined ? {} : { config: resolve(folder, config) }),
    undoAfterMs: undoAfterMs ?? UNDO_AFTER_MS,
  };
}

function peerFrom(written: string): { readonly host: string; readonly port: number } {
  const [host = '', port] = written.split(':');
  return { host, port: Number(port ?? DEFAULT_PORT) };
}

interface WrittenPassword {
  readonly 'password-file'?: string | undefined;
  readonly 'password-env'?: string | undefined;
}

function passwordFrom(written: WrittenPassword, folder: string, fallback: PasswordSource = {}): PasswordSource {
  const { 'password-file': file, 'password-env': variable } = written;
  if (file !== undefined) return { passwordFile: resolve(folder, file) };
  return variable === undefined ? fallback : { passwordEnv: variable };
}

function absolute(connection: Connection, folder: string): Connection {
  const { sslrootcert } = connection;
  return sslrootcert === undefined ? connection : { ...connection, sslrootcert: resolve(folder, sslrootcert) };
}

/** The published JSON Schema (draft 2020-12) of an inventory, for editors. */
export function inventoryJsonSchema(): Record<string, unknown> {
  const schema = inventorySchema.meta({
    title: 'pgquake inventory',
    description: 'A PostgreSQL cluster that exists, and how it may be broken.',
  });
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }) as Record<string, unknown>;
}
