/**
 * Converts runs of version 1 to the words of this version. In version 1 every cluster had a coordinator and workers
 * with shards, and rows were spread over rooms. Values in any other format pass unchanged, for the schemas to judge.
 * Pure.
 */

import type { NodeSpec } from './model/topology.ts';

type Json = Readonly<Record<string, unknown>>;

const COORDINATOR = 'coordinator';
const SHARD = 'shard';
const ROOM = 'room';

/** Renamed keys, old to new. */
const KEYS: Readonly<Record<string, string>> = {
  shard: 'partition',
  shards: 'partitions',
  placements: 'copies',
  shardOfRoom: 'partitionOfKey',
};

/** Renamed columns of operations, new to old. */
export const COLUMNS: Readonly<Record<string, string>> = { partition_key: 'room', partition: 'shard' };

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Renames keys at every depth. Not for text that authors of scenarios wrote. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [KEYS[key] ?? key, renamed(inner)]));
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
  if (type === 'cluster-formed' && isObject(placement) && 'shards' in placement) {
    return { ...event, placement: { ...(renamed(placement) as Json), partitionWord: SHARD, entry: COORDINATOR } };
  }
  const hasOldWords = ['predicted', 'placement-read', 'read-in-doubt', 'storage'].some((one) => one === type);
  return hasOldWords ? renamed(event) : event;
}

/** `run.json`. */
export function runOfNow(run: unknown): unknown {
  if (!isObject(run)) return run;
  const { kinds, probes } = run;
  const kindsOfNow = ofRooms(kinds);
  if (kindsOfNow === kinds) return run;
  return { ...run, keyWord: ROOM, kinds: kindsOfNow, probes: ofRooms(probes) };
}

/** The same array where no kind is of rooms. */
function ofRooms(kinds: unknown): unknown {
  const isOfRoom = (kind: unknown): kind is Json => isObject(kind) && kind.scope === ROOM;
  if (!Array.isArray(kinds) || !kinds.some(isOfRoom)) return kinds;
  return kinds.map((kind: unknown) => (isOfRoom(kind) ? { ...kind, scope: 'partition' } : kind));
}

/** `plan.json`. */
export function planOfNow(plan: unknown): unknown {
  if (!isObject(plan) || !isObject(plan.scenario) || !isObject(plan.scenario.cluster)) return plan;
  const { scenario, placement } = plan;
  const cluster = ownOfNow(topologyOfNow(plan.scenario.cluster));
  return { ...plan, scenario: { ...(scenario as Json), cluster }, placement: renamed(placement) };
}

/** `streaming` was once a key of every cluster; now it belongs to its engine. */
function ownOfNow({ streaming, ...cluster }: Json): Json {
  if (!isObject(streaming)) return cluster;
  const inWords = `${streaming.members} members; synchronous ${JSON.stringify(streaming.synchronous)}; manager ${streaming.manager}`;
  const movingRoles = ['primary', 'standby', 'sync-standby'];
  return { ...cluster, movingRoles, own: { engine: 'streaming', params: streaming, inWords } };
}

/** `report.json`. */
export function reportOfNow(report: unknown): unknown {
  if (!isObject(report) || report.version !== 1 || !isObject(report.topology)) return report;
  const { timeline, run, placement, figures } = report;
  return {
    ...report,
    run: runOfNow(run),
    topology: topologyOfNow(report.topology),
    placement: renamed(placement),
    figures: renamed(figures),
    ...(Array.isArray(timeline) ? { timeline: timeline.map(eventOfNow) } : {}),
  };
}

function topologyOfNow(topology: Json): Json {
  const { workers, shards, ...rest } = topology;
  if (typeof workers !== 'number') return topology;
  return { ...rest, nodes: nodesOf(workers), partitions: shards, partitionWord: SHARD };
}

function nodesOf(workers: number): NodeSpec[] {
  return [
    { name: COORDINATOR, role: COORDINATOR, part: 'entry' },
    ...Array.from({ length: workers }, (_, i): NodeSpec => ({ name: `worker${i + 1}`, role: 'worker', part: 'data' })),
  ];
}
