/** Reads the target of a fault: a node, a list of nodes, or a selector. Also finds faults that collide. */

import type { z } from 'zod';
import type { Side } from '../model/loss.ts';
import { nearest, suggestion } from '../model/nearest.ts';
import { partitionWordOf } from '../model/partition-words.ts';
import { expectedButFound, quoted } from '../model/quoted.ts';
import { MOVING_ROLES, type MovingRole } from '../model/roles.ts';
import type { ClusterMakeup, FaultStep, PartitionRef, TargetSpec } from '../model/scenario.ts';
import {
  BESIDE,
  dataNodes,
  entryNode,
  nodeNames,
  nodesThatAre,
  partitionName,
  type Topology,
} from '../model/topology.ts';
import { candidatesOf, countOf, overlapping } from '../plan/target.ts';
import { isMapping, type Mapping } from './explain.ts';
import type { Problem } from './problems.ts';
import { selectors } from './schema.ts';

type Path = readonly PropertyKey[];

/** What is certain of the rest of the scenario. */
export interface Around extends Partial<ClusterMakeup> {
  /** The number of the workload's partition keys, which are numbered from 1. */
  readonly partitionKeys?: number | undefined;
  /** The workload's word for a partition key. */
  readonly keyWord?: string | undefined;
  readonly roles?: readonly (MovingRole | 'worker')[];
}

/** Collects problems; `fitting` notes its own. */
export interface Notes {
  note(path: Path, message: string): void;
  /** Places the problem at the key itself, not at its value. */
  noteKey(path: Path, key: string, said: Pick<Problem, 'message' | 'meant'>): void;
  fitting<T>(schema: z.ZodType<T>, value: unknown, path: Path, beside: readonly string[]): T | undefined;
}

/**
 * Reads a target without a union schema, which would only report that no alternative fits.
 * @returns `undefined` where the target is invalid; the problems are noted.
 */
export function readTarget(target: unknown, at: Path, around: Around, notes: Notes): TargetSpec | undefined {
  if (isMapping(target)) return readSelector(target, at, around, notes);
  if (!Array.isArray(target)) return nodeExists(target, at, around, notes) ? { nodes: [target] } : undefined;
  if (target.length === 0) notes.note(at, 'expected at least one node, found an empty list');
  const nodes = new Set<string>();
  for (const [index, name] of (target as unknown[]).entries()) {
    if (!nodeExists(name, [...at, index], around, notes)) continue;
    if (nodes.has(name)) notes.note([...at, index], `${quoted(name)} is named twice`);
    nodes.add(name);
  }
  return nodes.size === target.length && nodes.size > 0 ? { nodes: [...nodes] } : undefined;
}

/** Whether the cluster may have nodes on this side. */
export function hasSide(word: Side, { nodes, roles = [] }: Pick<Around, 'nodes' | 'roles'>): boolean {
  if (word === 'dcs') return nodes === undefined || nodes.some(({ part }) => part === 'dcs');
  return roles.some((role) => role === 'primary');
}

/** Whether a node has this name; if not, notes it. */
export function nodeExists(
  name: unknown,
  path: Path,
  { nodes, roles = [] }: Pick<Around, 'nodes' | 'roles'>,
  notes: Notes,
): name is string {
  if (typeof name !== 'string') {
    const example = nodes ? dataNodes({ nodes })[0] : 'worker1';
    notes.note(path, expectedButFound(`the name of a node such as ${example}`, name));
    return false;
  }
  if (nodes === undefined) return true;
  const known = nodeNames({ nodes });
  if (known.includes(name)) return true;
  if (roles.some((role) => role === name)) {
    notes.note(path, `there is no node ${quoted(name)}; to strike a role, write { role: ${name} }`);
    return false;
  }
  // A number that is too high is not a typing mistake.
  const meant = known.some((one) => unnumbered(one) === unnumbered(name)) ? undefined : nearest(name, known);
  const help = meant === undefined ? `the cluster has ${inWords({ nodes })}` : `did you mean "${meant}"?`;
  notes.note(path, `there is no node ${quoted(name)}; ${help}`);
  return false;
}

function unnumbered(name: string): string {
  return name.replace(/\d+$/, '#');
}

/** `coordinator and worker1 to worker4`; `pg1, pg2, pg3`. */
function inWords(cluster: Pick<Topology, 'nodes'>): string {
  const entry = entryNode(cluster);
  const holders = dataNodes(cluster);
  const all = nodeNames(cluster);
  if (entry === undefined) return all.join(', ');
  if (holders.length > MAX_NODES_NAMED) return `${entry} and ${holders[0]} to ${holders.at(-1)}`;
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

const HOLDS = 'holds-shard-of';
const NOT_HOLDING = 'not-holding';
const MAX_NODES_NAMED = 2;

function readSelector(written: Mapping, at: Path, around: Around, notes: Notes): TargetSpec | undefined {
  if (around.roles && !around.roles.includes('worker')) return movingSelector(written, at, around, notes);
  const target = selectorOf(written, at, around, notes);
  const { nodes, replication } = around;
  if (!target || nodes === undefined || replication === undefined) return target;
  const topology = { nodes, replication };
  const workers = dataNodes(topology).length;
  if ('fatalPair' in target) {
    if (replication <= 2 && workers >= 2) return target;
    const why =
      workers < 2 ? 'there is 1 worker' : `every ${partitionWordOf(around.partitionWord)} has ${replication} copies`;
    notes.note([...at, 'pick'], `no pair of workers is fatal: ${why}`);
    return undefined;
  }
  const candidates = candidatesOf(target, topology);
  const count = countOf(target, topology);
  if (count <= candidates && candidates > 0) return target;
  const many = 'role' in target ? `${candidates} workers` : `the ${candidates} workers that qualify`;
  if (candidates === 0)
    notes.note([...at, NOT_HOLDING], `every worker holds a copy of every ${partitionWordOf(around.partitionWord)}`);
  else notes.note([...at, 'pick'], `cannot pick ${count} of ${many}`);
  return undefined;
}

/** Where roles move, every member holds everything, so a selector can only name a role. */
function movingSelector(written: Mapping, at: Path, around: Around, notes: Notes): TargetSpec | undefined {
  const { roles: moving = [], absentRoles = {}, nodes = [] } = around;
  const besides = BESIDE.filter((purpose) => nodesThatAre({ nodes }, purpose).length > 0);
  const roles = [...moving, ...besides];
  if (!knownRole(written, at, roles, notes)) return undefined;
  if (besides.some((purpose) => purpose === written.role)) return purposeSelector(written, at, around, notes);
  const read = notes.fitting(selectors.movingRole, written, at, []);
  if (!read) return undefined;
  const { role, pick } = read;
  const absent = absentRoles[role];
  if (absent !== undefined) {
    notes.note([...at, 'role'], absent);
    return undefined;
  }
  const target = { roleAtStrike: role, ...(pick === undefined ? {} : { pick }) };
  const topology = { nodes, replication: nodes.length };
  const [count, candidates] = [countOf(target, topology), candidatesOf(target, topology)];
  if (count <= candidates) return target;
  const many = role === 'primary' ? 'there is 1 primary' : `there are ${candidates} standbys`;
  notes.note([...at, 'pick'], `cannot pick ${count}: ${many}`);
  return undefined;
}

function purposeSelector(written: Mapping, at: Path, { nodes = [] }: Around, notes: Notes): TargetSpec | undefined {
  const read = notes.fitting(selectors.purpose, written, at, []);
  if (!read) return undefined;
  const { role: purpose, pick } = read;
  const target = { purpose, ...(pick === undefined ? {} : { pick }) };
  const topology = { nodes, replication: nodes.length };
  const [count, candidates] = [countOf(target, topology), candidatesOf(target, topology)];
  if (count <= candidates) return target;
  notes.note([...at, 'pick'], `cannot pick ${count}: the cluster has ${nodesThatAre({ nodes }, purpose).join(', ')}`);
  return undefined;
}

function knownRole({ role }: Mapping, at: Path, roles: readonly string[], { note }: Notes): boolean {
  if (typeof role !== 'string' || roles.includes(role)) return true;
  note([...at, 'role'], `there is no role ${quoted(role)} in this cluster; ${suggestion(role, roles)}`);
  return false;
}

function selectorOf(written: Mapping, at: Path, around: Around, notes: Notes): TargetSpec | undefined {
  if (HOLDS in written) {
    const read = notes.fitting(selectors.holding, written, at, []);
    const ref = read && known(read[HOLDS], [...at, HOLDS], around, notes);
    return ref && { holdsPartitionOf: ref, ...(read.pick === undefined ? {} : { pick: read.pick }) };
  }
  if (NOT_HOLDING in written) {
    const read = notes.fitting(selectors.notHolding, written, at, []);
    const ref = read && known(read[NOT_HOLDING], [...at, NOT_HOLDING], around, notes);
    return ref && { notHolding: ref, ...(read.pick === undefined ? {} : { pick: read.pick }) };
  }
  if (typeof written.pick === 'string' && !('role' in written)) {
    return notes.fitting(selectors.fatalPair, written, at, ['role']) && { fatalPair: true };
  }
  if (BESIDE.some((purpose) => purpose === written.role)) {
    if (around.roles && !knownRole(written, at, around.roles, notes)) return undefined;
    const read = notes.fitting(selectors.purpose, written, at, []);
    return read && { purpose: read.role, ...(read.pick === undefined ? {} : { pick: read.pick }) };
  }
  if (MOVING_ROLES.some((role) => role === written.role)) {
    if (around.roles && !knownRole(written, at, around.roles, notes)) return undefined;
    // The cluster is invalid, so its roles are unknown.
    const read = notes.fitting(selectors.movingRole, written, at, []);
    return read && { roleAtStrike: read.role, ...(read.pick === undefined ? {} : { pick: read.pick }) };
  }
  return notes.fitting(selectors.role, written, at, [HOLDS, NOT_HOLDING]);
}

/** Returns the reference if its partition key or partition exists; else notes it. */
function known(
  ref: PartitionRef,
  at: Path,
  { partitionKeys, partitions, keyWord = 'key', partitionWord }: Around,
  notes: Notes,
): PartitionRef | undefined {
  const word = partitionWordOf(partitionWord);
  if ('partitionKey' in ref) {
    if (partitionKeys === undefined || ref.partitionKey <= partitionKeys) return ref;
    const known = partitionKeys === 0 ? `has no ${keyWord}s` : `has ${keyWord}s 1 to ${partitionKeys}`;
    notes.note(at, `there is no ${ref.written}; the workload ${known}`);
    return undefined;
  }
  if (partitions === undefined || ref.partition < partitions) return ref;
  const all = partitions === 1 ? `${word} A` : `${word}s A to ${partitionName(partitions - 1)}`;
  notes.note(at, `there is no ${ref.written}; the cluster has ${all}`);
  return undefined;
}

/** A strike, with those parts that could be read. */
export interface ReadStep extends Partial<FaultStep> {
  readonly place: FaultStep['place'];
  /** Its index in the written list; all strikes of a repeated fault share it. */
  readonly item: number;
}

/** Notes faults that overlap on a node, where they would undo each other, and picks without enough free nodes. */
export function noteCollisions(
  steps: readonly ReadStep[],
  { nodes, replication, movingRoles }: Around,
  { note }: Notes,
): void {
  const told = new Set<number>();
  for (const [index, { target, item, ...step }] of steps.entries()) {
    if (!target || told.has(item)) continue;
    const meanwhile = steps.map((other, i) =>
      i !== index && isTimed(step) && isTimed(other) && overlapping(step, other) ? other : undefined,
    );
    if ('nodes' in target) {
      const earlier = meanwhile.slice(0, index).find((other) => namedBy(other?.target).some(isIn(target.nodes)));
      const node = namedBy(earlier?.target).find(isIn(target.nodes));
      if (earlier === undefined || node === undefined) continue;
      told.add(item);
      if (earlier.item === item) {
        note(['faults', item], `${node} would be struck again before it is healed: repeat.every must be longer`);
        continue;
      }
      const by = `${earlier.fault ?? 'the fault'} of line ${earlier.place.line}`;
      note(['faults', item], `${node} is already struck by ${by}, which must be healed first`);
    } else if (nodes !== undefined && replication !== undefined && !movingRoles) {
      const topology = { nodes, replication };
      const holders = dataNodes(topology);
      const workers = holders.length;
      const named = new Set(meanwhile.flatMap((other) => namedBy(other?.target)).filter(isIn(holders)));
      const picked = meanwhile.reduce((sum, other) => sum + pickedBy(other?.target, topology), 0);
      const free = Math.max(0, workers - named.size - picked);
      const count = countOf(target, topology);
      if (free >= count) continue;
      told.add(item);
      const message = `cannot pick ${count} of ${workers} workers: at that time ${workers - free} may be struck by other faults`;
      note(['faults', item, 'target', ...('pick' in target ? ['pick'] : [])], message);
    }
  }
}

function isTimed(step: Partial<FaultStep>): step is Pick<FaultStep, 'atMs' | 'forMs'> {
  return step.atMs !== undefined && step.forMs !== undefined;
}

function namedBy(target: TargetSpec | undefined): readonly string[] {
  return target && 'nodes' in target ? target.nodes : [];
}

function pickedBy(target: TargetSpec | undefined, topology: Omit<Topology, 'partitions'>): number {
  return target && !('nodes' in target) ? countOf(target, topology) : 0;
}

function isIn(nodes: readonly string[]): (node: string) => boolean {
  return (node) => nodes.includes(node);
}
