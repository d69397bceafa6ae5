/**
 * Renders the Compose file of a cluster from its nodes. The docker-compose.yml at the top of the repository is that of the
 * standing cluster; a run's is in its folder. Password and image come from the environment.
 */

import { stringify } from 'yaml';
import type { NodeSpec } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';

/** The variable PGQUAKE_IMAGE overrides it. */
export const DEFAULT_IMAGE = 'citusdata/citus:14.1.0';

/** On every container, network and volume of a cluster. pgquake does not touch what lacks it. */
export const PROJECT_LABEL = 'pgquake.project';
/** On every container: its node in the topology. */
export const NODE_LABEL = 'pgquake.node';

/** In the container. */
export const POSTGRES_PORT = 5432;

export interface ComposeOptions {
  /** Name of the Compose project, `citus`; service and container names start with it. */
  readonly project: string;
  /** Server settings of every node, `wal_level` -> `logical`. */
  readonly settings: Readonly<Record<string, string>>;
  /** The entry's port on 127.0.0.1, unless PGQUAKE_PORT names another; any free one by default. */
  readonly entryPort?: number;
  /** Whether the engine checks the nodes' health, which costs processor time. */
  readonly healthChecks: boolean;
  /** Arguments of initdb; none by default. */
  readonly initdbArguments?: string;
  /** Nodes whose data are on a file system of fixed size, which may be filled; none by default. */
  readonly sizedData?: readonly string[];
}

/** The size of that file system, which is in memory: the engine's disk is never filled. */
export const SIZED_DATA_BYTES = 512 * 2 ** 20;

/** The cluster that `docker-compose.yml` describes. */
export const STANDING: ComposeOptions = {
  project: 'citus',
  // Enough for the engines `citus` and `native`; each ignores what only the other needs.
  settings: { wal_level: 'logical', max_connections: '600', max_worker_processes: '64' },
  entryPort: 5432,
  healthChecks: true,
};

/** `citus_worker1`: the name of a node's service and container, by which other nodes reach it. */
export function containerName(project: string, node: string): string {
  return `${project}_${node}`;
}

/** @returns the text of a Compose file, for `docker compose` (v2) and `docker-compose` (1.27 or newer). Pure. */
export function renderCompose(specs: readonly NodeSpec[], options: ComposeOptions): string {
  const { project, entryPort, sizedData = [] } = options;
  const roles = [...Map.groupBy(specs, ({ role }) => role)].map(([role, all]) => formatCount(all.length, role));
  const labels = () => ({ [PROJECT_LABEL]: project });
  const node = everyNode(options);
  const services = specs.map(({ name, part }) => {
    const port = part === 'entry' && entryPort !== undefined ? `\${PGQUAKE_PORT:-${entryPort}}` : '';
    const service = {
      '<<': node,
      container_name: containerName(project, name),
      labels: { ...labels(), [NODE_LABEL]: name },
      ports: [`127.0.0.1:${port}:${POSTGRES_PORT}`],
      volumes: [`${name}:/var/lib/postgresql`],
    };
    return [containerName(project, name), service] as const;
  });
  const keeper = containerName(project, 'keeper');
  const file = {
    'x-node': node,
    services: {
      ...Object.fromEntries(services),
      ...(sizedData.length === 0 ? {} : { [keeper]: keeperOf(keeper, sizedData, { image: IMAGE, labels: labels() }) }),
    },
    networks: { default: { labels: labels() } },
    volumes: Object.fromEntries(
      specs.map(({ name }) => [name, { ...(sizedData.includes(name) ? sizedVolume('0755') : {}), labels: labels() }]),
    ),
  };
  return `# ${roles.join(' and ')}.
# Written by pgquake; change how it renders this file, not the file. To use it by hand:
#   POSTGRES_PASSWORD=... docker compose --project-name ${project} up --detach

${composeYaml(file)}`;
}

/** Old versions of Compose read YAML 1.1, in which a plain "no" is false. Repeated objects get an anchor. */
export function composeYaml(file: object): string {
  return stringify(file, { lineWidth: 0, version: '1.1', anchorPrefix: 'node' });
}

function everyNode({ settings, initdbArguments, healthChecks }: ComposeOptions) {
  return {
    image: IMAGE,
    command: ['postgres', ...serverArguments(settings)],
    environment: {
      POSTGRES_PASSWORD: `\${POSTGRES_PASSWORD:?set it to a password of your choice}`,
      // The default differs between versions of the image.
      PGDATA: '/var/lib/postgresql/pgdata',
      ...(initdbArguments === undefined ? {} : { POSTGRES_INITDB_ARGS: escaped(initdbArguments) }),
    },
    dns_opt: [...DNS_OPTIONS],
    shm_size: '256mb',
    restart: 'no',
    // The image may define its own check.
    healthcheck: healthChecks ? HEALTH_CHECK : { disable: true },
  };
}

const IMAGE = `\${PGQUAKE_IMAGE:-${DEFAULT_IMAGE}}`;

/** Short, because the name of a stopped node does not resolve, and a server does nothing else while it waits for it. */
export const DNS_OPTIONS = ['timeout:1', 'attempts:1', 'no-aaaa'] as const;

/** A volume of fixed size in memory. */
export function sizedVolume(mode: string) {
  const options = { type: 'tmpfs', device: 'tmpfs', o: `size=${SIZED_DATA_BYTES},mode=${mode}` };
  return { driver: 'local', driver_opts: options };
}

/** An idle container that keeps in-memory volumes: they vanish when the last container that uses them stops. */
export function keeperOf(
  name: string,
  nodes: readonly string[],
  { image, labels }: { readonly image: string; readonly labels: object },
) {
  return {
    image,
    container_name: name,
    entrypoint: ['sleep', 'infinity'],
    network_mode: 'none',
    stop_grace_period: '0s',
    restart: 'no',
    healthcheck: { disable: true },
    labels,
    volumes: nodes.map((node) => `${node}:/kept/${node}`),
  };
}

/** Over TCP: a node that is still preparing its data listens only on its Unix socket. */
const HEALTH_CHECK = {
  test: ['CMD', 'pg_isready', '--quiet', '--host=127.0.0.1', '--username=postgres'],
  interval: '5s',
  timeout: '3s',
  retries: 5,
  start_period: '60s',
};

function serverArguments(settings: ComposeOptions['settings']): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', escaped(`${name}=${value}`)]);
}

/** Compose reads `$$` as one dollar sign. */
export function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}
