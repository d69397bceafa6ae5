/** The engine `patroni` without a cluster: its keys, what runs on its nodes, and what Patroni's answers come to. */

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { FailoverStep } from '../../src/cluster/manager.ts';
import { PASSWORD_HERE } from '../../src/cluster/program.ts';
import { unsteady } from '../../src/engines/patroni/cluster.ts';
import { Progress } from '../../src/engines/patroni/manager.ts';
import type { Member } from '../../src/engines/patroni/rest.ts';
import type { Roles } from '../../src/model/roles.ts';
import type { ClusterSpec } from '../../src/model/scenario.ts';
import { nodeNames } from '../../src/model/topology.ts';
import { planOf } from '../../src/planner.ts';
import { IN_CONTAINERS, renderPrograms } from '../../src/platforms/docker/compose-programs.ts';
import { parseProcesses } from '../../src/platforms/docker/container-parts.ts';
import { processesOf } from '../../src/platforms/parts.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';
import { programsOf } from '../support/patroni.ts';

function clusterOf(cluster: string, more = 'faults: []'): ClusterSpec {
  const text = `name: some\nsummary: Some.\ncluster: ${cluster}\n${more}\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', vocabulary).cluster;
}

function problems(cluster: string, more?: string): string[] {
  try {
    clusterOf(cluster, more);
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ place, path, message }) => `${place.line}:${place.column} ${path}: ${message}`);
  }
}

describe('the keys', () => {
  test('have the defaults of Patroni', () => {
    const cluster = clusterOf('{ engine: patroni }');
    expect(nodeNames(cluster)).toEqual(['pg1', 'pg2', 'pg3', 'etcd1']);
    expect(cluster).toMatchObject({
      engine: 'patroni',
      replication: 3,
      partitions: 1,
      own: {
        inWords:
          '3 members under Patroni: pg1, pg2, pg3; 1 member of etcd; ttl 30, loop_wait 10, retry_timeout 10; asynchronous',
        params: { settings: { ttlMs: 30_000, primaryStartTimeoutMs: 300_000, maximumLagOnFailoverBytes: 1_048_576 } },
      },
    });
  });

  test('are meant where one of them is written', () => {
    const { engine, nodes } = clusterOf('{ members: 2, dcs: 3, proxy: haproxy, pooler: pgbouncer }');
    expect(engine).toBe('patroni');
    expect(nodes.map(({ name, part }) => `${name} ${part}`)).toEqual([
      'pg1 data',
      'pg2 data',
      'etcd1 dcs',
      'etcd2 dcs',
      'etcd3 dcs',
      'haproxy proxy',
      'pgbouncer pooler',
    ]);
  });

  test.each([
    ['settings: { ttl: 19 }', '3:46 cluster.settings.ttl: expected at least 20, found 19'],
    [
      'settings: { ttl: 29 }',
      '3:46 cluster.settings.ttl: expected at least loop_wait + 2 * retry_timeout = 10 + 2 * 10 = 30, found 29: Patroni would shorten the other two',
    ],
    ['settings: { tll: 30 }', '3:41 cluster.settings: unknown key "tll"; did you mean "ttl"?'],
    ['settings: { ttl: 30s }', '3:46 cluster.settings.ttl: expected seconds without a unit, such as 30, found "30s"'],
    [
      'settings: { synchronous_mode_strict: true }',
      '3:66 cluster.settings.synchronous_mode_strict: it does nothing without synchronous_mode: true',
    ],
    ['dcs: 2', '3:34 cluster.dcs: expected an odd number, found 2: 2 members survive the loss of 0, no more than 1 do'],
    [
      'pooler: pgbouncer',
      '3:37 cluster.pooler: pgbouncer does not know which node is primary; add proxy: haproxy, to which it connects',
    ],
    [
      'shards: 4',
      '3:29 cluster: "shards" is unknown to the engine patroni; known: members, dcs, proxy, pooler, settings',
    ],
  ])('%s is refused where it is written', (key, message) => {
    expect(problems(`{ engine: patroni, ${key} }`)).toEqual([message]);
  });

  test('a role and a route that the cluster does not have are told with what would give them', () => {
    const strike = 'faults: [{ fault: node-kill, target: { role: sync-standby }, for: 1s }]';
    expect(problems('{ engine: patroni }', strike)[0]).toContain('synchronous_mode is false');
    expect(problems('{ engine: patroni }', 'workload: { write: { route: proxy } }')).toEqual([
      '4:29 workload.write.route: there is no proxy here; add proxy: haproxy under cluster',
    ]);
  });
});

describe('a target that is no server', () => {
  const strike = (target: string) => `faults: [{ fault: node-stop, target: ${target}, for: 1s }]`;
  const targetsOf = (cluster: string, target: string) => {
    const text = `name: some\nsummary: Some.\ncluster: ${cluster}\n${strike(target)}\nhypothesis: [{ check: no-lost-writes }]\n`;
    const { acts } = planOf(vocabulary.faults, parseScenario(text, 'some.yaml', vocabulary), { seed: 1 });
    return acts[0];
  };

  test('is picked from the members of the DCS', () => {
    const cluster = '{ engine: patroni, dcs: 5, proxy: haproxy }';
    expect(targetsOf(cluster, '{ role: dcs }')).toMatchObject({
      targets: ['etcd1', 'etcd2', 'etcd3', 'etcd4', 'etcd5'],
      picked: 'all of the DCS',
    });
    const majority = targetsOf(cluster, '{ role: dcs, pick: majority }');
    expect(majority?.picked).toBe('3 of 5 of the DCS');
    expect(new Set(majority?.targets).size).toBe(3);
    expect(targetsOf(cluster, '{ role: proxy }')?.targets).toEqual(['haproxy']);
    expect(targetsOf(cluster, 'etcd2')?.targets).toEqual(['etcd2']);
  });

  test('is refused where the cluster has none, or fewer', () => {
    expect(problems('{ engine: patroni }', strike('{ role: proxy }'))).toEqual([
      '4:46 faults[0].target.role: there is no role "proxy" in this cluster; known: primary, standby, sync-standby, dcs',
    ]);
    expect(problems('{ engine: patroni }', strike('{ role: dcs, pick: 2 }'))).toEqual([
      '4:57 faults[0].target.pick: cannot pick 2: the cluster has etcd1',
    ]);
  });
});

describe('parts of a node', () => {
  const STATS = `1 (bash) S 0 1
7 (patroni) S 1 1
20 (postgres) S 1 20
21 (postgres) S 20 21
22 (postgres) Z 20 22
23 (a (b) c) T 7 23`;

  test("are told by the kernel's list of processes", () => {
    const all = parseProcesses(STATS);
    expect(all.map(({ pid, command, state }) => `${pid} ${command} ${state}`)).toEqual([
      '1 bash S',
      '7 patroni S',
      '20 postgres S',
      '21 postgres S',
      '23 a (b) c T',
    ]);
    const pids = (part: 'agent' | 'server' | 'postmaster') => processesOf(part, all, 'patroni').map(({ pid }) => pid);
    expect(pids('agent')).toEqual([7]);
    expect(pids('server')).toEqual([20, 21]);
    expect(pids('postmaster')).toEqual([20]);
  });
});

describe('what runs on the nodes', () => {
  const cluster = clusterOf('{ engine: patroni, dcs: 3, proxy: haproxy, pooler: pgbouncer, settings: { ttl: 40 } }');
  const programs = programsOf(cluster).at(IN_CONTAINERS);
  const text = renderPrograms(programs, 'pgquake-0a1b2c3d');
  const { services, networks, volumes } = parse(text) as {
    services: Record<string, { ports: string[]; labels: object; environment: Record<string, string>; restart: string }>;
    networks: object;
    volumes: object;
  };

  test('is one program a node, each of this project', () => {
    expect(Object.keys(programs)).toEqual(nodeNames(cluster));
    expect(Object.keys(services)).toEqual(nodeNames(cluster).map((name) => `pgquake-0a1b2c3d_${name}`));
    const labels = { 'pgquake.project': 'pgquake-0a1b2c3d' };
    for (const service of Object.values(services)) expect(service).toMatchObject({ labels, restart: 'no' });
    expect(networks).toEqual({ default: { labels } });
    expect(volumes).toMatchObject({ pg1: { labels }, etcd3: { labels } });
  });

  test('publishes ports on 127.0.0.1 alone', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports.length).toBeGreaterThanOrEqual(10);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1::\d+$/);
  });

  test('holds no password, and asks for one everywhere', () => {
    expect(text).not.toContain(PASSWORD_HERE);
    expect(text).not.toMatch(/\btrust\b/);
    const config = JSON.parse(programs.pg1?.files['/tmp/pgquake/patroni.yml'] ?? '');
    expect(config.postgresql.pg_hba.every((line: string) => line.endsWith(' scram-sha-256'))).toBe(true);
    expect(config.bootstrap.dcs).toMatchObject({ ttl: 40, loop_wait: 10, failsafe_mode: false });
    expect(config.restapi.authentication).toEqual({ username: 'patroni', password: PASSWORD_HERE });
    expect(programs.pgbouncer?.files['/tmp/pgquake/pgbouncer.ini']).toContain('auth_type = scram-sha-256');
  });

  test('of which one may be filled is in memory, and stays there while its program is down', () => {
    const sized = parse(renderPrograms(programs, 'p', ['pg1', 'haproxy']));
    expect(sized.volumes.pg1).toMatchObject({ driver_opts: { type: 'tmpfs', o: expect.stringMatching(/^size=\d+,/) } });
    expect(sized.volumes.pg2).not.toHaveProperty('driver_opts');
    expect(sized.services.p_keeper).toMatchObject({ volumes: ['pg1:/kept/pg1'], labels: { 'pgquake.project': 'p' } });
    expect(services).not.toHaveProperty('p_keeper');
  });

  test('dollar signs reach the program as they are', () => {
    const file = renderPrograms(
      { one: { command: ['a$b'], files: { '/f/g': `c$d ${PASSWORD_HERE}` }, ports: [1] } },
      'p',
    );
    const { command, environment } = parse(file).services.p_one;
    expect(command).toEqual(['a$$b']);
    expect(environment.PGQUAKE_FILE_0).toBe(`c$$d \${POSTGRES_PASSWORD:?}`);
  });
});

const member = (name: string, role: Member['role'], more: Partial<Member> = {}): Member => ({
  name,
  role,
  state: role === 'leader' ? 'running' : 'streaming',
  timeline: 1,
  ...more,
});
const MEMBERS = [member('pg1', 'leader'), member('pg2', 'standby'), member('pg3', 'standby')];
const ROLES: Roles = {
  pg1: { role: 'primary', timeline: 1 },
  pg2: { role: 'standby', timeline: 1, state: 'streaming' },
  pg3: { role: 'standby', timeline: 1, state: 'streaming' },
};

describe('steady', () => {
  const wanted = { members: 3, synchronous: false };

  test('is what Patroni and the servers agree on', () => {
    expect(unsteady(MEMBERS, ROLES, wanted)).toBeUndefined();
    const published = MEMBERS.map((one) => (one.name === 'pg3' ? member('pg3', 'sync-standby') : one));
    expect(unsteady(published, ROLES, { ...wanted, synchronous: true })).toBeUndefined();
  });

  test.each([
    ['no leader', MEMBERS.slice(1), ROLES, 'Patroni has 0 leaders'],
    ['a member that has not joined', MEMBERS.slice(0, 2), ROLES, '2 of 3 members have joined'],
    [
      'a leader that is no primary yet',
      MEMBERS,
      { ...ROLES, pg1: { role: 'unknown' } } as Roles,
      'pg1 leads but does not take writes yet',
    ],
    [
      'a standby that does not stream',
      MEMBERS,
      { ...ROLES, pg3: { role: 'standby', state: 'not streaming' } } as Roles,
      'pg3 does not stream (not streaming; Patroni: streaming)',
    ],
    [
      'a standby on another timeline',
      [...MEMBERS.slice(0, 2), member('pg3', 'standby', { timeline: 2 })],
      ROLES,
      'pg3 is on timeline 2, pg1 on 1',
    ],
  ])('%s is not', (_, members, roles, reason) => {
    expect(unsteady(members, roles, wanted)).toBe(reason);
  });

  test('where commits wait, a synchronous standby is published', () => {
    expect(unsteady(MEMBERS, ROLES, { members: 3, synchronous: true })).toBe('no synchronous standby is published');
  });
});

describe('a failover, look by look', () => {
  const NOBODY = MEMBERS.map((one) => ({ ...one, role: 'standby' as const }));
  const PG2 = NOBODY.map((one) => (one.name === 'pg2' ? member('pg2', 'leader') : one));

  function heard(...looks: (readonly Member[] | 'promoted')[]): string[] {
    const steps: FailoverStep[] = [];
    const progress = new Progress((step) => steps.push(step));
    for (const look of looks) {
      if (look === 'promoted') progress.promoted();
      else progress.seen(look);
    }
    return steps.map(({ step, from, to }) => `${step} ${from}${to === undefined ? '' : ` -> ${to}`}`);
  }

  test('is noticed, elected and promoted, each once', () => {
    expect(heard(MEMBERS, MEMBERS, NOBODY, NOBODY, PG2, PG2, 'promoted', PG2)).toEqual([
      'noticed pg1',
      'elected pg1 -> pg2',
      'promoted pg1 -> pg2',
    ]);
  });

  test('between two looks has both steps', () => {
    expect(heard(MEMBERS, PG2, 'promoted')).toEqual(['noticed pg1', 'elected pg1 -> pg2', 'promoted pg1 -> pg2']);
  });

  test('that the old leader ends by taking its key back is noticed alone, and again the next time', () => {
    expect(heard(MEMBERS, NOBODY, MEMBERS, NOBODY)).toEqual(['noticed pg1', 'noticed pg1']);
  });
});
