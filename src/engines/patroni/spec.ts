/** The keys of the engine `patroni` under `cluster:` in a scenario. */

import { z } from 'zod';
import { clusterKeys, type KeyProblem } from '../../cluster/keys.ts';
import type { ClusterMakeup } from '../../model/scenario.ts';
import { type NodeSpec, nodeNames } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';
import { contradictions, type PatroniSettings, settingsOf, settingsSchema, type WrittenSettings } from './settings.ts';

export const MAX_MEMBERS = 7;
const DEFAULT_MEMBERS = 3;
export const HAPROXY = 'haproxy';
export const PGBOUNCER = 'pgbouncer';

export interface PatroniSpec {
  /** PostgreSQL servers, each managed by Patroni. */
  readonly members: number;
  /** Members of etcd: an odd number. */
  readonly dcs: number;
  readonly proxy: boolean;
  readonly pooler: boolean;
  readonly settings: PatroniSettings;
  /** The settings in Patroni's names, for the bootstrap. */
  readonly written: WrittenSettings;
}

const params = z.strictObject({
  members: z
    .int()
    .min(2)
    .max(MAX_MEMBERS)
    .default(DEFAULT_MEMBERS)
    .describe('PostgreSQL servers, each with its own Patroni: one primary, the rest its standbys.'),
  dcs: z
    .int()
    .min(1)
    .max(MAX_MEMBERS)
    .default(1)
    .describe('Members of etcd, where Patroni records the leader: 1, 3, 5 or 7.'),
  proxy: z
    .enum(['none', HAPROXY])
    .default('none')
    .describe(
      'A proxy for clients: haproxy asks every Patroni which node is primary, and adds the routes proxy and proxy-standby.',
    ),
  pooler: z
    .enum(['none', PGBOUNCER])
    .default('none')
    .describe('Pools connections in front of the proxy: pgbouncer adds the route pooler.'),
  settings: settingsSchema.prefault({}).describe("Patroni's own settings, in its names and units."),
});

const NO_PROXY = `there is no proxy here; add proxy: ${HAPROXY} under cluster`;

export const PATRONI_KEYS = clusterKeys(params, {
  problems({ dcs, proxy, pooler, settings }) {
    const own: KeyProblem[] = [];
    if (dcs % 2 === 0) {
      own.push({
        path: ['dcs'],
        message: `expected an odd number, found ${dcs}: ${dcs} members survive the loss of ${dcs / 2 - 1}, no more than ${dcs - 1} do`,
      });
    }
    if (pooler !== 'none' && proxy === 'none') {
      own.push({
        path: ['pooler'],
        message: `${pooler} does not know which node is primary; add proxy: ${HAPROXY}, to which it connects`,
      });
    }
    const wrong = contradictions(settings).map(({ path, message }) => ({ path: ['settings', ...path], message }));
    return [...own, ...wrong];
  },
  makeup({ members, dcs, proxy, pooler, settings: written }, engine) {
    const settings = settingsOf(written);
    const spec: PatroniSpec = { members, dcs, proxy: proxy !== 'none', pooler: pooler !== 'none', settings, written };
    const data = engine.nodes(members);
    return {
      nodes: [...data, ...nodesBeside(spec)],
      replication: members,
      partitions: 1,
      params: spec,
      inWords: inWords(spec, nodeNames({ nodes: data })),
      absentRoutes: {
        ...(spec.proxy ? {} : { proxy: NO_PROXY, 'proxy-standby': NO_PROXY }),
        ...(spec.pooler ? {} : { pooler: `there is no pooler here; add pooler: ${PGBOUNCER} under cluster` }),
      },
      ...(settings.synchronousMode
        ? {}
        : { absentRoles: { 'sync-standby': 'no standby is synchronous here: synchronous_mode is false' } }),
    };
  },
});

export function dcsNodes({ dcs }: Pick<PatroniSpec, 'dcs'>): NodeSpec[] {
  return Array.from({ length: dcs }, (_, i): NodeSpec => ({ name: `etcd${i + 1}`, role: 'dcs', part: 'dcs' }));
}

function nodesBeside(spec: Pick<PatroniSpec, 'dcs' | 'proxy' | 'pooler'>): NodeSpec[] {
  return [
    ...dcsNodes(spec),
    ...(spec.proxy ? [{ name: HAPROXY, role: 'proxy', part: 'proxy' } as const] : []),
    ...(spec.pooler ? [{ name: PGBOUNCER, role: 'pooler', part: 'pooler' } as const] : []),
  ];
}

/** `3 members under Patroni: pg1, pg2, pg3; 1 etcd; HAProxy; ttl 30, loop_wait 10, retry_timeout 10; asynchronous`. */
function inWords({ dcs, proxy, pooler, written }: PatroniSpec, members: readonly string[]): string {
  const { ttl, loop_wait: loopWait, retry_timeout: retryTimeout } = written;
  const commits = written.synchronous_mode
    ? `synchronous${written.synchronous_mode_strict ? ', strict' : ''}`
    : 'asynchronous';
  return [
    `${formatCount(members.length, 'member')} under Patroni: ${members.join(', ')}`,
    `${formatCount(dcs, 'member')} of etcd`,
    ...(proxy ? ['HAProxy'] : []),
    ...(pooler ? ['PgBouncer'] : []),
    `ttl ${ttl}, loop_wait ${loopWait}, retry_timeout ${retryTimeout}`,
    `${commits}${written.failsafe_mode ? ', failsafe_mode' : ''}`,
  ].join('; ');
}

/** @returns the parsed keys; `undefined` for a cluster of another engine. */
export function patroniSpecOf(own: ClusterMakeup['own']): PatroniSpec | undefined {
  return own?.engine === 'patroni' ? (own.params as PatroniSpec) : undefined;
}
