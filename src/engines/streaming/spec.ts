/** The keys of the engine `streaming` under `cluster:` in a scenario. */

import { z } from 'zod';
import { clusterKeys } from '../../cluster/keys.ts';
import { positiveDuration } from '../../model/quantities.ts';
import { expectedButFound } from '../../model/quoted.ts';
import type { ClusterMakeup } from '../../model/scenario.ts';
import { nodeNames } from '../../model/topology.ts';
import { formatCount, formatDuration } from '../../model/units.ts';

export const MAX_MEMBERS = 16;
const DEFAULT_MEMBERS = 3;
const DEFAULT_PROMOTE_AFTER_MS = 1_000;

/** One primary, and standbys that replay its log. */
export interface StreamingSpec {
  /** All nodes, 2 or more. */
  readonly members: number;
  /** The standbys that a commit waits for: none, the first that streams, or any `quorum` of them. */
  readonly synchronous: 'off' | 'on' | { readonly quorum: number };
  /** What replaces a lost primary: nothing, or pgquake in the role of an operator. */
  readonly manager: 'none' | 'by-hand';
  /** How long a primary must be silent before the manager acts. */
  readonly promoteAfterMs: number;
  /** How long the primary waits for a silent standby (`wal_sender_timeout`): 4 s by default, 0 for ever. */
  readonly senderTimeoutMs?: number;
}

const SYNCHRONOUS = 'off, on or quorum(n), such as quorum(2)';
const synchronous = z
  .string({ error: ({ input }) => expectedButFound(SYNCHRONOUS, input) })
  .regex(/^(off|on|quorum\(([1-9]|1[0-5])\))$/, { error: ({ input }) => expectedButFound(SYNCHRONOUS, input) })
  .meta({ examples: ['off', 'on', 'quorum(2)'] })
  .transform((text): StreamingSpec['synchronous'] =>
    text === 'off' || text === 'on' ? text : { quorum: Number(/\d+/.exec(text)?.[0]) },
  );

const params = z.strictObject({
  members: z
    .int()
    .min(2)
    .max(MAX_MEMBERS)
    .optional()
    .describe('In place of workers: one primary, the rest its standbys; 3 by default.'),
  synchronous: synchronous
    .optional()
    .describe('Standbys that a commit waits for: off (the default), on for one, quorum(n) for any n of them.'),
  manager: z
    .enum(['none', 'by-hand'])
    .optional()
    .describe('What replaces a lost primary: nothing (none, the default), or pgquake as an operator would (by-hand).'),
  'promote-after': positiveDuration
    .optional()
    .describe('How long a primary is silent before the manager replaces it; 1s by default.'),
});

export const STREAMING_KEYS = clusterKeys(params, {
  problems({ members = DEFAULT_MEMBERS, synchronous: commits }) {
    if (typeof commits !== 'object' || commits.quorum < members) return [];
    const standbys = members - 1;
    const message = `a quorum of ${commits.quorum} needs ${commits.quorum} standbys, but there ${standbys === 1 ? 'is' : 'are'} ${standbys}`;
    return [{ path: ['synchronous'], message }];
  },
  makeup(
    {
      members = DEFAULT_MEMBERS,
      synchronous: commits = 'off',
      manager = 'none',
      'promote-after': promoteAfterMs = DEFAULT_PROMOTE_AFTER_MS,
    },
    engine,
  ) {
    const spec: StreamingSpec = { members, synchronous: commits, manager, promoteAfterMs };
    const nodes = engine.nodes(members);
    return {
      nodes,
      replication: members,
      partitions: 1,
      params: spec,
      inWords: inWords(spec, nodeNames({ nodes })),
      ...(commits === 'off'
        ? { absentRoles: { 'sync-standby': 'no standby is synchronous here: cluster.synchronous is off' } }
        : {}),
    };
  },
});

/** `3 members: pg1 primary, pg2 and pg3 standbys; synchronous off; manager by-hand (simulated), after 1 s`. */
function inWords({ synchronous: commits, manager, promoteAfterMs }: StreamingSpec, members: readonly string[]): string {
  const waits = typeof commits === 'object' ? `quorum(${commits.quorum})` : commits;
  const [primary, ...standbys] = members;
  const acts = manager === 'none' ? '' : ` (simulated), after ${formatDuration(promoteAfterMs)}`;
  const roles = `${primary} primary, ${standbys.join(' and ')} ${standbys.length === 1 ? 'standby' : 'standbys'}`;
  return `${formatCount(members.length, 'member')}: ${roles}; synchronous ${waits}; manager ${manager}${acts}`;
}

/** @returns the parsed keys; `undefined` for a cluster of another engine. */
export function streamingSpecOf(own: ClusterMakeup['own']): StreamingSpec | undefined {
  return own?.engine === 'streaming' ? (own.params as StreamingSpec) : undefined;
}
