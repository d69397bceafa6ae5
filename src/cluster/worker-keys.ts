/** The keys of engines that declare none: workers, and copies of every shard on several of them. */

import { z } from 'zod';
import { clusterKeys } from './keys.ts';

export const MAX_WORKERS = 64;
export const MAX_PARTITIONS = 1_024;

const params = z.strictObject({
  workers: z.int().min(1).max(MAX_WORKERS).default(4).describe('Workers beside the one coordinator.'),
  replication: z.int().min(1).max(MAX_WORKERS).default(2).describe('Copies of every shard; at most `workers`.'),
  shards: z.int().min(1).max(MAX_PARTITIONS).default(4).describe('Shards of every table.'),
});

export const WORKER_KEYS = {
  ...clusterKeys(params, {
    makeup: ({ workers, replication, shards }, { nodes, partitionWord }) => ({
      nodes: nodes(workers),
      replication,
      partitions: shards,
      ...(partitionWord === undefined ? {} : { partitionWord }),
    }),
  }),
  params,
};
