/** Changes of nodes that no act of the run made. */

import type { TimedEvent } from '../model/event.ts';
import { eventsOf } from '../model/history.ts';
import type { NodeName, NodeState } from '../model/topology.ts';
import { formatDuration, formatMoment } from '../model/units.ts';

export interface ForeignAct {
  readonly node: NodeName;
  readonly state: NodeState | 'silent';
  /** When pgquake saw it. */
  readonly fromMs: number;
  /** When pgquake saw the node run again; `undefined` if it never did. */
  readonly toMs: number | undefined;
  readonly detail: string;
}

export function foreignActs(events: readonly TimedEvent[]): ForeignAct[] {
  const changes = eventsOf({ events }, 'node-changed');
  return changes.flatMap((change, i) => {
    if (change.to === 'running') return [];
    const next = changes.slice(i + 1).find(({ node }) => node === change.node);
    return [{ node: change.node, state: change.to, fromMs: change.at, toMs: next?.at, detail: change.detail }];
  });
}

/** `worker3 was stopped at 5.1 s for 3 s, and not by pgquake`. */
export function describeForeign({ node, state, fromMs, toMs }: ForeignAct): string {
  const until = toMs === undefined ? ' and was not seen to run again' : ` for ${formatDuration(toMs - fromMs)}`;
  return `${node} was ${state} at ${formatMoment(fromMs)}${until}, and not by pgquake`;
}
