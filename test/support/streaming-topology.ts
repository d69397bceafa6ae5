import type { StreamingSpec } from '../../src/engines/streaming/spec.ts';
import { streaming } from '../../src/engines/streaming.ts';
import type { ClusterMakeup, OwnParameters } from '../../src/model/scenario.ts';
import { undivided } from './sharded.ts';

/** What a cluster of the engine `streaming` is made of: three members, of which nobody replaces a lost one, by default. */
export function streamingTopology(spec: Partial<StreamingSpec> = {}): ClusterMakeup & { readonly own: OwnParameters } {
  const params: StreamingSpec = { members: 3, synchronous: 'off', manager: 'none', promoteAfterMs: 200, ...spec };
  const { movingRoles = [] } = streaming;
  return { ...undivided(params.members), movingRoles, own: ownOfStreaming(params) };
}

/** What a scenario would say of it. */
export function ownOfStreaming(params: StreamingSpec): OwnParameters {
  return { engine: 'streaming', params, inWords: `${params.members} members` };
}
