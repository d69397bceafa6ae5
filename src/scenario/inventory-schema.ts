/** The schema of an inventory, which `readInventory` uses and pgquake publishes as a JSON Schema. */

import { z } from 'zod';
import { parseConnection } from '../model/connection-string.ts';
import type { Connection } from '../model/inventory.ts';
import { duration } from '../model/quantities.ts';

const MAX_NODES = 64;
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

const MIN_UNDO_MS = 5_000;
const MAX_UNDO_MS = 3_600_000;

/** An IPv6 address is in brackets. */
export const PEER = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i;

const EXAMPLE = 'postgresql://app@10.0.0.5:5432/orders';

/** Describes a value by its type, because the value itself may contain a password. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a mapping';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** Replaces the schema's own message for one kind of mistake. */
function mistake(kind: 'invalid_union' | 'invalid_type', expected: string) {
  return {
    error: ({ code, input }: Pick<z.core.$ZodRawIssue, 'code' | 'input'>) =>
      code === kind ? `expected ${expected}, found ${kindOf(input)}` : undefined,
  };
}

/** Has its own error texts, so that no password in the value gets into a message. */
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
    .describe('A file whose first line is the password; relative to the inventory.'),
  'password-env': z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable such as ORDERS_PASSWORD')
    .optional()
    .describe('An environment variable that holds it; PGPASSWORD and ~/.pgpass if neither is given.'),
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
            .describe('The folder of ca.pem, cert.pem and key.pem for that host; relative to the inventory.'),
          context: z.string().min(1).optional().describe('A context of the docker command, instead of a host.'),
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
    mistake(
      'invalid_union',
      'a container such as orders-db-1, or a mapping with container, and host (with cert-path) or context',
    ),
  )
  .optional()
  .describe(
    'The container that it runs in, which pgquake stops, kills and freezes. Without it, you break the node by hand.',
  );

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
            .describe("The server's systemd service; if omitted, found from its process."),
          config: z
            .string()
            .min(1)
            .optional()
            .describe('A file for ssh -F, instead of your own configuration; relative to the inventory.'),
          'undo-after': duration
            .refine((ms) => ms >= MIN_UNDO_MS && ms <= MAX_UNDO_MS, 'expected 5s to 1h')
            .optional()
            .describe('How long without word from pgquake before the machine undoes its acts; 1m by default.'),
        })
        .meta({ title: 'Service on a machine' }),
    ],
    mistake('invalid_union', 'a machine such as ops@10.0.0.5, or a mapping with to, and service, config or undo-after'),
  )
  .optional()
  .describe('The machine on which it runs as a service, reached with your own ssh client; instead of a container.');

const peer = z
  .string()
  .regex(PEER, 'expected a host with its port such as 10.0.0.5:5432 or [fd00::5]:5432')
  .optional()
  .describe('How the other nodes reach it, such as 10.0.0.5:5432, if pgquake reaches it otherwise.');

const node = z
  .strictObject(
    {
      url,
      docker,
      ssh,
      peer,
      ...password,
    },
    mistake('invalid_type', `a mapping such as { url: ${EXAMPLE} }`),
  )
  .refine(
    ({ docker: container, ssh: machine }) => container === undefined || machine === undefined,
    'expected docker or ssh, found both',
  )
  .describe('A server: how pgquake reaches it, and how it may break it.');

const route = z
  .strictObject({
    url,
    access: z.enum(['read', 'write']).default('write').describe('Whether it leads to a server that takes writes.'),
    ...password,
  })
  .describe('Another route for clients to the data, such as a proxy.');

export const inventorySchema = z
  .strictObject({
    name: z
      .string()
      .regex(NAME, 'expected a name in kebab-case such as orders-staging')
      .describe('What people call the cluster; `confirm` repeats it.'),
    nodes: z.record(z.string(), node).describe('Its servers, by the names that scenarios and reports use.'),
    patroni: z
      .string()
      .regex(/^http:\/\/[^/\s]+\/?$/, 'expected a REST address such as http://10.0.0.5:8008')
      .optional()
      .describe('If Patroni manages it: the REST address of any member. Members and settings are read from it.'),
    routes: z.record(z.string(), route).default({}).describe('Other routes for clients to its data, by name.'),
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
