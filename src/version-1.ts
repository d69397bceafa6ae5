/**
 * What runs of version 1 hold, in the words of this version. Then a cluster was a coordinator with workers, and nothing
 * else could be run. Anything else is handed on as it is, for the schemas to judge. Pure.
 */

import type { NodeSpec } from './model/topology.ts';

type Json = Readonly<Record<string, unknown>>;

const COORDINATOR = 'coordinator';

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One line of `events.ndjson`. */
export function eventOfNow(event: unknown): unknown {
  if (!isObject(event)) return event;
  const { type, placement } = event;
  if (type === 'final-read' && 'source' in event) {
    const { source, ...rest } = event;
    return { ...rest, route: source };
  }
  if (type === 'read-in-doubt' && event.node === COORDINATOR) {
    const { node: _, ...rest } = event;
    return rest;
  }
  if (type === 'cluster-formed' && isObject(placement) && !('partitionWord' in placement) && hasCoordinator(event)) {
    return { ...event, placement: { ...placement, partitionWord: 'shard', entry: COORDINATOR } };
  }
  return event;
}

function hasCoordinator({ nodes }: Json): boolean {
  return Array.isArray(nodes) && nodes.some((node: unknown) => isObject(node) && node.role === COORDINATOR);
}

/** `plan.json`. */
export function planOfNow(plan: unknown): unknown {
  if (!isObject(plan) || !isObject(plan.scenario) || !isObject(plan.scenario.cluster)) return plan;
  return { ...plan, scenario: { ...plan.scenario, cluster: topologyOfNow(plan.scenario.cluster) } };
}

/** `report.json`. */
export function reportOfNow(report: unknown): unknown {
  if (!isObject(report) || report.version !== 1 || !isObject(report.topology)) return report;
  const { timeline } = report;
  return {
    ...report,
    topology: topologyOfNow(report.topology),
    ...(Array.isArray(timeline) ? { timeline: timeline.map(eventOfNow) } : {}),
  };
}

function topologyOfNow(topology: Json): Json {
  const { workers, ...rest } = topology;
  if (typeof workers !== 'number') return topology;
  return { ...rest, nodes: nodesOf(workers), partitionWord: 'shard' };
}

function nodesOf(workers: number): NodeSpec[] {
  return [
    { name: COORDINATOR, role: COORDINATOR, part: 'entry' },
    ...Array.from({ length: workers }, (_, i): NodeSpec => ({ name: `worker${i + 1}`, role: 'worker', part: 'data' })),
  ];
}
