/** An engine's own keys in the section `cluster`. The scenario reader knows none of them. */

import type { z } from 'zod';
import type { ClusterMakeup } from '../model/scenario.ts';
import type { NodeSpec } from '../model/topology.ts';

/** A problem with the keys that a schema cannot express. */
export interface KeyProblem {
  /** Below `cluster`: `['settings', 'ttl']`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What a cluster with these keys consists of. */
export interface Makeup extends Omit<ClusterMakeup, 'own' | 'movingRoles'> {
  /** The parameters that the engine needs later; absent where it needs only nodes and copies. */
  readonly params?: object;
  /** For people: `3 members: pg1 primary, pg2 and pg3 standbys`. */
  readonly inWords?: string;
}

/** What `makeup` needs from the engine. */
export interface MadeBy {
  readonly nodes: (holding: number) => readonly NodeSpec[];
  readonly partitionWord?: string;
}

export interface ClusterKeys {
  /** Every key has a default or may be left out, and a description for the published schema. */
  readonly params: z.ZodObject;
  /** Contradictions between keys that fit the schema; empty where there are none. Pure. */
  problems(params: unknown): readonly KeyProblem[];
  /** Pure. */
  makeup(params: unknown, engine: MadeBy): Makeup;
}

/** Pairs a schema with functions that read its output, so that their types agree. */
export function clusterKeys<S extends z.ZodObject>(
  params: S,
  reading: {
    readonly problems?: (params: z.output<S>) => readonly KeyProblem[];
    readonly makeup: (params: z.output<S>, engine: MadeBy) => Makeup;
  },
): ClusterKeys {
  return {
    params,
    problems: (read) => reading.problems?.(read as z.output<S>) ?? [],
    makeup: (read, engine) => reading.makeup(read as z.output<S>, engine),
  };
}
