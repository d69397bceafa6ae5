/** Which rows acknowledged to the witness are on the final primary. */

import { eventsOf, type History } from '../model/history.ts';
import { KeySet } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import { oncePer } from './once.ts';
import type { AcknowledgedWrite } from './write-spans.ts';

/** The primary at the end, and the witness's rows on it. */
export interface FinalPrimary {
  readonly node: NodeName;
  readonly timeline?: number;
  has(write: Pick<AcknowledgedWrite, 'node' | 'seq'>): boolean;
}

/** If several nodes report that they are primaries, the one with the highest timeline. `undefined` if none was read. */
export function finalPrimaryOf({ events }: Pick<History, 'events'>): FinalPrimary | undefined {
  return find(events);
}

const find = oncePer((events: History['events']): FinalPrimary | undefined => {
  const [last] = eventsOf({ events }, 'witness-read')
    .filter(({ role }) => role === 'primary')
    .sort((a, b) => (b.timeline ?? 0) - (a.timeline ?? 0));
  if (!last) return undefined;
  const present = KeySet.fromRanges(last.present);
  const { node, timeline } = last;
  return {
    node,
    ...(timeline === undefined ? {} : { timeline }),
    has: (write) => present.has(write.node, write.seq),
  };
});
