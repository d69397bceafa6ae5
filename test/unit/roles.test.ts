import { describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { nodesInRole, type Roles, rolesDiffer } from '../../src/model/roles.ts';
import type { Scenario, TargetSpec } from '../../src/model/scenario.ts';
import { isOpen, makePlan } from '../../src/plan/schedule.ts';
import { EventNarrator } from '../../src/reporters/event-words.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { undivided } from '../support/sharded.ts';

const topology = undivided(3);
const roles: Roles = {
  pg1: { role: 'primary', timeline: 1, receivedLsn: '0/3000148' },
  pg2: { role: 'sync-standby', timeline: 1, receivedLsn: '0/3000148', state: 'streaming' },
  pg3: { role: 'standby', timeline: 1, receivedLsn: '0/3000060', state: 'streaming' },
};

function planned(target: TargetSpec, fault = 'node-kill', params = {}) {
  const text = 'name: some\nsummary: Some.\nfaults: []\nhypothesis: [{ check: no-lost-writes }]\n';
  const parsed = parseScenario(text, 'some.yaml', vocabulary);
  const place = { file: 'some.yaml', line: 1, column: 1 };
  const scenario: Scenario = {
    ...parsed,
    cluster: { ...parsed.cluster, ...topology },
    faults: [{ fault, target, atMs: 0, forMs: 1_000, params, place }],
  };
  const strikesOf = (name: string, targets: readonly string[]) =>
    name === 'rolling-restart' ? targets.map((node) => ({ targets: [node], gapMs: 0, forMs: 1_000 })) : undefined;
  return makePlan(scenario, { seed: 7, strikesOf });
}

describe('a target that is a role', () => {
  test('stays open until the strike, and needs no placement', () => {
    const plan = planned({ roleAtStrike: 'primary' });
    expect(plan.acts).toMatchObject([
      { targets: [], picked: 'the primary, picked then', atStrike: { role: 'primary' } },
    ]);
    expect(isOpen(plan)).toBe(false);
  });

  test('counts out of those that can have it, and a majority out of all nodes', () => {
    const picked = (target: TargetSpec) => planned(target).acts[0]?.picked;
    expect(picked({ roleAtStrike: 'standby', pick: 1 })).toBe('1 of the standbys, picked then');
    expect(picked({ roleAtStrike: 'standby' })).toBe('all standbys, picked then');
    expect(picked({ roleAtStrike: 'standby', pick: 'majority' })).toBe('2 of the standbys, picked then');
  });

  test('a fault with several strikes takes one after the other of the same pick', () => {
    const { acts } = planned({ roleAtStrike: 'standby' }, 'rolling-restart');
    expect(acts.map(({ atStrike }) => atStrike?.which)).toEqual([[0], [1]]);
    expect(new Set(acts.map(({ atStrike }) => atStrike?.draw)).size).toBe(1);
  });
});

describe('roles', () => {
  test('a synchronous standby is a standby too', () => {
    expect(nodesInRole(roles, 'standby')).toEqual(['pg2', 'pg3']);
    expect(nodesInRole(roles, 'sync-standby')).toEqual(['pg2']);
    expect(nodesInRole(roles, 'primary')).toEqual(['pg1']);
  });

  test('how far a log goes is no change; role, timeline, state and silence are', () => {
    const with1 = (change: object) => ({ ...roles, pg1: { ...roles.pg1, ...change } }) as Roles;
    expect(rolesDiffer(undefined, roles)).toBe(true);
    expect(rolesDiffer(roles, with1({ receivedLsn: '0/4000000' }))).toBe(false);
    expect(rolesDiffer(roles, with1({ role: 'standby' }))).toBe(true);
    expect(rolesDiffer(roles, with1({ timeline: 2 }))).toBe(true);
    expect(rolesDiffer(roles, with1({ state: 'no answer' }))).toBe(true);
  });

  test('are described in words', () => {
    const narrator = new EventNarrator({ topology, plannedActs: 1 });
    const seen: Roles = { ...roles, pg3: { role: 'unknown', state: 'ECONNREFUSED' } };
    expect(narrator.words({ at: 0, type: 'roles-seen', roles: seen })?.what).toBe(
      'pg1 primary (timeline 1), pg2 sync-standby, pg3 does not answer (ECONNREFUSED)',
    );
    const failover = { at: 0, type: 'failover', from: 'pg1', to: 'pg2', detail: 'why' } as const;
    expect(narrator.words({ ...failover, step: 'promoted' })).toMatchObject({ what: 'pg2 is primary', tone: 'good' });
    expect(narrator.words({ ...failover, step: 'elected' })?.what).toBe('pg2 is to replace pg1');
  });
});
