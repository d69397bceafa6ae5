/** What the engine `streaming` promises for a loss from its own settings: each kind of loss, under each manager. */

import { describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import type { StreamingSpec } from '../../src/engines/streaming/spec.ts';
import { streaming } from '../../src/engines/streaming.ts';
import { takenBy } from '../../src/faults/fault.ts';
import { describeLost, type Lost, lostBy } from '../../src/model/loss.ts';
import { describePromised, type Promised, promisedRanges } from '../../src/model/promise.ts';
import { nodeNames } from '../../src/model/topology.ts';
import { ring, undivided } from '../support/sharded.ts';
import { ownOfStreaming } from '../support/streaming-topology.ts';

const members = nodeNames(undivided(3)) as [string, string, string];
const [pg1, pg2, pg3] = members;
const placement = { partitions: ring(undivided(3)), partitionOfKey: {} };
const BY_HAND: StreamingSpec = { members: 3, synchronous: 'off', manager: 'by-hand', promoteAfterMs: 1_000 };
const SYNCHRONOUS: StreamingSpec = { ...BY_HAND, synchronous: 'on' };
const NOBODY: StreamingSpec = { ...BY_HAND, manager: 'none' };

function promised(spec: StreamingSpec, ...lost: Lost[]): Promised {
  const { promise } = streaming.expect({ placement, own: ownOfStreaming(spec) }, { down: new Set(), lost });
  if (!promise) throw new Error('nothing is promised');
  return promise;
}
const ranges = (spec: StreamingSpec, ...lost: Lost[]) => promisedRanges(promised(spec, ...lost));
const struck = (node: string, how: 'killed' | 'stopped' | 'frozen'): Lost => ({ what: 'node', node, how });
const cut = (node: string, from: readonly string[]): Lost => ({ what: 'links', node, from });

describe('the primary', () => {
  test.each<[string, StreamingSpec, Lost, string]>([
    [
      'killed, commits wait for nobody',
      BY_HAND,
      struck(pg1, 'killed'),
      'write outage via direct 500 ms to 4 s; acknowledged writes at risk: any before the strike; two primaries: never',
    ],
    [
      'killed, commits wait for a standby',
      SYNCHRONOUS,
      struck(pg1, 'killed'),
      'write outage via direct 500 ms to 4 s; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'stopped in order',
      BY_HAND,
      struck(pg1, 'stopped'),
      'write outage via direct 500 ms to 4 s; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'frozen: it goes on as a primary that nobody fenced',
      BY_HAND,
      struck(pg1, 'frozen'),
      'write outage via direct 500 ms to 5 s; acknowledged writes at risk: any before the strike; up to 4 s after it; two primaries: at most 4 s',
    ],
    [
      'frozen, commits wait for a standby',
      SYNCHRONOUS,
      struck(pg1, 'frozen'),
      'write outage via direct 500 ms to 5 s; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'killed, and nobody replaces it',
      NOBODY,
      struck(pg1, 'killed'),
      'write outage via direct until healed; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'cut off from its standbys',
      BY_HAND,
      cut(pg1, [pg2, pg3]),
      'write outage via direct at most 1 s; acknowledged writes at risk: any before the strike; any after it, until healed; two primaries: until healed',
    ],
    [
      'cut off from its standbys, commits wait for one',
      SYNCHRONOUS,
      cut(pg1, [pg2, pg3]),
      'write outage via direct until healed; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'cut off from its standbys, and nobody replaces it',
      NOBODY,
      cut(pg1, [pg2, pg3]),
      'write outage via direct at most 1 s; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'cut off from everybody',
      BY_HAND,
      { ...cut(pg1, [pg2, pg3]), clients: true } as Lost,
      'write outage via direct 500 ms to 5 s; acknowledged writes at risk: any before the strike; up to 4 s after it; two primaries: at most 4 s',
    ],
    [
      'hands over',
      BY_HAND,
      { what: 'role', node: pg1 },
      'write outage via direct at most 5 s; acknowledged writes at risk: none; two primaries: never',
    ],
  ])('%s', (_, spec, lost, said) => expect(ranges(spec, lost)).toBe(said));

  test('whoever has the role at the strike is the primary', () => {
    const roles = { [pg1]: { role: 'standby' }, [pg2]: { role: 'primary' }, [pg3]: { role: 'standby' } } as const;
    const of = (lost: Lost) =>
      streaming.expect({ placement, roles, own: ownOfStreaming(BY_HAND) }, { down: new Set(), lost: [lost] });
    expect(of(struck(pg1, 'killed')).promise).toMatchObject({ primary: pg2, writesOut: [{ minMs: 0, maxMs: 1_000 }] });
    expect(of(struck(pg2, 'killed')).promise).toMatchObject({
      primary: pg2,
      writesOut: [{ minMs: 500, maxMs: 4_000 }],
    });
  });

  test('together with a standby that may have every write, it is not replaced', () => {
    const { writesOut } = promised(SYNCHRONOUS, struck(pg1, 'killed'), struck(pg2, 'killed'));
    expect(writesOut).toEqual([
      {
        route: 'direct',
        minMs: null,
        maxMs: null,
        why: '2 standbys must answer before one is promoted, and 1 is left',
      },
    ]);
    expect(ranges(BY_HAND, struck(pg1, 'killed'), struck(pg2, 'killed'))).toContain('direct 500 ms to 6 s');
  });
});

describe('standbys', () => {
  test.each<[string, StreamingSpec, Lost[], string]>([
    ['one killed', SYNCHRONOUS, [struck(pg2, 'killed')], 'direct at most 1 s'],
    ['one frozen that a commit may wait for', SYNCHRONOUS, [struck(pg2, 'frozen')], 'direct at most 5 s'],
    [
      'one frozen that a commit may wait for, on a cluster with its own wal_sender_timeout',
      { ...SYNCHRONOUS, senderTimeoutMs: 60_000 },
      [struck(pg2, 'frozen')],
      'direct at most 1 min 01 s',
    ],
    [
      'one frozen that a commit may wait for, with wal_sender_timeout off',
      { ...SYNCHRONOUS, senderTimeoutMs: 0 },
      [struck(pg2, 'frozen')],
      'direct without a bound',
    ],
    ['one cut off that a commit may wait for', SYNCHRONOUS, [cut(pg1, [pg3])], 'direct at most 5 s'],
    [
      'both killed, commits wait for one',
      SYNCHRONOUS,
      [struck(pg2, 'killed'), struck(pg3, 'killed')],
      'direct until healed',
    ],
    [
      'both killed, commits wait for nobody',
      BY_HAND,
      [struck(pg2, 'killed'), struck(pg3, 'killed')],
      'direct at most 1 s',
    ],
  ])('%s', (_, spec, lost, out) => {
    expect(ranges(spec, ...lost)).toBe(
      `write outage via ${out}; acknowledged writes at risk: none; two primaries: never`,
    );
  });
});

test('every part of a promise has its reason', () => {
  expect(describePromised(promised(BY_HAND, struck(pg1, 'killed')))).toEqual([
    'write outage via direct 500 ms to 4 s, because the manager by-hand counts 1 s from an unanswered check, perhaps before the loss; failing over takes up to 3 s',
    'acknowledged writes at risk: any before the strike, because commits wait for no standby, and no setting bounds how far one lags',
    'two primaries: never, because the old primary comes back only as a standby',
  ]);
});

test('nothing is promised where nothing is lost', () => {
  expect(streaming.expect({ placement, own: ownOfStreaming(BY_HAND) }, { down: new Set() })).not.toHaveProperty(
    'promise',
  );
});

const SIDES = {
  nodes: [...members.map((name) => ({ name, part: 'data' as const })), { name: 'etcd1', part: 'dcs' as const }],
  roles: { pg1: { role: 'standby' }, pg2: { role: 'primary' }, pg3: { role: 'sync-standby' } },
} as const;

test.each([
  ['node-kill', {}, 'pg1 killed'],
  ['node-stop', {}, 'pg1 stopped'],
  ['node-restart', { down: 0 }, 'pg1 stopped'],
  ['node-flap', { times: 2, down: 0, up: 0 }, 'pg1 killed'],
  ['node-pause', {}, 'pg1 frozen'],
  ['switchover', {}, 'pg1 hands over'],
  ['network-drop', { from: 'nodes' }, 'pg1 cut off from pg2, pg3 and etcd1'],
  ['network-drop', { from: ['primary'] }, 'pg1 cut off from pg2'],
  ['network-drop', { from: ['standbys'] }, 'pg1 cut off from pg3'],
  ['network-reject', { from: ['dcs', 'standbys', 'pg3'] }, 'pg1 cut off from pg3 and etcd1'],
  ['network-drop', { from: ['pg3'] }, 'pg1 cut off from pg3'],
  ['network-reject', { from: 'everybody' }, 'pg1 cut off from everybody'],
  ['network-disconnect', {}, 'pg1 cut off from everybody'],
  ['network-drop', { from: 'nodes', on: 'COMMIT' }, undefined],
  ['network-latency', { delay: 5 }, undefined],
  ['checkpoint-storm', {}, undefined],
])('%s %j takes away: %s', (name, params, said) => {
  const fault = shipped.faults.find((one) => one.name === name);
  const taken = fault && takenBy(fault, params);
  expect(taken && describeLost(lostBy(taken, 'pg1', SIDES))).toBe(said);
});
