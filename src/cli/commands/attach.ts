/** `pgquake attach check <inventory>`: what the cluster is, which faults can strike it, which scenarios fit. Writes nothing. */

import pc from 'picocolors';
import { lackedBy } from '../../choose.ts';
import type { FormedCluster, ListedNode } from '../../cluster/engine.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import type { Fault } from '../../faults/fault.ts';
import { hostPort } from '../../model/address.ts';
import { errorText } from '../../model/errors.ts';
import type { Inventory } from '../../model/inventory.ts';
import { formatCount } from '../../model/units.ts';
import type { Quake } from '../../quake.ts';
import { plainText } from '../../reporters/escape.ts';
import { type InventoryNodeSurvey, type InventorySurvey, surveyInventory } from '../../run/inventory-survey.ts';
import { findFormed } from '../../run/standing.ts';
import { clusterOf } from '../../scenario/cluster.ts';
import { readInventory } from '../../scenario/inventory.ts';
import { misfitOf } from '../../scenario/on-inventory.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, FORMAT_OPTION, type FormatArguments } from '../options.ts';
import { endWith } from '../own-exit.ts';
import { printJson } from '../print-json.ts';

interface AttachArguments extends ConfigArguments, FormatArguments {
  what: 'check';
  inventory: string;
}

/** The faults on one node; `missing` says why a fault cannot strike. */
interface Breakable {
  readonly node: string;
  readonly faults: readonly { readonly fault: string; readonly missing?: string }[];
}

interface Fit {
  readonly scenario: string;
  readonly misfit?: string;
}

interface Checked extends InventorySurvey {
  readonly name: string;
  readonly engine?: string;
  readonly breakable: readonly Breakable[];
  readonly scenarios: readonly Fit[];
}

export const attach: Command<AttachArguments> = {
  builder: (yargs) =>
    yargs
      .positional('what', { choices: ['check'] as const, demandOption: true, describe: 'the only action is check' })
      .positional('inventory', { type: 'string', demandOption: true, describe: 'the inventory file' })
      .options(CONFIG_OPTION)
      .options(FORMAT_OPTION)
      .example('$0 attach check inventory.yaml', 'what is this cluster, and what can be done to it?'),
  handler: async ({ inventory: file, output, config }) => {
    const quake = await openQuake({ config });
    const checked = await check(quake, readInventory(file));
    if (output === 'json') printJson(checked);
    else for (const line of linesOf(checked)) console.log(line);
    endWith(checked.problems.length === 0 ? EXIT.pass : EXIT.environment);
  },
};

async function check(quake: Quake, inventory: Inventory): Promise<Checked> {
  const { inventory: platform, engines, faults } = quake.catalog;
  const nodes = await platform.attach(inventory);
  let whyNot: string | undefined;
  const wanted = clusterOf(inventory, engines).engine;
  const candidates = engines.filter(({ name }) => name === wanted);
  const dataset = { tables: [], partitionKeys: [1] };
  const found = await findFormed(nodes, candidates, dataset, new AbortController().signal).catch((error: unknown) => {
    whyNot = errorText(error);
    return undefined;
  });
  const survey = await surveyInventory(nodes, found?.cluster, whyNot, engines);
  const answering = nodes.all.filter((_, i) => survey.nodes[i]?.refusal === undefined);
  const breakable = found ? await Promise.all(answering.map((node) => breakableBy(node, faults, found.cluster))) : [];
  return {
    name: inventory.name,
    ...(found ? { engine: found.engine.name } : {}),
    ...survey,
    breakable,
    scenarios: await fits(quake, inventory, breakable),
  };
}

/** Checks each fault with its default parameters; without defaults, only the capabilities that it needs of the node. */
async function breakableBy(node: NodeControl, faults: readonly Fault[], cluster: FormedCluster): Promise<Breakable> {
  const looked = await Promise.all(
    faults.map(async (fault) => {
      const read = fault.params.safeParse({});
      const params = read.success ? read.data : undefined;
      const missing = await lackedBy(node, fault, { cluster, params }).catch((error: unknown) => errorText(error));
      return { fault: fault.name, ...(missing === undefined ? {} : { missing }) };
    }),
  );
  return { node: node.name, faults: looked };
}

/** Which known scenarios can run on the cluster, by their nodes, workload and faults. */
async function fits(quake: Quake, inventory: Inventory, breakable: readonly Breakable[]): Promise<Fit[]> {
  const fits: Fit[] = [];
  for (const { name } of await quake.list()) {
    const scenario = await quake.load(name).catch(() => undefined);
    if (!scenario) continue;
    const lacking = scenario.faults.flatMap(({ fault: struck }) => {
      const reasons = breakable.map(({ faults }) => faults.find(({ fault }) => fault === struck)?.missing);
      return reasons.includes(undefined) ? [] : [`${struck}: ${reasons[0]}`];
    });
    const misfit = misfitOf(scenario, inventory, quake.catalog) ?? lacking[0];
    fits.push({ scenario: name, ...(misfit === undefined ? {} : { misfit }) });
  }
  return fits;
}

function linesOf({ name, engine, nodes, breakable, scenarios, listed, problems, warnings }: Checked): string[] {
  const fitting = scenarios.filter(({ misfit }) => misfit === undefined).map(({ scenario }) => scenario);
  const others = scenarios.length - fitting.length;
  return [
    `${pc.bold(name)}  ${engine ? `engine ${engine}, ${formatCount(nodes.length, 'node')}` : formatCount(nodes.length, 'node')}`,
    ...nodes.flatMap((node) => [
      '',
      ...nodeLines(
        node,
        breakable.find((one) => one.node === node.name),
      ),
    ]),
    '',
    ...(listed ? [`${listed.engine} lists  ${plainText(listed.nodes.map(listedWords).join('; '))}`] : []),
    `scenarios that fit  ${fitting.join(', ') || 'none'}${others === 0 ? '' : `; ${others} do not (--output json says why)`}`,
    ...warnings.map((warning) => `${pc.yellow('warning')} ${plainText(warning)}`),
    ...(problems.length === 0
      ? [`${pc.green('attachable')}  nothing was written; a run creates the schema pgquake and drops it`]
      : [pc.red('not attachable'), ...problems.map((problem) => `  ${plainText(problem)}`)]),
  ];
}

/** `10.0.0.6:5432, worker, 32 placements` */
function listedWords(node: ListedNode): string {
  return `${hostPort(node)}, ${node.role}, ${formatCount(node.placements, 'placement')}`;
}

function nodeLines(node: InventoryNodeSurvey, breakable: Breakable | undefined): string[] {
  const {
    name,
    address,
    state,
    refusal,
    version,
    role,
    user,
    encrypted,
    clockMs = 0,
    clockUncertaintyMs = 0,
    connections,
  } = node;
  const head = `${pc.bold(name)}  ${plainText(address)}  ${plainText(state)}`;
  if (refusal !== undefined || !user || !connections)
    return [head, `  does not answer: ${plainText(refusal ?? 'no facts')}`];
  const rights = [
    user.superuser ? 'superuser' : 'no superuser',
    user.monitors || user.superuser ? 'pg_monitor' : 'not pg_monitor',
  ];
  const does = role
    ? [role.role, ...(role.role === 'primary' ? [] : [role.state]), `timeline ${role.timeline}`]
    : ['unknown'];
  return [
    head,
    `  ${plainText(version ?? '')}, ${does.join(', ')}, ${encrypted ? 'TLS' : 'not encrypted'}, ${connections.used} of ${connections.most} connections used`,
    `  user ${user.name}: ${rights.join(', ')}; clock ${clockMs < 0 ? '-' : '+'}${Math.abs(clockMs)} ms ± ${clockUncertaintyMs} ms`,
    ...(breakable ? faultLines(breakable) : []),
  ];
}

/** Lists each reason once, with the faults that it prevents. */
function faultLines({ faults }: Breakable): string[] {
  const reasons = Map.groupBy(faults, ({ missing }) => missing);
  const names = (of: Breakable['faults'] = []) => of.map(({ fault }) => fault).join(', ');
  const able = names(reasons.get(undefined));
  reasons.delete(undefined);
  return [
    `  can be struck by     ${able || 'nothing'}`,
    ...[...reasons].map(([why, those]) => `  cannot be struck by  ${names(those)}: ${plainText(why ?? '')}`),
  ];
}
