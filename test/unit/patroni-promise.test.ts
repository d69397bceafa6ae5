/** What Patroni's settings promise, held against what was measured on real clusters, loss by loss. */

import { describe, expect, test } from 'vitest';
import { promisePatroni } from '../../src/engines/patroni/promise.ts';
import type { PatroniSettings } from '../../src/engines/patroni/settings.ts';
import type { PatroniCluster } from '../../src/engines/patroni/situation.ts';
import type { Lost } from '../../src/model/loss.ts';
import { type Promised, type PromisedOutage, promisedRanges } from '../../src/model/promise.ts';

const DEFAULTS: PatroniSettings = {
  ttlMs: 30_000,
  loopWaitMs: 10_000,
  retryTimeoutMs: 10_000,
  primaryStartTimeoutMs: 300_000,
  synchronousMode: false,
  synchronousModeStrict: false,
  failsafeMode: false,
  maximumLagOnFailoverBytes: 1_048_576,
};
/** As 30/10/10: ttl, loop_wait, retry_timeout. */
const ASYNC = DEFAULTS;
const QUICK: PatroniSettings = { ...DEFAULTS, ttlMs: 20_000, loopWaitMs: 5_000, retryTimeoutMs: 5_000 };
const SYNC: PatroniSettings = { ...DEFAULTS, synchronousMode: true };
const STRICT: PatroniSettings = { ...SYNC, synchronousModeStrict: true };
const FAILSAFE: PatroniSettings = { ...DEFAULTS, failsafeMode: true };

const ROUTES = [{ name: 'direct' }, { name: 'proxy', through: ['haproxy'] }];

function cluster({ synchronousMode }: PatroniSettings, dcs = ['etcd1']): PatroniCluster {
  return {
    roles: {
      pg1: { role: 'primary' },
      pg2: { role: synchronousMode ? 'sync-standby' : 'standby' },
      pg3: { role: 'standby' },
    },
    dcs,
    routes: ROUTES,
  };
}

type Part = 'node' | 'server' | 'agent' | 'postmaster';
const lose = (what: Part, how: 'killed' | 'stopped' | 'frozen', node = 'pg1'): Lost => ({ what, how, node });
const cut = (...from: string[]): Lost => ({ what: 'links', node: 'pg1', from });

function promised(settings: PatroniSettings, lost: readonly Lost[], dcs?: string[]): Promised {
  const promise = promisePatroni(settings, cluster(settings, dcs), lost);
  if (!promise) throw new Error('nothing is promised');
  return promise;
}

/** A fault of 48 s; one that lasts until healed is over then. */
const FAULT_MS = 48_000;

/** The shortest and the longest that a promise allows while a loss lasts for so long. */
function allowed({ minMs, maxMs, beginsWithinMs = 0 }: PromisedOutage, faultMs: number) {
  return { minMs: minMs ?? faultMs - beginsWithinMs, maxMs: maxMs ?? Number.POSITIVE_INFINITY };
}

interface Measured {
  readonly what: string;
  readonly settings: PatroniSettings;
  readonly lost: readonly Lost[];
  /** Writes out in seconds. */
  readonly direct: readonly number[];
  readonly proxy: readonly number[];
  readonly faultMs?: number;
  readonly gone?: 'nothing' | 'before or after' | 'after';
  readonly two?: number;
}

const KILL_BOTH = [lose('node', 'killed')];
const ISOLATED = [cut('etcd1', 'pg2', 'pg3')];

const MEASURED: readonly Measured[] = [
  {
    what: 'SIGKILL of PostgreSQL alone',
    settings: ASYNC,
    lost: [lose('server', 'killed')],
    direct: [12.2],
    proxy: [12.4],
  },
  { what: 'SIGKILL of Patroni and PostgreSQL', settings: ASYNC, lost: KILL_BOTH, direct: [21, 30], proxy: [25, 35] },
  { what: 'the same, 20/5/5', settings: QUICK, lost: KILL_BOTH, direct: [17, 20], proxy: [22, 25] },
  { what: 'the node freezes, 20/5/5', settings: QUICK, lost: [lose('node', 'frozen')], direct: [18], proxy: [24] },
  { what: 'the node freezes', settings: ASYNC, lost: [lose('node', 'frozen')], direct: [22, 29], proxy: [28, 33] },
  { what: 'PostgreSQL alone freezes', settings: ASYNC, lost: [lose('server', 'frozen')], direct: [33], proxy: [37] },
  {
    what: 'SIGKILL of Patroni alone',
    settings: ASYNC,
    lost: [lose('agent', 'killed')],
    direct: [0],
    proxy: [34, 21],
    gone: 'after',
    two: 27.8,
  },
  {
    what: 'SIGKILL of Patroni alone, synchronous',
    settings: SYNC,
    lost: [lose('agent', 'killed')],
    // The second is that of clients that give up a commit after a second and find the new primary first.
    direct: [22.6, 1.1],
    proxy: [25.7],
    gone: 'nothing',
  },
  {
    what: 'isolated, clients still there',
    settings: ASYNC,
    lost: ISOLATED,
    direct: [8, 13],
    proxy: [10, 17],
    gone: 'after',
  },
  { what: 'isolated, 20/5/5', settings: QUICK, lost: ISOLATED, direct: [8, 13], proxy: [10, 17], gone: 'after' },
  {
    what: 'isolated, failsafe_mode: it does not reach every member',
    settings: { ...QUICK, failsafeMode: true },
    lost: ISOLATED,
    direct: [8, 13],
    proxy: [10, 17],
    gone: 'after',
  },
  { what: 'isolated, synchronous', settings: SYNC, lost: ISOLATED, direct: [31], proxy: [36], gone: 'nothing' },
  { what: 'isolated, strict', settings: STRICT, lost: ISOLATED, direct: [31], proxy: [36], gone: 'nothing' },
  { what: 'cut from the DCS alone', settings: ASYNC, lost: [cut('etcd1')], direct: [5.8], proxy: [9.7] },
  {
    what: 'etcd down for 40 s',
    settings: ASYNC,
    lost: [lose('node', 'killed', 'etcd1')],
    direct: [30.1],
    proxy: [33.4],
    faultMs: 40_000,
  },
  {
    what: 'cut from the DCS alone, failsafe_mode',
    settings: FAILSAFE,
    lost: [cut('etcd1')],
    direct: [0.9],
    proxy: [0.9],
    gone: 'nothing',
  },
  {
    what: 'etcd down, failsafe_mode',
    settings: FAILSAFE,
    lost: [lose('node', 'killed', 'etcd1')],
    direct: [0.9],
    proxy: [0.9],
    gone: 'nothing',
  },
  {
    what: 'postmaster alone freezes',
    settings: ASYNC,
    lost: [lose('postmaster', 'frozen')],
    direct: [0],
    proxy: [0],
    gone: 'nothing',
  },
  {
    what: 'both standbys killed, synchronous',
    settings: SYNC,
    lost: [lose('node', 'killed', 'pg2'), lose('node', 'killed', 'pg3')],
    direct: [9.4],
    proxy: [9.4],
    gone: 'nothing',
  },
  {
    what: 'both standbys killed, strict',
    settings: STRICT,
    lost: [lose('node', 'killed', 'pg2'), lose('node', 'killed', 'pg3')],
    direct: [50],
    proxy: [50],
    gone: 'nothing',
  },
  {
    what: 'switchover by REST',
    settings: ASYNC,
    lost: [{ what: 'role', node: 'pg1' }],
    direct: [1.5, 1.7],
    proxy: [4.8, 6.4],
    gone: 'nothing',
  },
];

describe('what was measured lies within what is promised', () => {
  test.each(MEASURED.map((row) => [row.what, row] as const))('%s', (_, row) => {
    const { settings, lost, faultMs = FAULT_MS } = row;
    const promise = promised(settings, lost);
    expect(promise.primary).toBe('pg1');
    for (const route of ['direct', 'proxy'] as const) {
      const out = promise.writesOut.find((one) => one.route === route) as PromisedOutage;
      const { minMs, maxMs } = allowed(out, faultMs);
      for (const seconds of row[route]) {
        expect(seconds * 1_000, `${route}: ${minMs} to ${maxMs}`).toBeGreaterThanOrEqual(minMs);
        expect(seconds * 1_000, `${route}: ${minMs} to ${maxMs}`).toBeLessThanOrEqual(maxMs);
      }
    }
    const { beforeMs, afterMs } = promise.lost;
    if (row.gone === 'nothing') expect([beforeMs, afterMs]).toEqual([0, 0]);
    if (row.gone === 'after') expect(afterMs).not.toBe(0);
    const { maxMs: twoMs } = promise.twoPrimaries;
    if (row.two !== undefined) expect(twoMs).toBeNull();
    else expect(twoMs).not.toBeNull();
  });

  test('every interval can be missed, but that of a crash that may take long to recover', () => {
    const unbounded = MEASURED.filter(({ settings, lost, faultMs = FAULT_MS }) =>
      promised(settings, lost).writesOut.every((out) => {
        const { minMs, maxMs } = allowed(out, faultMs);
        return minMs <= 0 && maxMs > faultMs;
      }),
    ).map(({ what }) => what);
    expect(unbounded).toEqual(['SIGKILL of PostgreSQL alone']);
  });
});

describe('in figures', () => {
  test.each<[string, PatroniSettings, Lost[], string]>([
    [
      'a primary that dies',
      ASYNC,
      KILL_BOTH,
      'write outage via direct 20 s to 42 s, proxy 23 s to 48 s; acknowledged writes at risk: up to 30 s, and 1 MiB of WAL, before the strike; two primaries: never',
    ],
    [
      'a primary that dies, with commits that wait',
      STRICT,
      KILL_BOTH,
      'write outage via direct 20 s to 42 s, proxy 23 s to 48 s; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'a primary that freezes: only what it acknowledges itself when it goes on is at risk',
      ASYNC,
      [lose('node', 'frozen')],
      'write outage via direct 20 s to 42 s, proxy 23 s to 48 s; acknowledged writes at risk: up to 30 s, and 1 MiB of WAL, before the strike; up to 20 s after it; two primaries: at most 20 s',
    ],
    [
      'an agent that dies: two primaries, and no bound to what is lost',
      ASYNC,
      [lose('agent', 'killed')],
      'write outage via direct at most 1 s, proxy 14 s to 42 s; acknowledged writes at risk: up to 30 s, and 1 MiB of WAL, before the strike; any after it, until healed; two primaries: until healed',
    ],
    [
      'an agent that freezes: HAProxy waits 5 s for each of three answers before it drops the old primary',
      ASYNC,
      [lose('agent', 'frozen')],
      'write outage via direct at most 1 s, proxy 3 s to 33 s; acknowledged writes at risk: up to 30 s, and 1 MiB of WAL, before the strike; any after it, until healed; two primaries: until healed',
    ],
    [
      'an agent that ends in order stops its server',
      ASYNC,
      [lose('agent', 'stopped')],
      'write outage via direct at most 12 s, proxy at most 18 s; acknowledged writes at risk: none; two primaries: never',
    ],
    [
      'an isolated primary goes on for ttl at most',
      QUICK,
      ISOLATED,
      'write outage via direct at most 22 s, proxy at most 28 s; acknowledged writes at risk: up to 20 s, and 1 MiB of WAL, before the strike; up to 20 s after it; two primaries: never',
    ],
    [
      'a server that died and may not start again',
      { ...ASYNC, primaryStartTimeoutMs: 0 },
      [lose('server', 'killed')],
      'write outage via direct at most 12 s, proxy at most 18 s; acknowledged writes at risk: up to 30 s, and 1 MiB of WAL, before the strike; two primaries: never',
    ],
    [
      'the DCS is gone',
      ASYNC,
      [lose('node', 'killed', 'etcd1')],
      'write outage via direct until healed, starting within 20 s, proxy until healed, starting within 20 s; acknowledged writes at risk: up to 30 s, and 1 MiB of WAL, before the strike; up to 20 s after it; two primaries: never',
    ],
  ])('%s', (_, settings, lost, said) => expect(promisedRanges(promised(settings, lost))).toBe(said));
});

describe('what is left decides', () => {
  const out = (settings: PatroniSettings, lost: Lost[], dcs?: string[]) =>
    promised(settings, lost, dcs).writesOut.map(({ minMs, maxMs }) => [minMs, maxMs]);
  const ETCD = ['etcd1', 'etcd2', 'etcd3'];

  test('one of three members of the DCS is no loss, two are', () => {
    expect(out(ASYNC, [lose('node', 'killed', 'etcd1')], ETCD)).toEqual([
      [0, 1_000],
      [0, 1_000],
    ]);
    expect(out(ASYNC, [lose('node', 'killed', 'etcd1'), lose('node', 'frozen', 'etcd2')], ETCD)).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(out(ASYNC, [cut('etcd1')], ETCD)).toEqual([
      [0, 1_000],
      [0, 1_000],
    ]);
  });

  test('an agent that dies while no standby is left: clients stay, a proxy drops the primary, and no node is promoted', () => {
    const lost = [lose('agent', 'killed'), lose('node', 'frozen', 'pg2'), lose('node', 'killed', 'pg3')];
    expect(out(ASYNC, lost)).toEqual([
      [0, 1_000],
      [null, null],
    ]);
    const [direct] = promised(ASYNC, lost).writesOut;
    expect(direct?.why).toBe(
      'clients stay with pg1, whose PostgreSQL nothing stops without a watchdog; no standby is left to take over',
    );
  });

  test('with commits that wait only the synchronous standby takes over', () => {
    const both = [lose('node', 'killed'), lose('node', 'killed', 'pg2')];
    expect(out(ASYNC, both)[0]).toEqual([20_000, 42_000]);
    expect(out(SYNC, both)[0]).toEqual([null, null]);
    expect(out(SYNC, [lose('node', 'killed'), lose('agent', 'killed', 'pg2')])[0]).toEqual([null, null]);
  });

  test('a standby whose loss nobody waits for', () => {
    expect(out(ASYNC, [lose('node', 'killed', 'pg2')])[0]).toEqual([0, 1_000]);
    expect(out(STRICT, [lose('node', 'killed', 'pg2')])[0]).toEqual([0, 12_000]);
    expect(out(SYNC, [lose('node', 'frozen', 'pg2')])[0]).toEqual([0, null]);
  });

  test('a primary cut off from the DCS alone sends its standbys all that it acknowledges', () => {
    expect(promised(ASYNC, [cut('etcd1')]).lost.afterMs).toBe(0);
    expect(promised(ASYNC, [cut('etcd1', 'pg2')]).lost.afterMs).toBe(30_000);
  });

  test('a primary cut off from its standbys alone keeps its leader key', () => {
    expect(promised(ASYNC, [cut('pg2', 'pg3')])).toMatchObject({
      lost: { beforeMs: 0, afterMs: 0 },
      twoPrimaries: { maxMs: 0 },
    });
    expect(out(STRICT, [cut('pg2', 'pg3')])[0]).toEqual([null, null]);
  });

  test('a route whose proxy is lost is out until it is back, and no other', () => {
    expect(out(ASYNC, [lose('node', 'killed', 'haproxy')])).toEqual([
      [0, 1_000],
      [null, null],
    ]);
  });

  test('while Patroni is paused nobody takes over, and no primary demotes itself', () => {
    const paused: Lost = { what: 'manager', node: 'pg2' };
    const until = [
      [null, null],
      [null, null],
    ];
    for (const gone of [lose('node', 'killed'), lose('server', 'killed'), lose('node', 'frozen')]) {
      expect(out(ASYNC, [paused, gone])).toEqual(until);
      const { lost, twoPrimaries } = promised(ASYNC, [gone]);
      expect(promised(ASYNC, [paused, gone])).toMatchObject({ lost, twoPrimaries });
    }
    const goesOn = [0, 1_000];
    for (const lost of [[], [lose('node', 'killed', 'etcd1')], ISOLATED, [lose('node', 'killed', 'pg3')]]) {
      expect(out(ASYNC, [paused, ...lost])).toEqual([goesOn, goesOn]);
    }
    expect(out(ASYNC, [paused, lose('agent', 'killed')])).toEqual([goesOn, [null, null]]);
    // HAProxy gives up a member after three bad answers, one every 3 s.
    const [, byProxy] = promised(ASYNC, [paused, lose('agent', 'killed')]).writesOut;
    expect(byProxy?.beginsWithinMs).toBe(9_000);
    expect(out(ASYNC, [paused, { what: 'role', node: 'pg1' }])[0]).toEqual([0, 12_000]);
  });

  test('without a primary nothing is promised', () => {
    expect(
      promisePatroni(ASYNC, { ...cluster(ASYNC), roles: { pg1: { role: 'standby' } } }, KILL_BOTH),
    ).toBeUndefined();
  });
});
