/**
 * The keys of a scenario's section `cluster` that belong to an engine. An engine says what may be written there and what
 * a cluster with that is made of; who reads scenarios knows none of them.
 */

import type { z } from 'zod';
import type { ClusterMakeup } from '../model/scenario.ts';
import type { NodeSpec } from '../model/topology.ts';

/** Something about the keys that no schema can say. */
export interface KeyProblem {
  /** Below `cluster`: `['settings', 'ttl']`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What a cluster with certain keys is made of. */
export interface Makeup extends Omit<ClusterMakeup, 'own' | 'movingRoles'> {
  /** What the engine wants to know of its keys later; absent where nodes and copies are all. */
  readonly params?: object;
  /** For people: `3 members: pg1 primary, pg2 and pg3 standbys`. */
  readonly inWords?: string;
}

/** What the engine itself brings to it. */
export interface MadeBy {
  readonly nodes: (holding: number) => readonly NodeSpec[];
  readonly partitionWord?: string;
}

export interface ClusterKeys {
  /** Every key has a default or may be left out, and a description for the published schema. */
  readonly params: z.ZodObject;
  /** What contradicts itself in keys that fit the schema; empty where nothing does. Pure. */
  problems(params: unknown): readonly KeyProblem[];
  /** Pure. */
  makeup(params: unknown, engine: MadeBy): Makeup;
}

/** Binds a schema to what reads its values, so that both agree on the types. */
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
