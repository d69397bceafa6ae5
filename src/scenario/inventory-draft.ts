/** The files that `pgquake init` writes: an inventory and a first scenario for it. Pure. */

import { stringify } from 'yaml';

export interface DraftNode {
  readonly name: string;
  /** Its connection string, without a password. */
  readonly url: string;
  readonly docker?: string;
  readonly ssh?: string;
}

export interface Draft {
  /** In kebab-case. */
  readonly name: string;
  readonly nodes: readonly DraftNode[];
  readonly routes?: readonly { readonly name: string; readonly url: string }[];
  /** The REST address of Patroni. */
  readonly patroni?: string;
  readonly passwordEnv?: string;
}

/** `orders_db-1` becomes `orders-db-1`; text that starts with no letter gets the prefix `db-`. */
export function kebab(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return /^[a-z]/.test(plain) ? plain : `db-${plain}`.replace(/-$/, '');
}

export function inventoryText({ name, nodes, routes = [], patroni, passwordEnv }: Draft): string {
  const written = {
    name,
    ...(patroni === undefined ? {} : { patroni }),
    ...(passwordEnv === undefined ? {} : { 'password-env': passwordEnv }),
    nodes: Object.fromEntries(nodes.map(({ name: node, ...rest }) => [node, rest])),
    ...(routes.length === 0
      ? {}
      : { routes: Object.fromEntries(routes.map(({ name: route, url }) => [route, { url }])) }),
  };
  return `# How pgquake reaches this cluster, and how it may break it. It contains no passwords: they come from
# ${passwordEnv === undefined ? 'PGPASSWORD or ~/.pgpass' : passwordEnv}. Its keys: pgquake schema inventory
${stringify(written, { lineWidth: 0 })}`;
}

/**
 * A scenario that kills the primary once if pgquake can break every node; else one that only measures.
 * @param file of the inventory, in the same folder.
 */
export function firstScenarioText({ name, nodes }: Draft, file: string): string {
  const breakable = nodes.every(({ docker, ssh }) => docker !== undefined || ssh !== undefined);
  const head = breakable
    ? `name: first
summary: pgquake kills the primary of ${name} and starts it again after 5 s; no acknowledged write is lost.`
    : `name: first
summary: pgquake measures ${name} for 30 s and breaks nothing.`;
  const faults = breakable
    ? `faults:
  - { fault: node-kill, target: { role: primary }, at: 1s, for: 5s }
settle: { within: 60s }`
    : 'faults: []';
  return `${head}
# The load uses pgquake's own table in a separate schema, dropped at the end. For your own statements: use: sql
cluster: { attach: ${file} }
workload: { use: ledger }
steady-state: { for: ${breakable ? '5s' : '30s'} }
${faults}
hypothesis:
  - { check: no-lost-writes }
  - { check: outage, of: write, max: ${breakable ? '60s' : '1s'} }
${breakable ? '  - { check: healed }\n' : ''}`;
}
