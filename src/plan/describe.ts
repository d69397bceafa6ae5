/** A plan in words, for `pgquake plan`. Pure. */

import type { Plan } from '../model/plan.ts';
import type { NodeName, PlacementMap, ShardPrediction } from '../model/topology.ts';
import { formatDuration } from '../model/units.ts';
import { downSets } from './schedule.ts';

export interface DescribeOptions {
  readonly takesDown: (fault: string) => boolean;
  /** The engine's own rule. */
  readonly predict: (placement: PlacementMap, down: ReadonlySet<NodeName>) => ShardPrediction[];
}

/** What a run of this plan would do, and what is predicted to survive, line by line. */
export function describePlan(plan: Plan, { takesDown, predict }: DescribeOptions): string[] {
  const { scenario, acts, placement, seed } = plan;
  const { workers, replication, shards } = scenario.cluster;
  const lines = [
    `${scenario.name}: ${scenario.summary}`,
    `seed ${seed}; ${workers} workers, ${shards} shards, each on ${replication}`,
    '',
    'placement',
    ...placement.map((shard) => `  ${shard.name}  ${shard.placements.join(', ')}`),
    '',
    `schedule, from the start of the fault phase (after ${formatDuration(scenario.steadyStateMs)} of steady state)`,
  ];
  if (acts.length === 0) lines.push('  no faults');
  for (const act of acts.toSorted((a, b) => a.atMs - b.atMs || a.index - b.index)) {
    lines.push(
      `  at ${formatDuration(act.atMs)}  ${act.fault} ${act.targets.join(', ')} for ${formatDuration(act.forMs)}`,
    );
  }
  const map: PlacementMap = { shards: placement, shardOfRoom: {} };
  for (const down of downSets(acts, takesDown)) {
    lines.push('', `prediction while ${down.join(', ')} ${down.length === 1 ? 'is' : 'are'} down`);
    for (const { shard, readable, writable } of predict(map, new Set(down))) {
      lines.push(`  ${shard}  ${readable ? 'readable' : 'not readable'}, ${writable ? 'writable' : 'not writable'}`);
    }
  }
  lines.push('', 'hypothesis', ...scenario.hypothesis.map((item) => `  ${describeItem(item)}`));
  return lines;
}

function describeItem({ check, written }: Plan['scenario']['hypothesis'][number]): string {
  const params = Object.entries(written).filter(([key]) => key !== 'check');
  return [check, ...params.map(([key, value]) => `${key}: ${JSON.stringify(value)}`)].join('  ');
}
