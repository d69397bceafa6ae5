/**
 * Parses and validates a scenario. Reads each part on its own, so that one mistake does not hide another; a part that
 * could not be read causes no further problems.
 */

import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { ScenarioFacts } from '../checks/check.ts';
import type { Fault } from '../faults/fault.ts';
import { InputError } from '../model/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import { isSide } from '../model/loss.ts';
import { listed, suggestion } from '../model/nearest.ts';
import { partitionWordOf } from '../model/partition-words.ts';
import { expectedButFound, quoted } from '../model/quoted.ts';
import { missingWords } from '../model/requirements.ts';
import type {
  ClusterMakeup,
  ClusterSpec,
  FaultStep,
  Guards,
  HypothesisItem,
  ProbeSpec,
  Scenario,
  TargetSpec,
} from '../model/scenario.ts';
import { dataNodes, partitionName } from '../model/topology.ts';
import { standIns } from '../plan/schedule.ts';
import { leavesNoTables, ledgerOf } from '../workloads/workload.ts';
import { clusterOf, noteMade, readCluster, writtenTopology } from './cluster.ts';
import { isMapping, type Mapping, problemsOf, unknownKey, type Validated, valueAt } from './explain.ts';
import { inventoryIn, meansInventory, readInventory } from './inventory.ts';
import { formatPath, hopelessChecks, type Problem, ScenarioError } from './problems.ts';
import { lacking } from './requirements.ts';
import {
  LIGHT_PROBE_RATE,
  MAX_STEPS,
  MAX_STRIKES,
  PROBE_RATE,
  type ScenarioVocabulary,
  sections,
  TOP_KEYS,
  timing,
  timingOf,
} from './schema.ts';
import { Source } from './source.ts';
import { type Around, hasSide, type Notes, nodeExists, noteCollisions, type ReadStep, readTarget } from './target.ts';

type Path = readonly PropertyKey[];

type WrittenGuards = z.output<ReturnType<typeof sections>['guards']>;

/** `for` is absent where the fault ends by itself. */
type WrittenTimes = Omit<z.output<typeof timing>, 'for'> & { readonly for?: number };

interface Variant {
  readonly name: string;
  readonly params: z.ZodType;
}

/**
 * Validates a scenario's text.
 * @param file its name, for messages; its base name is the default of `name`.
 * @throws ScenarioError with all problems.
 */
export function parseScenario(text: string, file: string, vocabulary: ScenarioVocabulary): Scenario {
  return new Reader(new Source(text, file), vocabulary).scenario(text);
}

/** Each scenario is parsed once, so compiling the schemas would not pay off. */
const ONCE = { jitless: true } as const;

const SECTIONS = new WeakMap<ScenarioVocabulary, ReturnType<typeof sections>>();

/** Cached, because a folder has many scenarios. */
function sectionsOf(vocabulary: ScenarioVocabulary): ReturnType<typeof sections> {
  const made = SECTIONS.get(vocabulary) ?? sections(vocabulary);
  SECTIONS.set(vocabulary, made);
  return made;
}

class Reader {
  readonly #source: Source;
  readonly #vocabulary: ScenarioVocabulary;
  readonly #problems: Problem[];
  readonly #notes: Notes = {
    note: (path, message) => this.#note(path, message),
    noteKey: (path, key, said) => this.#noteKey(path, key, said),
    fitting: (schema, value, path, beside) => this.#fitting(schema, value, path, beside),
  };

  constructor(source: Source, vocabulary: ScenarioVocabulary) {
    this.#source = source;
    this.#vocabulary = vocabulary;
    this.#problems = [...source.problems];
  }

  scenario(text: string): Scenario {
    const top = this.#source.value;
    if (!isMapping(top)) {
      this.#note([], expectedButFound('a mapping with name, summary, faults and hypothesis', top));
      throw new ScenarioError(this.#problems);
    }
    for (const key of Object.keys(top)) {
      if (!TOP_KEYS.some((known) => known === key)) {
        this.#noteKey([], key, unknownKey(key, TOP_KEYS));
      }
    }
    const schemas = sectionsOf(this.#vocabulary);
    const name = this.#name(schemas.name, top);
    const summary = this.#section(schemas.summary, top, 'summary');
    const claim = this.#section(schemas.claim, top, 'claim');
    const tags = this.#section(schemas.tags, top, 'tags');
    const cluster = this.#cluster(top);
    const topology = this.#topology(top, cluster);
    const workload = this.#workload(top, cluster);
    this.#routes(cluster, workload);
    const probes = top.probes === 'off' ? undefined : this.#section(schemas.probes, top, 'probes');
    const pressure = this.#section(schemas.pressure, top, 'pressure');
    const steadyState = this.#section(schemas['steady-state'], top, 'steady-state');
    const faults = this.#faults(top, { ...topology, ...this.#roles(cluster), ...this.#partitionKeys(workload) });
    const settle = this.#section(schemas.settle, top, 'settle');
    const probed = probes?.routes && this.#probedRoutes(cluster, probes.routes);
    const probeSpec = probes && {
      ratePerSecond: probes.rate ?? (cluster?.inventory ? LIGHT_PROBE_RATE : PROBE_RATE),
      deadlineMs: probes.deadline,
      ...(probed ? { routes: probed } : {}),
    };
    const facts = this.#facts(topology, workload, faults, probeSpec);
    const guards = this.#guards(this.#section(schemas.guards, top, 'guards'), facts);
    const hypothesis = this.#list(top, 'hypothesis').map(({ item, path }) => this.#check(item, path, facts));
    if (!('hypothesis' in top)) this.#noteMissing([], 'hypothesis', ': without a check there is nothing to judge');
    const seed = this.#section(schemas.seed, top, 'seed');

    if (this.#problems.length > 0) throw new ScenarioError([...this.#problems, ...hopelessChecks(hypothesis)]);
    // If there is no problem, every part was read; the compiler cannot know.
    return {
      name: name as string,
      summary: summary as string,
      ...(claim === undefined ? {} : { claim }),
      ...(tags === undefined ? {} : { tags }),
      file: this.#source.file,
      source: text,
      cluster: cluster as ClusterSpec,
      workload: workload as Scenario['workload'],
      ...(probeSpec === undefined ? {} : { probes: probeSpec }),
      ...(pressure === undefined ? {} : { pressure }),
      steadyStateMs: (steadyState as { for: number }).for,
      faults: faults.map(({ item: _, ...step }) => step as FaultStep),
      settleWithinMs: (settle as { within: number }).within,
      hypothesis: hypothesis as HypothesisItem[],
      ...(guards === undefined ? {} : { guards }),
      ...(seed === undefined ? {} : { seed }),
    };
  }

  #guards(written: WrittenGuards, facts: ScenarioFacts | undefined): Guards | undefined {
    if (written === undefined) return undefined;
    const { 'max-down': maxDown, limit: limitMs, 'abort-when': conditions = [] } = written;
    for (const [index, { of }] of conditions.entries()) {
      if (!facts || facts.kinds.includes(of)) continue;
      const path = ['guards', 'abort-when', index, 'of'];
      this.#note(path, `the workload has no operations ${quoted(of)}; ${suggestion(of, facts.kinds)}`);
    }
    return {
      ...(maxDown === undefined ? {} : { maxDown }),
      ...(limitMs === undefined ? {} : { limitMs }),
      abortWhen: conditions.map(({ of, below, for: forMs }) => ({ of, below, forMs })),
      place: this.#source.placeOf(['guards']),
    };
  }

  /** The key `name`, or else the file's name. */
  #name(schema: z.ZodType<string | undefined>, top: Mapping): string | undefined {
    if ('name' in top) return this.#section(schema, top, 'name');
    const own = basename(this.#source.file).replace(/\.ya?ml$/, '');
    if (schema.safeParse(own).success) return own;
    this.#noteMissing([], 'name', `: the file's name ${quoted(own)} is not in kebab-case`);
    return undefined;
  }

  #cluster(top: Mapping): ClusterSpec | undefined {
    const written = isMapping(top.cluster) ? top.cluster : {};
    if (meansInventory(written.attach)) return this.#attached(written, written.attach);
    const read = this.#section(sectionsOf(this.#vocabulary).cluster, top, 'cluster');
    return readCluster(read, written, this.#vocabulary.engines, this.#notes);
  }

  /** An existing cluster, described here or in an inventory file. */
  #attached(written: Mapping, attach: Mapping | string): ClusterSpec | undefined {
    noteMade(written, this.#notes);
    const { confirm } = written;
    if (confirm !== undefined && typeof confirm !== 'string') {
      this.#note(['cluster', 'confirm'], expectedButFound('the name of the cluster in its inventory', confirm));
    }
    const inventory = this.#inventory(attach);
    if (!inventory) return undefined;
    if (typeof confirm === 'string' && confirm !== inventory.name) {
      this.#note(
        ['cluster', 'confirm'],
        `expected ${quoted(inventory.name)}, the name in the inventory, found ${quoted(confirm)}`,
      );
    }
    return clusterOf(inventory, this.#vocabulary.engines, typeof confirm === 'string' ? { confirm } : {});
  }

  #inventory(attach: Mapping | string): Inventory | undefined {
    const at = ['cluster', 'attach'];
    const folder = dirname(resolve(this.#source.file));
    if (typeof attach !== 'string') {
      const { inventory, problems } = inventoryIn(this.#source, attach, at, folder);
      this.#problems.push(...problems);
      return inventory;
    }
    try {
      return readInventory(resolve(folder, attach), join(dirname(this.#source.file), attach));
    } catch (error) {
      if (error instanceof ScenarioError) this.#problems.push(...error.problems);
      else if (error instanceof InputError) this.#note(at, error.message);
      else throw error;
      return undefined;
    }
  }

  #engineOf(cluster: ClusterSpec | undefined): ScenarioVocabulary['engines'][number] | undefined {
    return this.#vocabulary.engines.find(({ name }) => name === cluster?.engine);
  }

  /** The roles that a target may name. */
  #roles(cluster: ClusterSpec | undefined): Pick<Around, 'roles'> {
    return cluster ? { roles: this.#engineOf(cluster)?.movingRoles ?? ['worker'] } : {};
  }

  /** Notes kinds of operation whose route does not exist or does not accept them. */
  #routes(cluster: ClusterSpec | undefined, workload: Scenario['workload'] | undefined): void {
    const chosen = this.#vocabulary.workloads.find(({ name }) => name === workload?.use);
    if (!cluster || !chosen || !workload) return;
    const { known, readRoutes } = this.#routesOf(cluster);
    for (const { name, access, route } of chosen.kinds(workload.params)) {
      if (route === undefined) continue;
      const at = ['workload', ...(chosen.pathOf?.(workload.params, name) ?? [name]), 'route'];
      const absent = cluster.absentRoutes?.[route];
      if (absent !== undefined) {
        this.#note(at, absent);
      } else if (!known.includes(route)) {
        this.#note(at, `there is no route ${quoted(route)}; ${suggestion(route, known)}`);
      } else if (access === 'write' && readRoutes.includes(route)) {
        const others = known.filter((one) => !readRoutes.includes(one)).join(', ');
        this.#note(at, `the route ${quoted(route)} accepts no writes, but ${quoted(name)} writes; expected ${others}`);
      }
    }
  }

  #routesOf(cluster: ClusterSpec): { readonly known: readonly string[]; readonly readRoutes: readonly string[] } {
    const engine = this.#engineOf(cluster) ?? this.#vocabulary.engines[0];
    const further = cluster.inventory?.routes ?? [];
    return {
      known: [...(engine?.routes ?? []), ...further.map(({ name }) => name)],
      readRoutes: [
        ...(engine?.readRoutes ?? []),
        ...further.filter(({ access }) => access === 'read').map(({ name }) => name),
      ],
    };
  }

  /** Notes routes that do not exist or are named twice. */
  #probedRoutes(cluster: ClusterSpec | undefined, names: readonly string[]): NonNullable<ProbeSpec['routes']> {
    if (!cluster) return [];
    const { known, readRoutes } = this.#routesOf(cluster);
    for (const [index, name] of names.entries()) {
      const at = ['probes', 'routes', index];
      if (!known.includes(name)) this.#note(at, `there is no route ${quoted(name)}; ${suggestion(name, known)}`);
      else if (names.indexOf(name) < index) this.#note(at, `the route ${quoted(name)} is named twice`);
    }
    return names.map((name) => ({ name, access: readRoutes.includes(name) ? 'read' : 'write' }));
  }

  /** What is certain of the topology, even where the section is otherwise invalid. */
  #topology(top: Mapping, cluster: ClusterSpec | undefined): Partial<ClusterMakeup> {
    const topology: Partial<ClusterMakeup> = cluster ?? writtenTopology(top.cluster, this.#vocabulary);
    const { nodes, replication } = topology;
    const workers = nodes && dataNodes({ nodes }).length;
    if (workers !== undefined && replication !== undefined && replication > workers) {
      const written = valueAt(top, ['cluster', 'replication']) === undefined ? ['cluster'] : ['cluster', 'replication'];
      const message = `${replication} copies of every ${partitionWordOf(topology.partitionWord)} need ${replication} workers, and there ${workers === 1 ? 'is' : 'are'} ${workers}`;
      this.#note(written, message);
    }
    return topology;
  }

  #workload(top: Mapping, cluster: ClusterSpec | undefined): Scenario['workload'] | undefined {
    const written = top.workload === undefined && !('workload' in top) ? {} : top.workload;
    if (!isMapping(written)) {
      this.#note(['workload'], expectedButFound('a mapping such as { use: chat }', written));
      return undefined;
    }
    const { workloads } = this.#vocabulary;
    const known = cluster?.inventory ? workloads.filter(leavesNoTables) : workloads;
    const { use = known[0]?.name, ...rest } = written;
    if (!known.some(({ name }) => name === use) && workloads.some(({ name }) => name === use)) {
      const names = known.map(({ name }) => name);
      this.#note(
        ['workload', 'use'],
        `${quoted(String(use))} creates tables outside the schema pgquake, which is not allowed on a cluster of an inventory; ${listed(names)}`,
      );
      return undefined;
    }
    const workload = this.#known(this.#vocabulary.workloads, use, ['workload', 'use'], 'workload');
    const params = workload && this.#fitting(workload.params, rest, ['workload'], ['use']);
    return workload && params ? { use: workload.name, params: params as Mapping } : undefined;
  }

  /** The facts against which checks validate their parameters; `undefined` unless all are certain. */
  #facts(
    topology: Partial<ClusterMakeup>,
    workload: Scenario['workload'] | undefined,
    steps: readonly ReadStep[],
    probes: Scenario['probes'],
  ): ScenarioFacts | undefined {
    const chosen = this.#vocabulary.workloads.find(({ name }) => name === workload?.use);
    if (!chosen || !workload || topology.partitions === undefined) return undefined;
    const kinds = chosen.kinds(workload.params);
    const ledger = ledgerOf(chosen, workload.params);
    const faults = this.#faultFacts(steps);
    return {
      kinds: kinds.map((kind) => kind.name),
      writes: kinds.some(({ access }) => access === 'write'),
      sessions: ledger?.sessionless !== true,
      lacks: lacking({ workload: chosen, params: workload.params, probes, cluster: topology }),
      ...(topology.replication === undefined ? {} : { replication: topology.replication }),
      ...(faults === undefined ? {} : { faults }),
      partitionWord: topology.partitionWord,
      partitions: Array.from({ length: topology.partitions }, (_, index) => partitionName(index)),
      messages: ledger?.initialRows(workload.params) ?? 0,
    };
  }

  /** `undefined` where there is any problem. */
  #faultFacts(steps: readonly ReadStep[]): ScenarioFacts['faults'] {
    if (this.#problems.length > 0) return undefined;
    return steps.flatMap(({ fault: name }) => {
      const fault = this.#vocabulary.faults.find((one) => one.name === name);
      return fault ? [{ name: fault.name, effect: fault.effect }] : [];
    });
  }

  #faults(top: Mapping, around: Around): ReadStep[] {
    const steps = this.#list(top, 'faults').flatMap(({ item, path }, index) => this.#steps(item, path, index, around));
    if (steps.length <= MAX_STRIKES) noteCollisions(steps, around, this.#notes);
    else
      this.#note(['faults'], `expected at most ${MAX_STRIKES} strikes of all faults together, found ${steps.length}`);
    return steps;
  }

  /** The number of partition keys, and the workload's word for one. */
  #partitionKeys(workload: Scenario['workload'] | undefined): Pick<Around, 'partitionKeys' | 'keyWord'> {
    const chosen = this.#vocabulary.workloads.find(({ name }) => name === workload?.use);
    if (!workload || !chosen) return {};
    const ledger = ledgerOf(chosen, workload.params);
    return { partitionKeys: ledger?.partitionKeys(workload.params) ?? 0, keyWord: ledger?.keyWord };
  }

  /** All strikes of one item in the list. */
  #steps(step: Mapping, path: Path, item: number, around: Around): ReadStep[] {
    const fault = this.#variant(this.#vocabulary.faults, step, path, 'fault');
    const schema = fault ? timingOf(fault) : timing;
    const timingKeys = Object.keys(schema.shape);
    const { fault: _, target: __, ...more } = step;
    const part = (isTiming: boolean) =>
      Object.fromEntries(Object.entries(more).filter(([key]) => timingKeys.includes(key) === isTiming));
    const times = this.#fitting<WrittenTimes>(schema, part(true), path, []);
    if (fault?.movingRoles && around.roles && !around.roles.includes('primary')) {
      const message = `${fault.name} is for a cluster whose roles move, such as { engine: streaming, members: 3 }`;
      this.#note([...path, 'fault'], message);
    }
    const target = this.#target(step, path, around);
    const params = fault && this.#fitting(fault.params, part(false), path, ['fault', 'target', ...timingKeys]);
    for (const { path: below, node, orSide } of (params && fault.names?.(params)) ?? []) {
      if (orSide && isSide(node) && hasSide(node, around)) continue;
      nodeExists(node, [...path, ...below], around, this.#notes);
    }
    const forMs = times?.for ?? (fault && target && params && lengthOf(fault, target, params, around));
    const read: ReadStep = {
      ...(fault ? { fault: fault.name } : {}),
      ...(target ? { target } : {}),
      ...(times && forMs !== undefined ? { atMs: times.at, forMs } : {}),
      ...(times?.['at-jitter'] ? { jitterMs: times['at-jitter'] } : {}),
      ...(params ? { params: params as Mapping } : {}),
      place: this.#source.placeOf(path),
      item,
    };
    const { times: often, every } = times?.repeat ?? { times: 1, every: 0 };
    return Array.from({ length: often }, (_, nth) =>
      read.atMs === undefined ? read : { ...read, atMs: read.atMs + nth * every },
    );
  }

  #target(step: Mapping, path: Path, around: Around): TargetSpec | undefined {
    if ('target' in step) return readTarget(step.target, [...path, 'target'], around, this.#notes);
    this.#noteMissing(path, 'target', ': expected a node, a list of nodes, or { role: worker, pick: 1 }');
    return undefined;
  }

  #check(item: Mapping, path: Path, facts: ScenarioFacts | undefined): HypothesisItem | undefined {
    const { check: _, ...written } = item;
    const check = this.#variant(this.#vocabulary.checks, item, path, 'check');
    const params = check && (this.#fitting(check.params, written, path, ['check']) as Mapping | undefined);
    if (!check || !params) return undefined;
    for (const { path: below, message, known } of (facts && check.validate?.(params, facts)) ?? []) {
      const found = valueAt(written, below);
      const help = known && typeof found === 'string' ? `; ${suggestion(found, known)}` : '';
      this.#note([...path, ...below], `${message}${help}`);
    }
    const missing = facts && missingWords(check.requires ?? [], facts.lacks ?? []);
    if (missing) this.#note([...path, 'check'], `${check.name} can never be judged here: ${missing}`);
    const reason = facts && check.hopeless?.(params, facts);
    const hopeless =
      reason === undefined ? {} : { hopeless: { reason, place: this.#source.placeOf([...path, 'check']) } };
    return { check: check.name, params, written, place: this.#source.placeOf(path), ...hopeless };
  }

  /** The mappings in a list; notes all other items. */
  #list(top: Mapping, key: 'faults' | 'hypothesis'): { readonly item: Mapping; readonly path: Path }[] {
    if (!(key in top)) return [];
    const list = top[key];
    if (!Array.isArray(list)) {
      this.#note([key], expectedButFound('a list', list));
      return [];
    }
    if (key === 'hypothesis' && list.length === 0) {
      this.#note([key], 'expected at least one check, found an empty list: there is nothing to judge');
    }
    if (list.length > MAX_STEPS) {
      this.#note([key], `expected at most ${MAX_STEPS} items, found ${list.length}`);
      return [];
    }
    return list.flatMap((item: unknown, index) => {
      if (isMapping(item)) return [{ item, path: [key, index] }];
      this.#note([key, index], expectedButFound(`a mapping such as ${EXAMPLES[key]}`, item));
      return [];
    });
  }

  /** Parses one top-level section; `undefined` where it does not fit its schema. */
  #section<T>(schema: z.ZodType<T>, top: Mapping, key: (typeof TOP_KEYS)[number]): T | undefined {
    const result = schema.safeParse(top[key], ONCE);
    if (result.success) return result.data;
    if (key in top) this.#complain(result.error, { value: top[key], schema, path: [key] });
    else this.#noteMissing([], key);
    return undefined;
  }

  #fitting<T>(schema: z.ZodType<T>, value: unknown, path: Path, beside: readonly string[]): T | undefined {
    const result = schema.safeParse(value, ONCE);
    if (result.success) return result.data;
    this.#complain(result.error, { value, schema, path, beside });
    return undefined;
  }

  #complain(error: z.ZodError, validated: Omit<Validated, 'source'>): void {
    this.#problems.push(...problemsOf(error, { ...validated, source: this.#source }));
  }

  /** The variant that a step names under `key`. */
  #variant<V extends Variant>(known: readonly V[], step: Mapping, path: Path, key: string): V | undefined {
    if (key in step) return this.#known(known, step[key], [...path, key], key);
    this.#noteMissing(path, key, `; ${listed(known.map(({ name }) => name))}`);
    return undefined;
  }

  #known<V extends Variant>(known: readonly V[], word: unknown, path: Path, what: string): V | undefined {
    const found = known.find(({ name }) => name === word);
    if (found) return found;
    const names = known.map(({ name }) => name);
    const help = typeof word === 'string' ? suggestion(word, names) : listed(names);
    this.#note(path, `there is no ${what} ${quoted(word)}; ${help}`);
    return undefined;
  }

  #note(path: Path, message: string): void {
    this.#problems.push({ place: this.#source.placeOf(path), path: formatPath(path), message });
  }

  #noteMissing(path: Path, missing: string, why = ''): void {
    const message = `missing key ${quoted(missing)}${why}`;
    this.#problems.push({ place: this.#source.placeOf(path), path: formatPath(path), message, missing });
  }

  /** At the key itself, not at its value. */
  #noteKey(path: Path, key: string, said: Pick<Problem, 'message' | 'meant'>): void {
    this.#problems.push({ place: this.#source.placeOfKey(path, key), path: formatPath(path), ...said });
  }
}

const EXAMPLES = {
  faults: '{ fault: node-stop, target: worker1, for: 8s }',
  hypothesis: '{ check: no-lost-writes }',
} as const;

/** The least time that all strikes of a fault take. It does not depend on which nodes a pick takes. */
function lengthOf(fault: Fault, target: TargetSpec, params: unknown, { nodes, replication }: Around) {
  if (!('nodes' in target) && (nodes === undefined || replication === undefined)) return undefined;
  const strikes = fault.strikes?.(standIns(target, { nodes: nodes ?? [], replication: replication ?? 0 }), params);
  return strikes?.reduce((sum, { gapMs, forMs }) => sum + gapMs + forMs, 0);
}
