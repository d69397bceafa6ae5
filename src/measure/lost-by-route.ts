/** How many acknowledged writes of each route are lost: of the load, and of the probes if their rows were read. */

import type { RouteLosses } from '../model/figures.ts';
import { eventsOf, type History, type OperationKind, type OperationLog } from '../model/history.ts';
import { KeySet } from '../model/key-ranges.ts';
import { finalReadsOf } from './final-reads.ts';

/** @param main the default route. */
export function lostByRoute(
  history: History,
  { route, main }: { readonly route: string; readonly main: string },
): RouteLosses {
  const here = (kinds: readonly OperationKind[]) =>
    new Set(kinds.filter((kind) => kind.access === 'write' && (kind.route ?? main) === route).map(({ name }) => name));
  const { made, anywhere } = finalReadsOf(history);
  const [probes] = eventsOf(history, 'probes-read');
  return {
    load: count(history.operations, here(history.run.kinds), made ? anywhere : undefined),
    probes: count(
      history.probes,
      here(history.run.probes),
      probes && KeySet.fromRanges(probes.present, probes.onPrimaries ?? {}),
    ),
  };
}

/** `null` if nothing was acknowledged, or no final read was made. */
function count(log: OperationLog, kinds: ReadonlySet<string>, present: KeySet | undefined): RouteLosses['load'] {
  if (kinds.size === 0 || !present) return null;
  let acknowledged = 0;
  let lost = 0;
  for (const { kind, outcome, writer, seq } of log.scan()) {
    if (outcome !== 'ok' || writer === undefined || seq === undefined || !kinds.has(kind)) continue;
    acknowledged++;
    if (!present.has(writer, seq)) lost++;
  }
  return acknowledged === 0 ? null : { acknowledged, lost };
}
