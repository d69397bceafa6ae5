/** The commands that a run would run on machines that pgquake did not create. */

import { OWN_SCHEMA } from '../cluster/own-schema.ts';
import type { ActCommands, NodeControl } from '../cluster/platform.ts';
import type { Fault } from '../faults/fault.ts';
import type { Plan, PlannedAct } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import type { Quake } from '../quake.ts';

const SWITCH = 'undoes the act if pgquake is lost; renewed while pgquake is running';

/** One act on one node that the act may strike. */
interface PlannedCommand {
  readonly act: number;
  readonly node: string;
  readonly fault: string;
  /** The act strikes the node only if it has this role then. */
  readonly ifRole?: string;
  /** The commands and what undoes them; empty for a fault that works by SQL. */
  readonly commands: readonly ActCommands[];
}

/** @returns nothing for a cluster that the run creates. Connects to the nodes, and writes nothing. */
export async function plannedCommands(
  { catalog }: Quake,
  { scenario, acts }: Plan,
): Promise<readonly PlannedCommand[]> {
  const { inventory } = scenario.cluster;
  if (!inventory) return [];
  const nodes = await catalog.inventory.attach(inventory);
  return acts.flatMap((act) => {
    const fault = catalog.faults.find(({ name }) => name === act.fault);
    const struck = nodes.all.filter(({ name }) => act.atStrike || act.targets.includes(name));
    return fault ? struck.map((node) => commandsOf(act, fault, node)) : [];
  });
}

function commandsOf({ index, atStrike }: PlannedAct, { name: fault, needs }: Fault, node: NodeControl): PlannedCommand {
  return {
    act: index,
    node: node.name,
    fault,
    ...(atStrike ? { ifRole: atStrike.role } : {}),
    commands: needs.flatMap((capability) => node.commands?.(capability) ?? []),
  };
}

/** @returns the lines to print; none for a cluster that the run creates. */
export function commandLines(
  { scenario, acts }: Plan,
  commands: readonly PlannedCommand[],
  faults: readonly Fault[],
): string[] {
  if (!scenario.cluster.inventory) return [];
  return [
    '',
    `on the primary, before the load: CREATE SCHEMA ${OWN_SCHEMA}, and pgquake's tables in it`,
    ...commands.flatMap((one) => linesOf(one, acts, faults)),
    `on the primary, at the end: DROP SCHEMA ${OWN_SCHEMA} CASCADE`,
    'nothing was run',
  ];
}

function linesOf(
  { act, node, fault: name, ifRole, commands }: PlannedCommand,
  acts: readonly PlannedAct[],
  faults: readonly Fault[],
): string[] {
  const { atMs = 0, forMs = 0 } = acts.find(({ index }) => index === act) ?? {};
  const when = `after ${formatDuration(atMs)}${ifRole === undefined ? '' : `, if it is ${ifRole} then`}`;
  const head = `on ${node}, ${when}: ${name}`;
  if (commands.length === 0) return [head, `  by SQL: ${faults.find((fault) => fault.name === name)?.summary ?? ''}`];
  return [
    head,
    ...commands.flatMap((one) => (one.switch === undefined ? [] : [`  ${one.switch}    # ${SWITCH}`])),
    ...commands.map(({ act: command }) => `  ${command}`),
    ...commands.flatMap(({ undo }) => (undo === undefined ? [] : [`  ${undo}    # ${formatDuration(forMs)} later`])),
  ];
}
