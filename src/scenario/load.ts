/** From a YAML file to a validated scenario. All problems are collected; nothing stops at the first. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { errorText, InputError } from '../model/errors.ts';
import { expectedButFound, quoted } from '../model/quantities.ts';
import type { ClusterSpec, FaultStep, HypothesisItem, Place, Scenario, TargetSpec } from '../model/scenario.ts';
import { nodeNames, shardName, type Topology } from '../model/topology.ts';
import { formatPath, type Problem, ScenarioError, suggestion } from './problems.ts';
import { faultStep, parts, type ScenarioVocabulary, SECTIONS } from './schema.ts';
import { Source } from './source.ts';

const MAX_FILE_BYTES = 1_000_000;

/** Where scenarios come from. */
export interface ScenarioSources {
  readonly vocabulary: ScenarioVocabulary;
  /** Searched for names, the first folder first. */
  readonly folders: readonly string[];
}

/**
 * Loads a scenario by its name in one of the folders, or by its path.
 * @throws InputError where there is none; `ScenarioError` with all its problems.
 */
export async function loadScenario(nameOrPath: string, sources: ScenarioSources): Promise<Scenario> {
  const isPath = /\.ya?ml$/.test(nameOrPath) || nameOrPath.includes(sep) || nameOrPath.includes('/');
  const file = isPath ? nameOrPath : await fileOfName(nameOrPath, sources.folders);
  return parseScenario(await readText(file), shown(file), sources.vocabulary);
}

/** The valid scenarios of the folders, by name; of two with one name the first counts. */
export async function listScenarios(sources: ScenarioSources): Promise<Scenario[]> {
  const names = await scenarioNames(sources.folders);
  return Promise.all(names.map((name) => loadScenario(name, sources)));
}

async function fileOfName(name: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const file = join(folder, `${name}.yaml`);
    if (await isFile(file)) return file;
  }
  const known = await scenarioNames(folders);
  throw new InputError(`there is no scenario ${quoted(name)}; ${suggestion(name, known)}`, {
    code: 'scenario-unknown',
    hint: `scenarios here: ${known.join(', ') || 'none'}; a path to a .yaml file works too`,
  });
}

async function scenarioNames(folders: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    const entries = await readdir(folder).catch(() => [] as string[]);
    for (const entry of entries) if (extname(entry) === '.yaml') names.add(basename(entry, '.yaml'));
  }
  return [...names].sort();
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() ?? false;
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes; a scenario has at most ${MAX_FILE_BYTES}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError(`cannot read the scenario ${file}: ${errorText(error)}`, {
      code: 'scenario-unreadable',
      cause: error,
    });
  }
}

/** As people type it: relative to where they are, where that is shorter. */
function shown(file: string): string {
  const short = relative('.', file);
  return short.startsWith('..') ? file : short;
}

/**
 * Validates a scenario's text.
 * @param file its name for messages, and for the rule that a scenario is named as its file.
 * @throws ScenarioError with all problems.
 */
export function parseScenario(text: string, file: string, vocabulary: ScenarioVocabulary): Scenario {
  return new Reader(new Source(text, file), vocabulary).scenario(text);
}

type Path = readonly PropertyKey[];
type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads one file part by part and keeps what is wrong with each. */
class Reader {
  readonly #source: Source;
  readonly #vocabulary: ScenarioVocabulary;
  readonly #problems: Problem[] = [];

  constructor(source: Source, vocabulary: ScenarioVocabulary) {
    this.#source = source;
    this.#vocabulary = vocabulary;
  }

  scenario(text: string): Scenario {
    const top = this.#source.value;
    if (!isMapping(top)) {
      throw new ScenarioError([
        {
          place: this.#source.placeOf([]),
          path: '',
          message: expectedButFound('a mapping with name, faults, hypothesis and so on', top),
        },
      ]);
    }
    this.#unknownKeys([], Object.keys(top), SECTIONS);
    const schema = parts(this.#vocabulary);
    const name = this.#part(schema.name, top, 'name');
    const summary = this.#part(schema.summary, top, 'summary');
    const claim = this.#part(schema.claim, top, 'claim');
    const steadyState = this.#part(schema['steady-state'], top, 'steady-state');
    const settle = this.#part(schema.settle, top, 'settle');
    const seed = this.#part(schema.seed, top, 'seed');
    const cluster = this.#cluster(top);
    const topology = this.#topology(top);
    const workload = this.#workload(top.workload);
    const faults = this.#list(top, 'faults', false, (step, path) => this.#fault(step, path, topology.workers));
    this.#overlaps(faults);
    const hypothesis = this.#list(top, 'hypothesis', true, (item, path) =>
      this.#check(item, path, topology.shards, workload),
    );
    this.#fileName(name);

    if (this.#problems.length > 0) throw new ScenarioError(this.#problems);
    // With no problem every part is there; the assertions only tell the compiler.
    return {
      name: name as string,
      summary: summary as string,
      ...(claim === undefined ? {} : { claim }),
      file: this.#source.file,
      source: text,
      cluster: cluster as ClusterSpec,
      workload: workload as Scenario['workload'],
      steadyStateMs: (steadyState as { for: number }).for,
      faults: faults as FaultStep[],
      settleWithinMs: (settle as { within: number }).within,
      hypothesis: hypothesis as HypothesisItem[],
      ...(seed === undefined ? {} : { seed }),
    };
  }

  #cluster(top: Mapping): ClusterSpec | undefined {
    const cluster = this.#part(parts(this.#vocabulary).cluster, top, 'cluster');
    const { workers, replication } = this.#topology(top);
    if (workers === undefined || replication === undefined || replication <= workers)
      return cluster as ClusterSpec | undefined;
    const message = `${replication} copies of every shard need at least ${replication} workers, and there are ${workers}`;
    this.#problem(['cluster', 'replication'], message);
    return undefined;
  }

  /** What is sound of the topology even where the rest is not, so that names can be held against it. */
  #topology(top: Mapping): Partial<Topology> {
    const { workers, replication, shards } = parts(this.#vocabulary).cluster.unwrap().shape;
    const written = isMapping(top.cluster) ? top.cluster : {};
    return {
      ...(workers.safeParse(written.workers).success ? { workers: workers.parse(written.workers) } : {}),
      ...(replication.safeParse(written.replication).success
        ? { replication: replication.parse(written.replication) }
        : {}),
      ...(shards.safeParse(written.shards).success ? { shards: shards.parse(written.shards) } : {}),
    };
  }

  #workload(written: unknown): Scenario['workload'] | undefined {
    const path = ['workload'];
    const { use = this.#vocabulary.workloads[0]?.name, ...rest } = isMapping(written) ? written : {};
    if (written !== undefined && !isMapping(written)) {
      this.#problem(path, expectedButFound('a mapping such as { use: chat }', written));
      return undefined;
    }
    const workload = this.#word(this.#vocabulary.workloads, use, [...path, 'use'], 'workload');
    if (!workload) return undefined;
    const params = this.#parsed(workload.params, rest, path, ['use']);
    return params === undefined ? undefined : { use: workload.name, params: params as Mapping };
  }

  #fault(step: Mapping, path: Path, workers: number | undefined): FaultStep | undefined {
    const fault = this.#wordOf(this.#vocabulary.faults, step, path, 'fault');
    const { fault: _, target, at, for: duration, ...rest } = step;
    // `target` is held against the topology by hand: a union would only say that none of its forms fits.
    const when = this.#parsed(faultStep.pick({ at: true, for: true }), defined({ at, for: duration }), path, []);
    const targets = this.#target(target, step, path, workers);
    const params = fault ? this.#parsed(fault.params, rest, path, ['fault', 'target', 'at', 'for']) : undefined;
    if (!fault || !when || !targets || params === undefined) return undefined;
    return {
      fault: fault.name,
      target: targets,
      atMs: when.at,
      forMs: when.for,
      params: params as Mapping,
      place: this.#source.placeOf(path),
    };
  }

  #target(written: unknown, step: Mapping, path: Path, workers: number | undefined): TargetSpec | undefined {
    const at = [...path, 'target'];
    if (!('target' in step)) {
      this.#problem(path, 'missing key "target": expected a node, a list of nodes, or { role: worker, pick: 1 }');
      return undefined;
    }
    if (isMapping(written)) {
      const pick = z.strictObject({ role: z.literal('worker').default('worker'), pick: z.int().min(1) });
      const picked = this.#parsed(pick, written, at, []);
      if (picked && workers !== undefined && picked.pick > workers) {
        this.#problem([...at, 'pick'], `cannot pick ${picked.pick} of ${workers} workers`);
        return undefined;
      }
      return picked;
    }
    const names = Array.isArray(written) ? (written as unknown[]) : [written];
    if (names.length === 0) {
      this.#problem(at, 'expected at least one node, found none');
      return undefined;
    }
    const known = workers === undefined ? undefined : nodeNames({ workers });
    const seen = new Set<unknown>();
    let sound = true;
    names.forEach((name, index) => {
      const place = Array.isArray(written) ? [...at, index] : at;
      if (typeof name !== 'string') {
        this.#problem(place, expectedButFound('the name of a node', name));
      } else if (known && !known.includes(name)) {
        this.#problem(place, `there is no node ${quoted(name)}; ${suggestion(name, known)}`);
      } else if (seen.has(name)) {
        this.#problem(place, `${quoted(name)} is named twice`);
      } else {
        seen.add(name);
        return;
      }
      sound = false;
    });
    return sound ? { nodes: names as string[] } : undefined;
  }

  /** Two faults on one node at one time would undo each other. */
  #overlaps(steps: readonly (FaultStep | undefined)[]): void {
    steps.forEach((step, index) => {
      if (!step || !('nodes' in step.target)) return;
      const { nodes } = step.target;
      for (const other of steps.slice(0, index)) {
        if (!other || !('nodes' in other.target)) continue;
        const shared = other.target.nodes.find((node) => nodes.includes(node));
        if (shared === undefined) continue;
        if (step.atMs < other.atMs + other.forMs && other.atMs < step.atMs + step.forMs) {
          const message = `${shared} is struck by ${other.fault} at the same time (line ${other.place.line})`;
          this.#problem(['faults', index], message);
        }
      }
    });
  }

  #check(
    item: Mapping,
    path: Path,
    shards: number | undefined,
    workload: Scenario['workload'] | undefined,
  ): HypothesisItem | undefined {
    const check = this.#wordOf(this.#vocabulary.checks, item, path, 'check');
    if (!check) return undefined;
    const { check: _, ...rest } = item;
    const params = this.#parsed(check.params, rest, path, ['check']) as Mapping | undefined;
    if (params === undefined) return undefined;
    const chosen = this.#vocabulary.workloads.find((candidate) => candidate.name === workload?.use);
    if (shards !== undefined && workload && chosen) {
      const facts = {
        kinds: chosen.kinds(workload.params).map((kind) => kind.name),
        shards: Array.from({ length: shards }, (_, index) => shardName(index)),
        messages: chosen.messages(workload.params),
      };
      for (const { path: inner, message, known } of check.validate?.(params, facts) ?? []) {
        const found = inner.reduce<unknown>((value, part) => (value as Mapping | undefined)?.[part], rest);
        const help = known && typeof found === 'string' ? `; ${suggestion(found, known)}` : '';
        this.#problem([...path, ...inner], `${message}${help}`);
      }
    }
    return { check: check.name, params, written: rest, place: this.#source.placeOf(path) };
  }

  #fileName(name: string | undefined): void {
    const expected = basename(this.#source.file).replace(/\.ya?ml$/, '');
    if (name === undefined || name === expected || expected === basename(this.#source.file)) return;
    this.#problem(['name'], `expected ${quoted(expected)}, the name of the file, found ${quoted(name)}`);
  }

  /** One section of the file under its own schema. */
  #part<T>(schema: z.ZodType<T>, top: Mapping, key: string): T | undefined {
    const result = schema.safeParse(top[key]);
    if (result.success) return result.data;
    for (const issue of result.error.issues) this.#issue(issue, [key], [], top[key], schema);
    return undefined;
  }

  #parsed<T>(schema: z.ZodType<T>, value: unknown, path: Path, beside: readonly string[]): T | undefined {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) this.#issue(issue, path, beside, value, schema);
    return undefined;
  }

  /** @param beside keys that stand in the same mapping and are not the schema's own. */
  #issue(issue: z.core.$ZodIssue, prefix: Path, beside: readonly string[], root: unknown, schema: z.ZodType): void {
    const path = [...prefix, ...issue.path];
    const found = issue.path.reduce<unknown>((value, part) => (value as Mapping | undefined)?.[part as string], root);
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path);
      this.#unknownKeys(path, issue.keys, issue.path.length === 0 ? [...beside, ...known] : known);
    } else if (found === undefined && path.length > 0) {
      const expected = describeExpected(issue);
      const key = String(path.at(-1));
      const parent = path.slice(0, -1);
      const message = `missing key ${quoted(key)}: ${expected}`;
      this.#problems.push({ place: this.#source.placeOf(parent), path: formatPath(parent), message });
    } else if (issue.code === 'invalid_value') {
      const values = issue.values.map(String);
      const help = typeof found === 'string' ? suggestion(found, values) : `known: ${values.join(', ')}`;
      this.#problem(path, `expected one of ${values.join(', ')}, found ${quoted(found)}; ${help}`);
    } else {
      const message = issue.message.startsWith('expected') ? issue.message : describeExpected(issue);
      this.#problem(path, message.includes(', found') ? message : `${message}, found ${quoted(found)}`);
    }
  }

  #list<T>(top: Mapping, key: string, needed: boolean, read: (item: Mapping, path: Path) => T): T[] {
    const written = top[key];
    if (written === undefined && !needed) return [];
    if (written === undefined) {
      this.#problem([], `missing key "${key}": a scenario without one has nothing to judge`);
      return [];
    }
    if (!Array.isArray(written)) {
      this.#problem([key], expectedButFound('a list', written));
      return [];
    }
    if (needed && written.length === 0) this.#problem([key], 'expected at least one check: nothing would be judged');
    return written.flatMap((item: unknown, index) => {
      const path = [key, index];
      if (isMapping(item)) return [read(item, path)];
      this.#problem(path, expectedButFound('a mapping', item));
      return [];
    });
  }

  #wordOf<V extends { readonly name: string }>(
    known: readonly V[],
    item: Mapping,
    path: Path,
    key: string,
  ): V | undefined {
    if (key in item) return this.#word(known, item[key], [...path, key], key);
    const help = known.map((variant) => variant.name).join(', ');
    this.#problem(path, `missing key "${key}": expected one of ${help}`);
    return undefined;
  }

  #word<V extends { readonly name: string }>(
    known: readonly V[],
    word: unknown,
    path: Path,
    what: string,
  ): V | undefined {
    const found = known.find((variant) => variant.name === word);
    if (found) return found;
    const names = known.map((variant) => variant.name);
    const help = typeof word === 'string' ? suggestion(word, names) : `known: ${names.join(', ')}`;
    this.#problem(path, `there is no ${what} ${quoted(word)}; ${help}`);
    return undefined;
  }

  #unknownKeys(path: Path, keys: readonly string[], known: readonly string[]): void {
    for (const key of keys) {
      if (known.includes(key)) continue;
      const message = `unknown key ${quoted(key)}; ${suggestion(key, known)}`;
      this.#problems.push({ place: this.#source.placeOfKey(path, key), path: formatPath(path), message });
    }
  }

  #problem(path: Path, message: string): void {
    const place: Place = this.#source.placeOf(path);
    this.#problems.push({ place, path: formatPath(path), message });
  }
}

function defined(values: Mapping): Mapping {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
};

function describeExpected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.startsWith('expected')
        ? issue.message
        : `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return issue.origin === 'string' ? 'expected some text' : `expected at least ${issue.minimum}`;
    case 'too_big':
      return `expected at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** The keys that a schema knows at a path, through defaults, optionals and transforms. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let current: unknown = schema;
  const unwrap = () => {
    for (;;) {
      const { def } = current as { def?: { innerType?: unknown; in?: unknown } };
      const inner = def?.innerType ?? def?.in;
      if (inner === undefined) return;
      current = inner;
    }
  };
  unwrap();
  for (const part of path) {
    if (current instanceof z.ZodObject) current = (current.shape as Mapping)[part as string];
    else if (current instanceof z.ZodArray) current = current.element;
    else return [];
    unwrap();
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}
