/** Chooses the platform and engine of a run: the first in the catalogue that can do what the run asks for. */

import type { Catalog } from './catalog.ts';
import type { Engine, FormedCluster } from './cluster/engine.ts';
import type { NodeControl, Nodes, Platform } from './cluster/platform.ts';
import type { Fault } from './faults/fault.ts';
import { EnvironmentError, InputError } from './model/errors.ts';
import type { Inventory } from './model/inventory.ts';
import { suggestion } from './model/nearest.ts';
import type { PlannedAct } from './model/plan.ts';
import type { ClusterSpec, Scenario } from './model/scenario.ts';
import { entryNode } from './model/topology.ts';
import { workloadNamed } from './planner.ts';
import { engineOfInventory, platformOfInventory, unwell } from './run/attached.ts';
import { datasetOf, probesAreOn } from './run/probes.ts';
import { attachedEngine, attachedPlatform, findFormed, notFormed, recognisedBy } from './run/standing.ts';

/** What the choice depends on. A `Plan` has all of it. */
export interface ChoiceInput {
  readonly scenario: {
    readonly cluster: ClusterSpec;
  } & Partial<Pick<Scenario, 'workload' | 'probes' | 'pressure' | 'faults'>>;
  readonly acts: readonly (Pick<PlannedAct, 'fault'> & Partial<Pick<PlannedAct, 'targets' | 'atStrike' | 'params'>>)[];
}

/**
 * Refuses a name that is neither `auto` nor in the catalogue.
 * @throws InputError that suggests the nearest known name.
 */
export function refuseUnknown(kind: string, variants: readonly { name: string }[], name: string, hint?: string): void {
  const known = variants.map((variant) => variant.name);
  if (name === 'auto' || known.includes(name)) return;
  const options = { code: `${kind}-unknown`, ...(hint === undefined ? {} : { hint }) };
  throw new InputError(`there is no ${kind} "${name}"; ${suggestion(name, known)}`, options);
}

export interface Choice {
  readonly platform: Platform;
  readonly engine: Engine;
  readonly reason: string;
}

/**
 * Chooses platform and engine.
 * @throws InputError for an unknown name; EnvironmentError when no platform can be used, or do what the faults need.
 */
export async function choose(
  catalog: Catalog,
  { scenario, acts }: ChoiceInput,
  say: (line: string) => void = () => undefined,
): Promise<Choice> {
  const { platform: wantedPlatform, engine: wantedEngine, attach } = scenario.cluster;
  refuseUnknown('platform', catalog.platforms, wantedPlatform);
  refuseUnknown('engine', catalog.engines, wantedEngine);
  for (const { fault } of acts) refuseUnknown('fault', catalog.faults, fault);
  refuseOtherParameters(catalog.engines, scenario.cluster);
  if (scenario.cluster.inventory !== undefined && scenario.workload)
    return chooseInventory(catalog, scenario.cluster.inventory, { scenario, acts }, scenario.workload);
  const engines = catalog.engines.filter((engine) => takes(engine, scenario.cluster));
  if (attach !== undefined && scenario.workload)
    return chooseAttached(catalog, attach, { scenario, acts }, scenario.workload);
  const [passedOver, hints]: [string[], string[]] = [[], []];
  const alone = scenario.cluster.own ? engines[0] : undefined; // Only one engine takes these keys.
  const programs = alone?.programsFor?.(scenario.cluster);
  for (const platform of programs ? bringersFirst(catalog.platforms) : catalog.platforms) {
    if (wantedPlatform !== 'auto' && platform.name !== wantedPlatform) continue;
    const unavailable = await platform.unavailable(alone?.needs, programs);
    if (unavailable !== undefined) {
      passedOver.push(`${platform.name}: ${unavailable.message}`);
      if (unavailable.hint !== undefined) hints.push(unavailable.hint);
      continue;
    }
    await refuseMissingCapabilities(catalog.faults, platform, acts);
    const engine = await chooseEngine(engines, platform, wantedEngine, say);
    const lacking = lackingFor(engine, platform);
    if (lacking) {
      if (wantedPlatform !== 'auto') throw lacking;
      passedOver.push(`${platform.name}: ${lacking.message}`);
      continue;
    }
    refuseSharedAddresses(catalog.faults, platform, engine, acts);
    refuseOutOfReach(catalog, engine, scenario);
    const why = [platform.summary, ...passedOver.map((one) => `not ${one}`)].join('; ');
    const asked = wantedEngine === 'auto' ? 'platform as requested' : 'as requested';
    return { platform, engine, reason: wantedPlatform === 'auto' ? why : asked };
  }
  throw new EnvironmentError(`no platform can be used: ${passedOver.join('; ')}`, {
    code: 'no-platform',
    ...(hints.length === 0 ? {} : { hint: hints.join('; ') }),
  });
}

/** Platforms that bring programs of a known version, then those that use what is installed. */
function bringersFirst(platforms: readonly Platform[]): readonly Platform[] {
  return platforms.toSorted((a, b) => Number(b.bringsPrograms ?? false) - Number(a.bringsPrograms ?? false));
}

/** Whether an engine understands the keys that describe the cluster. */
function takes({ name, keys }: Engine, { own }: Pick<ClusterSpec, 'own'>): boolean {
  return own ? own.engine === name : keys === undefined;
}

/** @throws InputError where the wanted engine, perhaps from `--engine`, does not understand the cluster's keys. */
function refuseOtherParameters(engines: readonly Engine[], cluster: ChoiceInput['scenario']['cluster']): void {
  const wanted = engines.find(({ name }) => name === cluster.engine);
  if (!wanted || takes(wanted, cluster)) return;
  const has = cluster.own ? cluster.own.inWords : 'workers beside a coordinator';
  const can = engines.filter((engine) => takes(engine, cluster)).map(({ name }) => name);
  throw new InputError(`the engine ${wanted.name} cannot form the cluster of this scenario: it has ${has}`, {
    code: 'engine-unfit',
    hint: `leave --engine out, or choose ${can.join(' or ')}`,
  });
}

function lackingFor({ name, needs = [] }: Engine, platform: Platform): EnvironmentError | undefined {
  const missing = needs.filter((capability) => !platform.capabilities.has(capability));
  if (missing.length === 0) return undefined;
  return new EnvironmentError(`it cannot make a cluster of the engine ${name}: it lacks ${missing.join(', ')}`, {
    code: 'capability-missing',
    hint: '"pgquake doctor" lists what each platform can do here',
  });
}

/** Detects the engine that formed the running cluster. */
async function chooseAttached(
  { platforms, engines, workloads, faults }: Catalog,
  project: string,
  { scenario, acts }: ChoiceInput,
  { use, params }: Scenario['workload'],
): Promise<Choice> {
  const { platform: wantedPlatform, engine: wantedEngine } = scenario.cluster;
  const platform = platforms.find(({ name, standing }) => standing && ['auto', name].includes(wantedPlatform));
  if (!platform?.standing) {
    throw new InputError(`the platform ${wantedPlatform} keeps no clusters between runs, such as ${project}`, {
      code: 'cannot-attach',
      hint: 'leave --platform out, or do not attach',
    });
  }
  await refuseMissingCapabilities(faults, platform, acts);
  const data = { workload: workloadNamed(workloads, use), params };
  const candidates = engines.filter(({ name }) => ['auto', name].includes(wantedEngine));
  const nodes = await platform.standing.attach(project, { isWhole: recognisedBy(candidates) });
  const dataset = datasetOf(data.workload, params, probesAreOn(scenario));
  const found = await findFormed(nodes, candidates, dataset, new AbortController().signal);
  if (!found) throw notFormed(project, data);
  refuseOutOfReach({ workloads }, found.engine, scenario);
  return {
    platform: attachedPlatform(platform, platform.standing, project),
    engine: attachedEngine(found, project, data),
    reason: `attached to the existing cluster ${project}`,
  };
}

/** Detects the engine of an inventory's cluster, and which faults its nodes allow. Writes nothing. */
async function chooseInventory(
  { inventory: platform, engines, workloads, faults }: Catalog,
  inventory: Inventory,
  { scenario, acts }: ChoiceInput,
  { use, params }: Scenario['workload'],
): Promise<Choice> {
  const { platform: wantedPlatform, engine: wantedEngine } = scenario.cluster;
  if (![platform.name, 'auto'].includes(wantedPlatform)) {
    throw new InputError(`the platform ${wantedPlatform} makes clusters; an inventory names an existing one`, {
      code: 'cannot-attach',
      hint: 'leave --platform out',
    });
  }
  const workload = workloadNamed(workloads, use);
  const nodes = await platform.attach(inventory);
  const candidates = engines.filter(({ name }) => name === wantedEngine);
  const dataset = datasetOf(workload, params, probesAreOn(scenario));
  const found = await findFormed(nodes, candidates, dataset, new AbortController().signal);
  if (!found) throw unwell(inventory.name, 'its nodes are not one primary with standbys, or a node does not answer');
  await refuseUnbreakable(faults, { nodes, cluster: found.cluster }, acts);
  return {
    platform: platformOfInventory(platform, inventory),
    engine: engineOfInventory(found, inventory),
    reason: `attached to the existing cluster ${inventory.name}`,
  };
}

/** @throws EnvironmentError that lists what the nodes lack that may be struck. Nothing has been struck yet. */
async function refuseUnbreakable(
  faults: readonly Fault[],
  { nodes, cluster }: { readonly nodes: Nodes; readonly cluster: FormedCluster },
  acts: ChoiceInput['acts'],
): Promise<void> {
  const reasons = new Set<string>();
  for (const { fault: name, targets = [], atStrike, params } of acts) {
    const fault = faults.find((candidate) => candidate.name === name);
    const struck = nodes.all.filter((one) => atStrike || targets.includes(one.name));
    for (const node of fault ? struck : []) {
      const reason = fault && (await lackedBy(node, fault, { cluster, params }));
      if (reason !== undefined) reasons.add(`${name} cannot be done to ${node.name}: ${reason}`);
    }
  }
  if (reasons.size === 0) return;
  throw new EnvironmentError([...reasons].join('\n'), {
    code: 'capability-missing',
    hint: '"pgquake attach check <inventory>" lists what can be done to each node',
  });
}

/** @returns why a fault cannot strike a node of an existing cluster, in words; `undefined` where it can. */
export async function lackedBy(
  node: NodeControl,
  { needs, lacking }: Fault,
  { cluster, params }: { readonly cluster: FormedCluster; readonly params: unknown },
): Promise<string | undefined> {
  for (const capability of needs) {
    const reason = await node.lacks?.(capability);
    if (reason !== undefined) return reason;
  }
  return params === undefined ? undefined : lacking?.(node, params, cluster);
}

/** The first engine, among those wanted, whose extension the platform's servers offer. */
async function chooseEngine(
  engines: readonly Engine[],
  platform: Platform,
  wanted: string,
  say: (line: string) => void,
): Promise<Engine> {
  const candidates = engines.filter((engine) => wanted === 'auto' || engine.name === wanted);
  for (const engine of candidates) {
    if (engine.extension === undefined || (await platform.offers(engine.extension, say))) return engine;
  }
  const missing = candidates.map((engine) => engine.extension).join(', ');
  throw new EnvironmentError(
    `the servers of the platform ${platform.name} do not offer ${missing}, which the engine ${wanted} needs`,
    { code: 'engine-unavailable', hint: 'choose another engine with --engine, or servers that offer it' },
  );
}

async function refuseMissingCapabilities(
  faults: readonly Fault[],
  platform: Platform,
  acts: ChoiceInput['acts'],
): Promise<void> {
  for (const name of new Set(acts.map(({ fault }) => fault))) {
    const fault = faults.find((candidate) => candidate.name === name);
    const reason = fault && (await cannotDo(platform, fault));
    if (reason === undefined) continue;
    throw new EnvironmentError(`the platform ${platform.name} cannot do ${name}: ${reason}`, {
      code: 'capability-missing',
      hint: '"pgquake doctor" lists what each platform can do here',
    });
  }
}

/** @throws EnvironmentError where a fault tells nodes apart by address, and the engine gives all nodes one address. */
function refuseSharedAddresses(
  faults: readonly Fault[],
  platform: Platform,
  engine: Engine,
  acts: ChoiceInput['acts'],
): void {
  if (!engine.sharesAddresses) return;
  const struck = new Set(acts.map(({ fault }) => fault));
  const refused = faults.find(
    ({ name, needs }) => struck.has(name) && needs.some((one) => platform.byAddress?.has(one)),
  );
  if (!refused) return;
  throw new EnvironmentError(
    `the engine ${engine.name} on the platform ${platform.name} cannot do ${refused.name}: all its nodes share one address, so traffic cannot be told apart`,
    { code: 'capability-missing', hint: `use --platform docker${engine.keys ? '' : ', or --engine native'}` },
  );
}

/** @throws InputError where a fault strikes nodes that hold none of the workload's tables. */
function refuseOutOfReach(
  { workloads }: Pick<Catalog, 'workloads'>,
  engine: Engine,
  { workload, faults = [] }: ChoiceInput['scenario'],
): void {
  const chosen = workloads.find(({ name }) => name === workload?.use);
  if (!engine.clientTablesStayLocal || !chosen?.setUp) return;
  const entry = entryNode({ nodes: engine.nodes(1) });
  const wide = faults.find(({ target }) => !('nodes' in target) || target.nodes.some((node) => node !== entry));
  if (!wide) return;
  const { file, line, column } = wide.place;
  throw new InputError(
    `${file}:${line}:${column} ${wide.fault}: with the engine ${engine.name} your own tables are on the ${entry} alone, and a fault on another node does not reach them`,
    {
      code: 'out-of-reach',
      hint: `strike the ${entry}; or use the engine streaming, where every member holds all tables, or citus, where your setup distributes tables`,
    },
  );
}

/** @returns why a platform cannot inject a fault here, in words; `undefined` where it can. */
export async function cannotDo(platform: Platform, { needs }: Pick<Fault, 'needs'>): Promise<string | undefined> {
  const missing = needs.filter((capability) => !platform.capabilities.has(capability));
  if (missing.length > 0) return `not possible on this platform (${missing.join(', ')})`;
  for (const capability of needs) {
    const reason = await platform.lacking?.(capability);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
