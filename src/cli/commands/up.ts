/** `pgquake up`: starts a cluster, forms it and loads data, for people and for runs that attach to it. */

import pc from 'picocolors';
import { mainRoute } from '../../cluster/route.ts';
import { hostPort } from '../../model/address.ts';
import { partitionWordOf } from '../../model/partition-words.ts';
import { entryNode } from '../../model/topology.ts';
import { formatCount } from '../../model/units.ts';
import { plainText } from '../../reporters/escape.ts';
import { ensureFormed } from '../../run/standing.ts';
import type { Command } from '../command.ts';
import {
  commandFor,
  FOLDER_OPTIONS,
  type FolderArguments,
  standingClusters,
  standingData,
  standingEngines,
  standingSettings,
  standingTopology,
  untilInterrupted,
} from '../standing.ts';

export const up: Command<FolderArguments> = {
  builder: (yargs) => yargs.options(FOLDER_OPTIONS).example('$0 up', 'start it; then run on it with --attach citus'),
  handler: async ({ project, folder }) => {
    await untilInterrupted(async (signal) => {
      const standing = standingClusters();
      const topology = standingTopology();
      const entry = entryNode(topology);
      console.log(pc.dim(`starting ${plainText(project)}: ${topology.nodes.length} nodes`));
      const nodes = await standing.up({
        project,
        nodes: topology.nodes,
        settings: standingSettings(),
        folder,
        signal,
        onProgress: (line) => console.log(pc.dim(plainText(line))),
      });
      console.log(`${nodes.all.length} nodes accept SQL`);
      const { engine, cluster, formedNow } = await ensureFormed({
        nodes,
        engines: standingEngines(),
        topology,
        data: standingData(),
        signal,
      });
      const { partitions, partitionWord } = cluster.placement;
      const [way] = await mainRoute(cluster.routes).addresses();
      const by = plainText([engine.name, ...(cluster.version === undefined ? [] : [cluster.version])].join(', '));
      console.log(
        `${formedNow ? 'formed now' : 'already formed'} (${by}): ${formatCount(partitions.length, partitionWordOf(partitionWord))}`,
      );
      console.log(`${pc.green('up')}  ${entry ?? 'clients connect'} at ${way && hostPort(way)}`);
      console.log(pc.dim(`next: ${commandFor('status', project)}, ${commandFor('connect', project)}`));
    });
  },
};
