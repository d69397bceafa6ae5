/** The role of every node over the run, from pgquake's looks at all roles and from the witness. */

import type { TimedEvent } from '../model/event.ts';
import type { TimeRange } from '../model/figures.ts';
import { eventsOf } from '../model/history.ts';
import type { SeenRole } from '../model/roles.ts';
import type { NodeName } from '../model/topology.ts';

export interface RoleStretch extends TimeRange, Pick<SeenRole, 'role' | 'timeline'> {}

export interface RoleLane {
  readonly node: NodeName;
  /** In the order of time, without overlap. */
  readonly stretches: readonly RoleStretch[];
}

interface Change extends Pick<SeenRole, 'role' | 'timeline'> {
  readonly at: number;
  readonly byWitness: boolean;
}

/** @returns empty if no roles were recorded. */
export function roleLanes(timeline: readonly TimedEvent[], range: TimeRange): RoleLane[] {
  const events = { events: timeline };
  const looks = eventsOf(events, 'roles-seen');
  const nodes = [...new Set(looks.flatMap(({ roles }) => Object.keys(roles)))];
  return nodes.map((node) => {
    const changes: Change[] = [
      ...looks.flatMap(({ at, roles: { [node]: seen } }) => (seen ? [{ at, byWitness: false, ...seen }] : [])),
      ...eventsOf(events, 'witness-saw')
        .filter((event) => event.node === node)
        .map((event) => ({ ...event, byWitness: true })),
    ];
    return {
      node,
      stretches: stretchesOf(
        changes.sort((a, b) => a.at - b.at),
        range,
      ),
    };
  });
}

function stretchesOf(changes: readonly Change[], { fromMs, toMs }: TimeRange): RoleStretch[] {
  const told: (Pick<SeenRole, 'role' | 'timeline'> & { readonly at: number })[] = [];
  for (const { at, role, timeline, byWitness } of changes) {
    const before = told.at(-1);
    // The witness cannot tell a synchronous standby from another.
    const known = byWitness && role === 'standby' && before?.role === 'sync-standby';
    if (known) continue;
    const onTimeline = role === 'primary' && timeline !== undefined ? { timeline } : {};
    if (before?.role === role && (role !== 'primary' || before.timeline === timeline)) continue;
    told.push({ at, role, ...onTimeline });
  }
  return told.flatMap(({ at, ...seen }, i) => {
    const stretch = { ...seen, fromMs: Math.max(fromMs, at), toMs: Math.min(toMs, told[i + 1]?.at ?? toMs) };
    return stretch.fromMs < stretch.toMs ? [stretch] : [];
  });
}
