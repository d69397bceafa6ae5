/** The section `cluster` as an author writes it: workers beside a coordinator, or members whose roles move. */

import type { z } from 'zod';
import { listed } from '../model/nearest.ts';
import { quoted } from '../model/quantities.ts';
import type { ClusterSpec, StreamingSpec } from '../model/scenario.ts';
import type { Topology } from '../model/topology.ts';
import { type ScenarioVocabulary, sections } from './schema.ts';
import type { Notes } from './target.ts';

const DEFAULT_MEMBERS = 3;
const DEFAULT_PROMOTE_AFTER_MS = 1_000;

const OF_WORKERS = ['workers', 'replication', 'shards'] as const;
const OF_MEMBERS = ['members', 'synchronous', 'manager', 'promote-after'] as const;

type ReadCluster = z.output<ReturnType<typeof sections>['cluster']>;

/**
 * By the keys that are written and the engine that is named.
 * @param written as it stands in the file.
 * @returns `undefined` where it contradicts itself, with what is wrong noted.
 */
export function readCluster(
  read: ReadCluster,
  written: Readonly<Record<string, unknown>>,
  engines: ScenarioVocabulary['engines'],
  notes: Notes,
): ClusterSpec | undefined {
  const { members = DEFAULT_MEMBERS, synchronous = 'off', manager = 'none', ...rest } = read;
  const { 'promote-after': promoteAfterMs = DEFAULT_PROMOTE_AFTER_MS, ...cluster } = rest;
  const named = engines.find(({ name }) => name === read.engine);
  const isMoving = named ? named.movingRoles !== undefined : OF_MEMBERS.some((key) => key in written);
  const engine = named ?? engines.find(({ movingRoles }) => (movingRoles !== undefined) === isMoving);
  if (!engine) throw new Error('the catalogue has no engine for it');
  const [own, others] = isMoving ? [OF_MEMBERS, OF_WORKERS] : [OF_WORKERS, OF_MEMBERS];
  const wrong = others.filter((key) => key in written);
  for (const key of wrong) {
    const name = isMoving || named ? engine.name : 'with workers';
    notes.noteKey(['cluster'], key, `${quoted(key)} is unknown to the engine ${name}; ${listed([...own])}`);
  }
  if (wrong.length > 0) return undefined;
  const { platform, attach, engine: asked, workers, replication, shards } = cluster;
  const where = { platform, ...(attach === undefined ? {} : { attach }) };
  if (!isMoving) {
    const { partitionWord } = engine;
    const copies = { replication, partitions: shards, ...(partitionWord === undefined ? {} : { partitionWord }) };
    return { ...where, engine: asked, nodes: engine.nodes(workers), ...copies };
  }
  if (typeof synchronous === 'object' && synchronous.quorum >= members) {
    const standbys = members - 1;
    const message = `a quorum of ${synchronous.quorum} needs as many standbys, and there ${standbys === 1 ? 'is' : 'are'} ${standbys}`;
    notes.note(['cluster', 'synchronous'], message);
    return undefined;
  }
  const streaming: StreamingSpec = { members, synchronous, manager, promoteAfterMs };
  return {
    ...where,
    engine: engine.name,
    nodes: engine.nodes(members),
    replication: members,
    partitions: 1,
    streaming,
  };
}

/** What is certain of the topology where the section is wrong. The defaults are left out: what is missing may be misspelt. */
export function writtenTopology(written: unknown, vocabulary: ScenarioVocabulary): Partial<Topology> {
  if (typeof written !== 'object' || written === null || 'members' in written) return {};
  const { workers, replication, shards } = sections(vocabulary).cluster.def.innerType.shape;
  const read: Readonly<Record<string, number>> = Object.fromEntries(
    Object.entries({ workers, replication, shards }).flatMap(([key, schema]) => {
      const value = (written as Readonly<Record<string, unknown>>)[key];
      const result = value === undefined ? undefined : schema.safeParse(value);
      return result?.success ? [[key, result.data]] : [];
    }),
  );
  const engine = vocabulary.engines.find(({ movingRoles }) => !movingRoles);
  const { workers: holding, shards: partitions, ...copies } = read;
  return {
    ...copies,
    ...(partitions === undefined ? {} : { partitions }),
    ...(engine?.partitionWord === undefined ? {} : { partitionWord: engine.partitionWord }),
    ...(engine && holding !== undefined ? { nodes: engine.nodes(holding) } : {}),
  };
}
