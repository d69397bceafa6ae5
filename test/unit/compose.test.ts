/** The Compose file as it is rendered, and the one that is committed. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { standingSettings, standingTopology } from '../../src/cli/standing.ts';
import { type ComposeOptions, renderCompose, STANDING } from '../../src/platforms/docker/compose.ts';
import { sharded } from '../support/sharded.ts';

const STANDING_TOPOLOGY = standingTopology();
const STANDING_FILE = { ...STANDING, settings: { ...standingSettings(), ...STANDING.settings } };

interface Service {
  readonly container_name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test?: readonly string[]; readonly disable?: boolean };
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, { readonly labels: Readonly<Record<string, string>> }>>;
  readonly networks: { readonly default: { readonly labels: Readonly<Record<string, string>> } };
}

const RUN: ComposeOptions = { project: 'pgquake-0a1b2c3d', settings: {}, healthChecks: false };

function render(topology = STANDING_TOPOLOGY, options: ComposeOptions = RUN): ComposeFile {
  return parse(renderCompose(topology.nodes, options), { merge: true }) as ComposeFile;
}

test('the committed docker-compose.yml is the rendering of the standing cluster', () => {
  const committed = readFileSync(resolve(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
  expect(committed).toBe(renderCompose(STANDING_TOPOLOGY.nodes, STANDING_FILE));
});

test('data that may be filled have a size of their own, and outlive their node', () => {
  const { services, volumes } = parse(
    renderCompose(STANDING_TOPOLOGY.nodes, { ...RUN, sizedData: ['worker2'] }),
  ) as ComposeFile & { volumes: Record<string, { driver_opts?: object }> };
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=536870912,mode=0755' };
  const sized = Object.entries(volumes).filter(([, { driver_opts: given }]) => given !== undefined);
  expect(sized).toEqual([['worker2', expect.objectContaining({ driver: 'local', driver_opts: options })]]);
  const keeper = services[`${RUN.project}_keeper`];
  expect(keeper?.volumes).toEqual(['worker2:/kept/worker2']);
  expect(keeper?.labels).toEqual({ 'pgquake.project': RUN.project });
  expect(Object.keys(render().services)).not.toContain(`${RUN.project}_keeper`);
});

describe('the standing cluster', () => {
  const { services } = render(STANDING_TOPOLOGY, STANDING_FILE);

  test('has the containers that people name on the command line', () => {
    const names = ['citus_coordinator', 'citus_worker1', 'citus_worker2', 'citus_worker3', 'citus_worker4'];
    expect(Object.keys(services)).toEqual(names);
    expect(Object.values(services).map((service) => service.container_name)).toEqual(names);
  });

  test('has health checks, and replicates every shard twice', () => {
    for (const { healthcheck, command } of Object.values(services)) {
      expect(healthcheck.test).toContain('pg_isready');
      expect(command).toContain('citus.shard_replication_factor=2');
    }
  });

  test('takes image, password and port from the environment', () => {
    const coordinator = services.citus_coordinator as Service;
    expect(coordinator.image).toMatch(/^\$\{PGQUAKE_IMAGE:-citusdata\/citus:\d+\.\d+\.\d+\}$/);
    expect(coordinator.environment.POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?.+\}$/);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's own syntax.
    expect(coordinator.ports).toEqual(['127.0.0.1:${PGQUAKE_PORT:-5432}:5432']);
  });
});

describe('the cluster of a run', () => {
  test.for([1, 6, 12])(
    'of %i workers has every node once, marked as a target, on loopback, with its own volume',
    (workers) => {
      const { services, volumes, networks } = render(sharded({ workers, replication: 1, partitions: 1 }));
      expect(Object.keys(services)).toHaveLength(workers + 1);
      for (const [name, service] of Object.entries(services)) {
        const node = service.labels['pgquake.node'] as string;
        expect(name).toBe(`${RUN.project}_${node}`);
        expect(service.container_name).toBe(name);
        expect(service.labels['pgquake.project']).toBe(RUN.project);
        expect(service.ports).toEqual(['127.0.0.1::5432']);
        expect(service.volumes).toEqual([`${node}:/var/lib/postgresql`]);
        expect(service.environment.PGDATA).toMatch(/^\/var\/lib\/postgresql\/./);
        expect(volumes[node]?.labels).toEqual({ 'pgquake.project': RUN.project });
      }
      expect(new Set(Object.values(services).map((service) => service.labels['pgquake.node'])).size).toBe(workers + 1);
      expect(Object.keys(volumes)).toHaveLength(workers + 1);
      expect(networks.default.labels).toEqual({ 'pgquake.project': RUN.project });
    },
  );

  test('passes settings to every server, word for word', () => {
    const settings = { log_line_prefix: '%m "[%p]" it\'s: #1 ', search_path: '"$user", public' };
    for (const { command } of Object.values(render(STANDING_TOPOLOGY, { ...RUN, settings }).services)) {
      expect(command[0]).toBe('postgres');
      expect(command).toContain('log_line_prefix=%m "[%p]" it\'s: #1 ');
      // Compose reads two dollar signs as one.
      expect(command).toContain('search_path="$$user", public');
    }
  });

  test('has neither health checks nor arguments for initdb unless asked for', () => {
    const plain = render().services[`${RUN.project}_worker1`];
    expect(plain).toBeDefined();
    expect(plain?.healthcheck).toEqual({ disable: true });
    expect(plain?.environment).not.toHaveProperty('POSTGRES_INITDB_ARGS');
    const asked = render(STANDING_TOPOLOGY, { ...RUN, initdbArguments: '--no-sync' }).services[
      `${RUN.project}_worker1`
    ];
    expect(asked?.environment.POSTGRES_INITDB_ARGS).toBe('--no-sync');
  });
});
