/**
 * The Compose file of a cluster whose nodes run an engine's programs, all from one image. Password and image come from the
 * environment.
 */

import { type NodeProgram, PASSWORD_HERE, type Places } from '../../cluster/program.ts';
import type { NodeName } from '../../model/topology.ts';
import {
  composeYaml,
  containerName,
  DNS_OPTIONS,
  escaped,
  keeperOf,
  NODE_LABEL,
  PROJECT_LABEL,
  sizedVolume,
} from './compose.ts';

/** The port of a node's program; without the label, PostgreSQL's. */
export const PORT_LABEL = 'pgquake.port';
/** On nodes without PostgreSQL: the path of their health check, see `NodeProgram.health`. */
export const HEALTH_LABEL = 'pgquake.health';

/** On nodes with a manager's agent: its process and port, `patroni:8008`. */
export const AGENT_LABEL = 'pgquake.agent';

/** Each container is a machine, with its node's name as host name. */
export const IN_CONTAINERS: Places = {
  listen: (_node, port) => `0.0.0.0:${port}`,
  reach: (node, port) => `${node}:${port}`,
  configFolder: () => '/tmp/pgquake',
  dataFolder: (_node, inImage) => inImage,
  // Docker's own.
  nameServer: '127.0.0.11:53',
};

const PASSWORD_VARIABLE = `\${POSTGRES_PASSWORD:?}`;

/**
 * @param sizedData nodes whose data are on a file system of fixed size, which may be filled; none by default.
 * @returns the text of a Compose file, for `docker compose` (v2) and `docker-compose` (1.27 or newer). Pure.
 */
export function renderPrograms(
  programs: Readonly<Record<NodeName, NodeProgram>>,
  project: string,
  sizedData: readonly NodeName[] = [],
): string {
  const labels = { [PROJECT_LABEL]: project };
  const nodes = Object.entries(programs);
  const kept = nodes.filter(([, { dataFolder }]) => dataFolder !== undefined).map(([name]) => name);
  const sized = kept.filter((name) => sizedData.includes(name));
  const volumes = kept.map((name) => [name, { labels, ...(sized.includes(name) ? SIZED : {}) }]);
  const file = {
    services: {
      ...Object.fromEntries(
        nodes.map(([name, program]) => [containerName(project, name), service(project, name, program)]),
      ),
      ...(sized.length === 0
        ? {}
        : {
            [containerName(project, 'keeper')]: keeperOf(containerName(project, 'keeper'), sized, {
              image: `\${PGQUAKE_IMAGE:?}`,
              labels,
            }),
          }),
    },
    networks: { default: { labels } },
    volumes: Object.fromEntries(volumes),
  };
  return `# Written by pgquake.\n${composeYaml(file)}`;
}

/** World-writable: the image decides which user runs the program. */
const SIZED = sizedVolume('1777');

function service(project: string, name: NodeName, { command, files, ports, dataFolder, health, agent }: NodeProgram) {
  const texts = Object.values(files).map((text, i) => [`PGQUAKE_FILE_${i}`, withPassword(text)]);
  return {
    image: `\${PGQUAKE_IMAGE:?}`,
    container_name: containerName(project, name),
    hostname: name,
    entrypoint: ['bash', '-c', escaped(writingFiles(Object.keys(files))), 'pgquake'],
    command: command.map(escaped),
    environment: {
      POSTGRES_PASSWORD: PASSWORD_VARIABLE,
      ...(dataFolder === undefined ? {} : { PGDATA: dataFolder }),
      ...Object.fromEntries(texts),
    },
    labels: {
      [PROJECT_LABEL]: project,
      [NODE_LABEL]: name,
      [PORT_LABEL]: String(ports[0]),
      ...(health === undefined ? {} : { [HEALTH_LABEL]: health }),
      ...(agent === undefined ? {} : { [AGENT_LABEL]: `${agent.process}:${agent.port}` }),
    },
    networks: { default: { aliases: [name] } },
    dns_opt: [...DNS_OPTIONS],
    ports: ports.map((port) => `127.0.0.1::${port}`),
    ...(dataFolder === undefined ? {} : { volumes: [`${name}:${parentOf(dataFolder)}`] }),
    shm_size: '256mb',
    restart: 'no',
    healthcheck: { disable: true },
  };
}

/** Writes files from the environment, readable only by their owner, and then becomes the command. */
function writingFiles(paths: readonly string[]): string {
  const writes = paths.map((path, i) => {
    const variable = `PGQUAKE_FILE_${i}`;
    return `mkdir -p '${parentOf(path)}' && printf %s "$${variable}" > '${path}' && unset ${variable}`;
  });
  return ['umask 077', ...writes, 'exec "$@"'].join(' && ');
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function withPassword(text: string): string {
  return text.split(PASSWORD_HERE).map(escaped).join(PASSWORD_VARIABLE);
}
