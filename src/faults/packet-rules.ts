/** Shared by the faults that add packet filter rules: their two sides; adding, proving and removing rules. */

import { z } from 'zod';
import { type NodeControl, type NodeNetwork, type PacketRule, without } from '../cluster/platform.ts';
import type { Address } from '../model/address.ts';
import { isSide, nodesOnSide } from '../model/loss.ts';
import { expectedButFound } from '../model/quoted.ts';
import type { NodeName } from '../model/topology.ts';
import { countEach, proveEach, withoutEffect } from './each-target.ts';
import type { FaultContext, Met, Undo, UndoContext } from './fault.ts';

const between = {
  from: z
    .union(
      [
        z.enum(['nodes', 'everybody']).meta({ title: 'All of a kind' }),
        z.array(z.string()).min(1).meta({ title: 'Nodes' }),
      ],
      {
        error: ({ input }) =>
          expectedButFound('nodes, everybody, or a list of nodes such as [worker2, worker3]', input),
      },
    )
    .default('nodes')
    .describe(
      'The other side: all other nodes, everybody (the load too), or a list of nodes and roles (primary, standbys, dcs), resolved when the fault strikes.',
    ),
  direction: z.enum(['both', 'in', 'out']).default('both').describe('Packets to the target, from it, or both.'),
};

/** The kernel's string match takes no more than 128 characters. */
const on = z
  .string()
  .regex(/^[\w .,;:=*()<>-]{3,128}$/, 'expected a text of 3 to 128 characters such as COMMIT PREPARED')
  .optional()
  .describe('Only packets that contain this text, such as COMMIT PREPARED; by default all packets.');

/** Parameters of a fault between two sides. */
export const betweenParams = z.strictObject(between);
/** The same, for a fault that may wait for a statement. */
export const eventParams = z.strictObject({ ...between, on });

export type Between = z.output<typeof eventParams>;

export interface Cut {
  /** The nodes on the other side; `undefined` for everybody. */
  readonly peers: readonly NodeControl[] | undefined;
  readonly mark: string;
  /** Packets that the rules met during the proof: they show that the rules work, not that they harm. */
  metByProof: number;
}

/** The nodes that `from` lists. */
export function namesOf({ from }: Pick<Between, 'from'>): { path: PropertyKey[]; node: NodeName; orSide: true }[] {
  return Array.isArray(from) ? from.map((node, index) => ({ path: ['from', index], node, orSide: true })) : [];
}

/** Adds the same rules to every target. @returns what the proof needs, target by target. */
export async function addRules(
  targets: readonly NodeControl[],
  { from, direction, on: text }: Between,
  verdict: Pick<PacketRule, 'verdict' | 'share' | 'established'>,
  context: FaultContext,
): Promise<Cut[]> {
  const { defer, mark, nodes } = context;
  const others = await otherSide(from, context);
  return await Promise.all(
    targets.map(async (node) => {
      const peers = peersOf(node, others, nodes);
      const directions = direction === 'both' ? (['in', 'out'] as const) : [direction];
      const ends: { readonly peer?: Address }[] = peers?.map((one) => ({ peer: one.peerAddress(node.name) })) ?? [{}];
      const own = node.peerAddress(node.name);
      const resetsBothEnds = verdict.verdict === 'reset' && direction === 'both' && text === undefined;
      // A refused answer resets the server alone, and the client waits in vain. What acknowledges it resets the client.
      const spared = ({ peer = own }: (typeof ends)[number], way: PacketRule['direction']) =>
        resetsBothEnds ? { exceptFrom: (way === 'out' ? own : peer).port } : {};
      const rules = directions.flatMap((way) =>
        ends.map((end) => ({ direction: way, ...end, ...spared(end, way), ...verdict, ...(text && { text }) })),
      );
      await defer({ action: 'remove-rules', node: node.name });
      await networkOf(node).addRules(mark, rules);
      return { peers, mark, metByProof: 0 };
    }),
  );
}

/** `from` with node names instead of roles, according to the roles of this moment. */
async function otherSide(from: Between['from'], { nodes, specs = [], cluster, signal }: FaultContext) {
  if (!Array.isArray(from) || !from.some(isSide)) return from;
  const asksRoles = from.includes('primary') || from.includes('standbys');
  const parts = new Map(specs.map(({ name, part }) => [name, part]));
  return nodesOnSide(from, {
    nodes: nodes.map(({ name }) => ({ name, part: parts.get(name) })),
    roles: asksRoles ? await cluster.roles?.(signal) : undefined,
  });
}

/** The other side of one target, without the target itself. */
function peersOf(node: NodeControl, from: Between['from'], nodes: readonly NodeControl[]): NodeControl[] | undefined {
  if (from === 'everybody') return undefined;
  const wanted = (name: NodeName) => from === 'nodes' || from.includes(name);
  const unknown =
    from === 'nodes' ? undefined : from.find((name) => !nodes.some((candidate) => candidate.name === name));
  if (unknown !== undefined) throw withoutEffect(node, `there is no node ${unknown} to cut it off from`);
  const peers = nodes.filter(({ name }) => name !== node.name && wanted(name));
  if (peers.length === 0) throw withoutEffect(node, 'there is no other node to cut it off from');
  return peers;
}

/**
 * Proves that the rules are in force, then looks from outside.
 * @param seen returns the evidence that they work, in words; throws if they do not.
 * @param options `waits`: the rules wait for a text, so `seen` sends nothing. `resets`: they refuse its connection, which
 * not every network counts; what was counted meanwhile is then a client's.
 */
export function proveRules<C extends Cut>(
  targets: readonly NodeControl[],
  cuts: readonly C[],
  seen: (node: NodeControl, cut: C) => Promise<string>,
  { waits = false, resets = false }: { readonly waits?: boolean; readonly resets?: boolean } = {},
): Promise<string> {
  return proveEach(targets, async (node, i) => {
    const cut = cuts[i] as C;
    const before = await networkOf(node).rulesOf(cut.mark);
    if (before.length === 0) throw withoutEffect(node, 'none of the rules is in force');
    const words = `${before.length} rules in force, ${await seen(node, cut)}`;
    const counted = !waits && (!resets || networkOf(node).countsRefusals);
    if (counted) cut.metByProof = sum(await networkOf(node).rulesOf(cut.mark)) - sum(before);
    return words;
  });
}

/** What the rules of each target met, without the proof. */
export function metByRules(targets: readonly NodeControl[], cuts: readonly Cut[]): Promise<Met> {
  return countEach(targets, 'packets', async (node, i) => {
    const { mark, metByProof } = cuts[i] as Cut;
    return sum(await networkOf(node).rulesOf(mark)) - metByProof;
  });
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The undo of every such fault. */
export async function removeRules(_undo: Undo, node: NodeControl, { mark }: UndoContext): Promise<string> {
  const packets = await networkOf(node).removeRules(mark);
  return `the rules are removed; they met ${packets} packets`;
}

export function networkOf(node: NodeControl): NodeNetwork {
  return node.network ?? without(node.name, 'network-rules');
}
