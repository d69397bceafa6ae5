/** Words for acts, from the request of a fault until its nodes are back. */

import type { EventOf, TimedEvent } from '../../model/event.ts';
import type { NodeName } from '../../model/topology.ts';
import { formatDuration } from '../../model/units.ts';
import type { EventWords } from '../event-words.ts';
import { type TellingContext, type Tellings, tell } from './telling.ts';

type ActEvent = Extract<TimedEvent, { readonly type: `fault-${string}` | `heal-${'asked' | 'failed'}` | 'healed' }>;

export const actTellings = {
  'fault-asked': ({ act, fault, targets, picked, at }, { acts }) => {
    const named = targets.join(', ');
    acts.set(act, { fault, targets: named, only: targets.length === 1 ? targets[0] : undefined, askedAt: at });
    return tell('fault', 'strike', `${fault} ${named} requested`, picked);
  },
  'fault-in-effect': (event, context) => {
    const { fault, act, after } = actOf(event, context);
    return tell('fault', 'strike', `${fault} in effect${after(act?.askedAt)}`, withoutName(event.proof, act?.only));
  },
  'fault-failed': (event, context) =>
    tell('fault', 'bad', `${actOf(event, context).fault} did not take effect`, event.error),
  'fault-met': (event, context) => met(event, actOf(event, context).fault),
  'fault-met-failed': (event, context) =>
    tell('fault', 'bad', `${actOf(event, context).fault}: could not see what it met`, event.error),
  'heal-asked': (event, context) => {
    const { act, targets } = actOf(event, context);
    if (act) act.healAskedAt = event.at;
    return tell('heal', 'plain', `bringing ${targets} back`);
  },
  healed: (event, context) => {
    const { targets, act, after } = actOf(event, context);
    return tell('heal', 'good', `${targets} back${after(act?.healAskedAt)}`, withoutName(event.proof, act?.only));
  },
  'heal-failed': (event, context) => tell('heal', 'bad', `${actOf(event, context).targets} NOT healed`, event.error),
} satisfies Tellings<ActEvent['type']>;

function actOf(event: { readonly act: number; readonly at: number }, { acts }: TellingContext) {
  const act = acts.get(event.act);
  const targets = act?.targets ?? `act ${event.act + 1}`;
  const after = (sinceMs: number | undefined) =>
    sinceMs === undefined ? '' : ` after ${formatDuration(event.at - sinceMs)}`;
  return { act, targets, fault: act ? `${act.fault} ${targets}` : targets, after };
}

function met({ counts, of }: EventOf<'fault-met'>, fault: string): EventWords {
  const idle = Object.entries(counts).filter(([, count]) => count === 0);
  if (idle.length > 0)
    return tell('fault', 'bad', `${fault}: no ${of} met it on ${idle.map(([node]) => node).join(', ')}`);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return tell('fault', 'plain', `${fault} met ${all} ${of}`);
}

/** Removes the node's name from a proof if the act has only this node, which was just named. */
function withoutName(proof: string, node: NodeName | undefined): string {
  return node !== undefined && proof.startsWith(`${node}: `) ? proof.slice(node.length + 2) : proof;
}
