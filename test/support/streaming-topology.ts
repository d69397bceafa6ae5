import type { ClusterMakeup, StreamingSpec } from '../../src/model/scenario.ts';
import { undivided } from './sharded.ts';

/** What a cluster of the engine `streaming` is made of: three members, of which nobody replaces a lost one, by default. */
export function streamingTopology(
  spec: Partial<StreamingSpec> = {},
): ClusterMakeup & { readonly streaming: StreamingSpec } {
  const streaming = { members: 3, synchronous: 'off', manager: 'none', promoteAfterMs: 200, ...spec } as const;
  return { ...undivided(streaming.members), streaming };
}
