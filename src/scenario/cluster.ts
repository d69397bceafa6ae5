/** Reads the section `cluster`: the keys that every cluster has, and those of the engine. */

import type { z } from 'zod';
import type { ClusterKeys } from '../cluster/keys.ts';
import { WORKER_KEYS } from '../cluster/worker-keys.ts';
import type { Inventory } from '../model/inventory.ts';
import { listed } from '../model/nearest.ts';
import { quoted } from '../model/quoted.ts';
import type { ClusterSpec } from '../model/scenario.ts';
import type { NodeSpec, Topology } from '../model/topology.ts';
import { formatCount } from '../model/units.ts';
import { type Mapping, unknownKey } from './explain.ts';
import { meansInventory } from './inventory.ts';
import type { ScenarioVocabulary, sections } from './schema.ts';
import type { Notes } from './target.ts';

type ReadCluster = z.output<ReturnType<typeof sections>['cluster']>;
type KnownEngine = ScenarioVocabulary['engines'][number];

const COMMON_KEYS = ['platform', 'engine', 'attach', 'confirm'] as const;

/**
 * Chooses the engine by its name, or else by the keys in the section.
 * @param common the keys that every cluster has; `undefined` where they are invalid, so that only problems are of use.
 * @param written the section as in the file.
 * @returns `undefined` where the section is invalid; the problems are noted.
 */
export function readCluster(
  common: ReadCluster | undefined,
  written: Mapping,
  engines: readonly KnownEngine[],
  notes: Notes,
): ClusterSpec | undefined {
  const named = engines.find(({ name }) => name === (common ?? written).engine);
  const engine = named ?? meantBy(written, engines);
  const keys = keysOf(engine);
  const read = fittingKeys(keys, written, { engine: engine.name, engines, notes });
  if (!read || !common) return undefined;
  const { platform, attach, confirm, engine: asked } = common;
  if (confirm !== undefined) {
    notes.noteKey(['cluster'], 'confirm', {
      message: '"confirm" is for a cluster of an inventory: attach: inventory.yaml',
    });
    return undefined;
  }
  const problems = keys.problems(read);
  for (const { path, message } of problems) notes.note(['cluster', ...path], message);
  if (problems.length > 0) return undefined;
  const { params, inWords = engine.summary, ...makeup } = keys.makeup(read, engine);
  return {
    platform,
    ...(attach === undefined ? {} : { attach }),
    engine: engine.keys ? engine.name : asked,
    ...makeup,
    ...(engine.movingRoles ? { movingRoles: engine.movingRoles } : {}),
    ...(engine.keys ? { own: { engine: engine.name, params: params ?? {}, inWords } } : {}),
  };
}

/** The cluster of an inventory. Assumes an engine whose roles move; pgquake detects the real one later. */
export function clusterOf(
  inventory: Inventory,
  engines: ScenarioVocabulary['engines'],
  { confirm }: Pick<ClusterSpec, 'confirm'> = {},
): ClusterSpec {
  const engine = engineFor(inventory, engines);
  const nodes = inventory.nodes.map(({ name }): NodeSpec => ({ name, role: 'member', part: 'data' }));
  const keys = keysOf(engine);
  // The parameters are defaults: pgquake reads the real settings from the servers.
  const {
    params = {},
    absentRoles: _,
    absentRoutes = {},
    ...makeup
  } = keys.makeup({ ...keys.params.parse({}), members: nodes.length }, { nodes: () => nodes });
  const routes = inventory.routes.map(({ name }) => name);
  return {
    ...makeup,
    nodes,
    absentRoutes: Object.fromEntries(Object.entries(absentRoutes).filter(([name]) => !routes.includes(name))),
    platform: 'auto',
    engine: engine.name,
    attach: inventory.name,
    inventory,
    ...(confirm === undefined ? {} : { confirm }),
    ...(engine.movingRoles ? { movingRoles: engine.movingRoles } : {}),
    own: {
      engine: engine.name,
      params,
      inWords: `${formatCount(nodes.length, 'node')} of the inventory ${inventory.name}`,
    },
  };
}

/** The engine of the manager that the inventory names; else the first engine whose roles move. */
function engineFor({ manager }: Inventory, engines: readonly KnownEngine[]): KnownEngine {
  const engine = engines.find(({ name, movingRoles }) =>
    manager === undefined ? movingRoles !== undefined : name === manager.engine,
  );
  if (!engine) throw new Error('the catalogue has no engine for it');
  return engine;
}

/** Notes keys that describe a new cluster where the cluster exists already. */
export function noteMade(written: Mapping, notes: Notes): void {
  for (const key of Object.keys(written)) {
    if (key === 'attach' || key === 'confirm') continue;
    const message = `${quoted(key)} describes a new cluster, but the inventory names an existing one`;
    notes.noteKey(['cluster'], key, { message });
  }
}

function keysOf({ keys = WORKER_KEYS }: KnownEngine): ClusterKeys {
  return keys;
}

function namesOf({ params }: ClusterKeys): string[] {
  return Object.keys(params.shape);
}

/** The engine that knows most of the keys; one without its own keys where none knows any. */
function meantBy(written: Mapping, engines: readonly KnownEngine[]): KnownEngine {
  const known = (engine: KnownEngine) => namesOf(keysOf(engine)).filter((key) => key in written).length;
  const own = engines.filter(({ keys }) => keys);
  const [best] = own.toSorted((a, b) => known(b) - known(a));
  const found = best && known(best) > 0 ? best : engines.find(({ keys }) => !keys);
  if (!found) throw new Error('the catalogue has no engine for it');
  return found;
}

/** Parses the engine's keys. Notes keys of other engines, and unknown ones. */
function fittingKeys(
  keys: ClusterKeys,
  written: Mapping,
  {
    engine,
    engines,
    notes,
  }: { readonly engine: string; readonly engines: readonly KnownEngine[]; readonly notes: Notes },
): unknown {
  const own = namesOf(keys);
  const all = [...new Set([...own, ...engines.flatMap((other) => namesOf(keysOf(other)))])];
  const others = Object.keys(written).filter((key) => ![...COMMON_KEYS, ...own].includes(key));
  for (const key of others) {
    const said = all.includes(key)
      ? { message: `${quoted(key)} is unknown to the engine ${engine}; ${listed(own)}` }
      : unknownKey(key, [...all, ...COMMON_KEYS]);
    notes.noteKey(['cluster'], key, said);
  }
  const mine = Object.fromEntries(Object.entries(written).filter(([key]) => own.includes(key)));
  const read = notes.fitting(keys.params, mine, ['cluster'], COMMON_KEYS);
  return others.length === 0 ? read : undefined;
}

/** What is certain of the topology in an invalid section. Ignores defaults, because a missing key may be misspelt. */
export function writtenTopology(written: unknown, { engines }: ScenarioVocabulary): Partial<Topology> {
  if (typeof written !== 'object' || written === null) return {};
  if (meansInventory((written as Mapping).attach)) return {};
  const engine = meantBy(written as Mapping, engines);
  if (engine.keys) return {};
  const shape = WORKER_KEYS.params.shape;
  const read: Readonly<Record<string, number>> = Object.fromEntries(
    Object.entries(shape).flatMap(([key, schema]) => {
      const value = (written as Mapping)[key];
      const result = value === undefined ? undefined : schema.safeParse(value);
      return result?.success ? [[key, result.data]] : [];
    }),
  );
  const { workers: holding, shards: partitions, ...copies } = read;
  return {
    ...copies,
    ...(partitions === undefined ? {} : { partitions }),
    ...(engine.partitionWord === undefined ? {} : { partitionWord: engine.partitionWord }),
    ...(holding === undefined ? {} : { nodes: engine.nodes(holding) }),
  };
}
