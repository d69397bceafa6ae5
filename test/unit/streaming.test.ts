import { describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { mostReceived } from '../../src/engines/streaming/by-hand.ts';
import { rolesFrom } from '../../src/engines/streaming/observe.ts';
import type { StreamingSpec } from '../../src/engines/streaming/spec.ts';
import { connInfo, lsnValue, synchronousNames, voicesNeeded } from '../../src/engines/streaming/sql.ts';
import { streaming } from '../../src/engines/streaming.ts';
import type { Roles } from '../../src/model/roles.ts';
import { pickAtStrike } from '../../src/plan/target.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';
import { ring, undivided } from '../support/sharded.ts';
import { ownOfStreaming } from '../support/streaming-topology.ts';

function parsed(cluster: string, more = 'faults: []') {
  const text = `name: some\nsummary: Some.\ncluster: ${cluster}\n${more}\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', vocabulary);
}

function problems(cluster: string, more?: string): string[] {
  try {
    parsed(cluster, more);
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ place, path, message }) => `${place.line}:${place.column} ${path}: ${message}`);
  }
}

const strike = (target: string) => `faults: [{ fault: node-kill, target: ${target}, for: 1s }]`;
const MEMBERS = '{ engine: streaming, members: 3 }';

describe('the section cluster', () => {
  test('has members by default, or where one of their keys is written', () => {
    const spec = { members: 3, synchronous: 'off', manager: 'none', promoteAfterMs: 1_000 };
    expect(parsed('{ engine: streaming }').cluster).toMatchObject({
      ...undivided(3),
      own: { engine: 'streaming', params: spec },
    });
    expect(parsed('{ members: 2, synchronous: on }').cluster).toMatchObject({
      ...undivided(2),
      engine: 'streaming',
      own: { params: { ...spec, members: 2, synchronous: 'on' } },
    });
    expect(parsed('{ workers: 2 }').cluster).not.toHaveProperty('own');
    expect(
      parsed('{ members: 4, synchronous: quorum(2), manager: by-hand, promote-after: 500ms }').cluster,
    ).toMatchObject({
      own: { params: { members: 4, synchronous: { quorum: 2 }, manager: 'by-hand', promoteAfterMs: 500 } },
    });
  });

  test.each([
    [
      '{ engine: streaming, workers: 3 }',
      '3:31 cluster: "workers" is unknown to the engine streaming; known: members, synchronous, manager, promote-after',
    ],
    [
      '{ engine: native, members: 3 }',
      '3:28 cluster: "members" is unknown to the engine native; known: workers, replication, shards',
    ],
    [
      '{ members: 3, shards: 2 }',
      '3:24 cluster: "shards" is unknown to the engine streaming; known: members, synchronous, manager, promote-after',
    ],
    [
      '{ members: 3, synchronous: quorum(3) }',
      '3:37 cluster.synchronous: a quorum of 3 needs 3 standbys, but there are 2',
    ],
    [
      '{ members: 3, synchronous: some }',
      '3:37 cluster.synchronous: expected off, on or quorum(n), such as quorum(2), found "some"',
    ],
    ['{ members: 1 }', '3:21 cluster.members: expected at least 2, found 1'],
    [
      '{ members: 3, manager: by-hnad }',
      '3:33 cluster.manager: expected one of none, by-hand, found "by-hnad"; did you mean "by-hand"?',
    ],
  ])('%s', (cluster, problem) => {
    expect(problems(cluster).map((line) => line.trim())).toEqual([problem]);
  });

  test.each([
    [
      '{ role: primry }',
      '4:46 faults[0].target.role: there is no role "primry" in this cluster; did you mean "primary"?',
    ],
    [
      '{ role: worker, pick: 1 }',
      '4:46 faults[0].target.role: there is no role "worker" in this cluster; known: primary, standby, sync-standby',
    ],
    [
      '{ role: sync-standby }',
      '4:46 faults[0].target.role: no standby is synchronous here: cluster.synchronous is off',
    ],
    ['{ role: primary, pick: 2 }', '4:61 faults[0].target.pick: cannot pick 2: there is 1 primary'],
    ['{ role: standby, pick: 3 }', '4:61 faults[0].target.pick: cannot pick 3: there are 2 standbys'],
    ['primary', '4:38 faults[0].target: there is no node "primary"; to strike a role, write { role: primary }'],
    ['pg4', '4:38 faults[0].target: there is no node "pg4"; the cluster has pg1, pg2, pg3'],
    ['worker1', '4:38 faults[0].target: there is no node "worker1"; the cluster has pg1, pg2, pg3'],
  ])('target %s', (target, problem) => {
    expect(problems(MEMBERS, strike(target))).toEqual([problem]);
  });

  test('a role that moves is unknown beside workers', () => {
    expect(problems('{ workers: 4 }', strike('{ role: primary }'))).toEqual([
      '4:46 faults[0].target.role: there is no role "primary" in this cluster; known: worker',
    ]);
  });

  test('several may be probed side by side, each once', () => {
    const probed = (routes: string) => problems(MEMBERS, `probes: { routes: ${routes} }\n`);
    expect(probed('[direct, standby]')).toEqual([]);
    expect(probed('[direct, stanby, direct]')).toEqual([
      expect.stringMatching(/probes.routes\[1\]: there is no route "stanby"; did you mean "standby"\?$/),
      expect.stringMatching(/probes.routes\[2\]: the route "direct" is named twice$/),
    ]);
  });

  test('a route is one that the engine has', () => {
    const by = (route: string) => `workload: { use: chat, read: { rate: 10/s, route: ${route} } }`;
    expect(problems(MEMBERS, by('standby'))).toEqual([]);
    expect(problems(MEMBERS, by('stanby'))).toEqual([
      '4:51 workload.read.route: there is no route "stanby"; did you mean "standby"?',
    ]);
    expect(problems('{ workers: 4 }', by('standby'))).toEqual([
      '4:51 workload.read.route: there is no route "standby"; known: coordinator',
    ]);
    expect(problems(MEMBERS, by('standby').replace('read:', 'write:'))).toEqual([
      '4:52 workload.write.route: the route "standby" accepts no writes, but "write" writes; expected direct',
    ]);
  });
});

const placement = { partitions: ring(undivided(3)), partitionOfKey: {} };

function expectation(spec: Partial<StreamingSpec>, lost: { down?: string[]; frozen?: string[] }, roles?: Roles) {
  const whole: StreamingSpec = { members: 3, synchronous: 'off', manager: 'by-hand', promoteAfterMs: 1_000, ...spec };
  const { down = [], frozen = [] } = lost;
  return streaming.expect(
    { placement, own: ownOfStreaming(whole), roles },
    { down: new Set(down), frozen: new Set(frozen) },
  ).partitions[0];
}

describe('what it promises', () => {
  test.each([
    ['a lost standby changes nothing', {}, { down: ['pg2'] }, { readable: true, writable: true }],
    ['a lost primary is replaced', {}, { down: ['pg1'] }, { readable: true, writable: true, outMs: 4_000 }],
    ['a frozen one too', {}, { frozen: ['pg1'] }, { readable: true, writable: true, outMs: 5_000 }],
    [
      'by nobody, where nobody is there to do it',
      { manager: 'none' },
      { down: ['pg1'] },
      { readable: false, writable: false },
    ],
    [
      'nor by what is frozen: clients wait',
      { manager: 'none' },
      { frozen: ['pg1'] },
      { readable: false, writable: false, stalled: ['read', 'write'] },
    ],
    [
      'with a standby lost as well, the manager waits for it first',
      {},
      { down: ['pg1', 'pg2'] },
      { readable: true, writable: true, outMs: 6_000 },
    ],
    [
      'and takes none where the lost one may be the one that has it all',
      { synchronous: 'on' },
      { down: ['pg1', 'pg2'] },
      { readable: false, writable: false },
    ],
    ['nor where no standby is left', {}, { down: ['pg1', 'pg2', 'pg3'] }, { readable: false, writable: false }],
    [
      'commits wait for a standby that is not there',
      { synchronous: 'on' },
      { down: ['pg2', 'pg3'] },
      { readable: true, writable: false, stalled: ['write'] },
    ],
    ['one of them is enough for one', { synchronous: 'on' }, { down: ['pg2'] }, { readable: true, writable: true }],
    [
      'and not for two',
      { synchronous: { quorum: 2 } },
      { frozen: ['pg2'] },
      { readable: true, writable: false, stalled: ['write'] },
    ],
    [
      'after a failover the new primary has fewer standbys',
      { synchronous: { quorum: 2 } },
      { down: ['pg1'] },
      { readable: true, writable: false, stalled: ['write'], outMs: 4_000 },
    ],
  ] as const)('%s', (_, spec, lost, promised) => {
    expect(expectation(spec, lost as { down?: string[] })).toEqual({ partition: 'A', ...promised });
  });

  test('the primary is who is one now', () => {
    const roles: Roles = { pg1: { role: 'standby' }, pg2: { role: 'primary' }, pg3: { role: 'standby' } };
    expect(expectation({ manager: 'none' }, { down: ['pg1'] }, roles)).toMatchObject({ writable: true });
    expect(expectation({ manager: 'none' }, { down: ['pg2'] }, roles)).toMatchObject({ writable: false });
  });
});

const standby = (lsn: string, timeline = 1) => ({ standby: true, timeline, lsn, streams: true, silentMs: 0 });

describe('who takes over', () => {
  test('whoever has received most, in numbers and not in letters', () => {
    expect(lsnValue('1/0')).toBeGreaterThan(lsnValue('0/FFFFFFFF'));
    const elected = mostReceived([
      { name: 'pg2', state: standby('0/9FFFFFF') },
      { name: 'pg3', state: standby('0/A000000') },
    ]);
    expect(elected).toEqual({ name: 'pg3', why: 'it has received most: pg2 0/9FFFFFF, pg3 0/A000000' });
  });

  test('a later timeline goes before more of an earlier one; who is silent or a primary cannot', () => {
    const elected = mostReceived([
      { name: 'pg1', state: { ...standby('0/F000000', 3), standby: false } },
      { name: 'pg2', state: standby('0/B000000', 1) },
      { name: 'pg3', state: standby('0/A000000', 2) },
      { name: 'pg4', refusal: 'ECONNREFUSED' },
    ]);
    expect(elected?.name).toBe('pg3');
    expect(mostReceived([{ name: 'pg4', refusal: 'ECONNREFUSED' }])).toBeUndefined();
  });
});

describe('roles', () => {
  test('are what every node says, and which standbys commits wait for is what the primary says', () => {
    const roles = rolesFrom([
      {
        name: 'pg1',
        state: { ...standby('0/B000000'), standby: false },
        standbys: new Map([
          ['pg2', 'sync'],
          ['pg3', 'potential'],
        ]),
      },
      { name: 'pg2', state: standby('0/B000000') },
      { name: 'pg3', state: { ...standby('0/A000000'), streams: false } },
      { name: 'pg4', refusal: 'ECONNREFUSED' },
    ]);
    expect(roles).toEqual({
      pg1: { role: 'primary', timeline: 1, receivedLsn: '0/B000000' },
      pg2: { role: 'sync-standby', timeline: 1, receivedLsn: '0/B000000', state: 'streaming' },
      pg3: { role: 'standby', timeline: 1, receivedLsn: '0/A000000', state: 'not streaming' },
      pg4: { role: 'unknown', state: 'ECONNREFUSED' },
    });
  });

  test('are struck as they are at that moment, the same for all strikes of one fault', () => {
    const roles: Roles = { pg1: { role: 'standby' }, pg2: { role: 'primary' }, pg3: { role: 'standby' } };
    expect(pickAtStrike({ role: 'primary', draw: 1, which: [0] }, roles).targets).toEqual(['pg2']);
    const first = pickAtStrike({ role: 'standby', draw: 1, which: [0] }, roles);
    const second = pickAtStrike({ role: 'standby', draw: 1, which: [1] }, roles, first.pool);
    expect([...first.targets, ...second.targets].sort()).toEqual(['pg1', 'pg3']);
    const picked = Array.from(
      { length: 20 },
      (_, draw) => pickAtStrike({ role: 'standby', draw, which: [0] }, roles).targets[0],
    );
    expect(new Set(picked)).toEqual(new Set(['pg1', 'pg3']));
    expect(() => pickAtStrike({ role: 'sync-standby', draw: 1, which: [0] }, roles)).toThrow(
      'no sync-standby to strike: pg1 standby, pg2 primary, pg3 standby',
    );
  });
});

test('settings that PostgreSQL reads', () => {
  expect(voicesNeeded({ members: 5, synchronous: 'off' })).toBe(1);
  expect(voicesNeeded({ members: 5, synchronous: 'on' })).toBe(4);
  expect(voicesNeeded({ members: 5, synchronous: { quorum: 3 } })).toBe(2);
  expect(synchronousNames({ synchronous: 'off' })).toBe('');
  expect(synchronousNames({ synchronous: 'on' })).toBe('FIRST 1 (*)');
  expect(synchronousNames({ synchronous: { quorum: 2 } })).toBe('ANY 2 (*)');
  const address = { host: '127.0.0.1', port: 5, user: 'u', password: "it's\\", database: 'd' };
  expect(connInfo(address, 'pg2')).toMatch(
    /^host='127\.0\.0\.1' port='5' user='u' password='it\\'s\\\\' application_name='pg2' /,
  );
});
