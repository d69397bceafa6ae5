/**
 * When each node acknowledged writes, as its witness saw it. An acknowledgement proves that the node committed between
 * the moment the write was sent and the moment its answer came; so a span has a certain part, between its first answer
 * and the last write sent, and a possible one around it.
 */

import type { TimeRange } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import type { NodeName } from '../model/topology.ts';

/** The witness writes more than twice a second: where nothing is acknowledged for longer, the node has stopped doing so. */
export const BREAK_MS = 1_000;
/** Stamps of operations are rounded to the microsecond. */
const ROUNDING_MS = 0.001;

/** One acknowledged write of the witness. */
export interface AcknowledgedWrite {
  /** From 1, in the order of `cluster-formed`; with `seq` it is the key of the row. */
  readonly node: number;
  readonly seq: number;
  readonly sentAt: number;
  /** When the answer came. */
  readonly settledAt: number;
}

/** From the first acknowledgement to the last one without a break, on one timeline. */
export interface WriteSpan extends TimeRange {
  readonly node: NodeName;
  /** Absent where the node never named it. */
  readonly timeline?: number;
  /** It may have begun as early as this: the first of its writes was sent then, or the last failure before it. */
  readonly earliestMs: number;
  /** It went on until then at least: the last write was sent. */
  readonly surelyToMs: number;
  /** In the order of the answers. */
  readonly writes: readonly AcknowledgedWrite[];
}

/** The names of the nodes that the witness numbers from 1. */
export function witnessedNodes(history: Pick<History, 'events'>): readonly NodeName[] {
  return eventsOf(history, 'cluster-formed')[0]?.nodes.map(({ name }) => name) ?? [];
}

const computed = new WeakMap<History, readonly WriteSpan[]>();

/** In the order of time. Empty where there was no witness. The second call costs nothing. */
export function writeSpans(history: History): readonly WriteSpan[] {
  let spans = computed.get(history);
  if (!spans) {
    spans = witnessedNodes(history)
      .flatMap((name, i) => spansOfNode(history, name, i + 1))
      .sort((a, b) => a.fromMs - b.fromMs);
    computed.set(history, spans);
  }
  return spans;
}

function spansOfNode(history: History, name: NodeName, number: number): WriteSpan[] {
  const acknowledged: AcknowledgedWrite[] = [];
  const failures: { readonly sentAt: number; readonly settledAt: number }[] = [];
  for (const { partitionKey, outcome, seq, sentAt, settledAt } of history.witness?.scan() ?? []) {
    if (partitionKey !== number || outcome === 'unsent') continue;
    if (outcome !== 'ok') failures.push({ sentAt, settledAt });
    else if (seq !== undefined) acknowledged.push({ node: number, seq, sentAt, settledAt });
  }
  acknowledged.sort((a, b) => a.settledAt - b.settledAt);
  const timelineAt = timelinesOf(history, name);
  const spans: WriteSpan[] = [];
  let writes: AcknowledgedWrite[] = [];
  const close = () => {
    const [first] = writes;
    const last = writes.at(-1);
    if (!first || !last) return;
    const timeline = timelineAt(first.settledAt);
    spans.push({
      node: name,
      ...(timeline === undefined ? {} : { timeline }),
      fromMs: first.settledAt,
      toMs: last.settledAt,
      earliestMs: earliest(writes, failures, first.settledAt),
      surelyToMs: writes.reduce((latest, { sentAt }) => Math.max(latest, sentAt), 0),
      writes,
    });
    writes = [];
  };
  for (const write of acknowledged) {
    const last = writes.at(-1);
    const goesOn =
      last !== undefined &&
      write.settledAt - last.settledAt <= BREAK_MS &&
      timelineAt(write.settledAt) === timelineAt(last.settledAt);
    if (!goesOn) close();
    writes.push(write);
  }
  close();
  return spans;
}

/** As with outages: not before the last failure was sent, whatever had been waiting since before that. */
function earliest(
  writes: readonly AcknowledgedWrite[],
  failures: readonly { readonly sentAt: number; readonly settledAt: number }[],
  firstMs: number,
): number {
  const sentMs = writes.reduce((least, { sentAt }) => Math.min(least, sentAt), firstMs);
  return failures
    .filter(({ settledAt }) => settledAt <= firstMs)
    .reduce((latest, { sentAt }) => Math.max(latest, sentAt), sentMs);
}

/** The timeline that a node wrote on at a moment, as it said itself. */
function timelinesOf(history: Pick<History, 'events'>, name: NodeName): (atMs: number) => number | undefined {
  const said = eventsOf(history, 'witness-saw').filter(({ node }) => node === name);
  return (atMs) => said.findLast(({ at, role }) => role === 'primary' && at <= atMs + ROUNDING_MS)?.timeline;
}

/**
 * Why the witness cannot have seen all that nodes acknowledged after a fault struck; `undefined` where it can. It must
 * have been answered before the first fault, and have asked every node until the load stopped.
 */
export function unwitnessed(history: History): string | undefined {
  const { witness } = history;
  if (!witness) return 'no witness wrote to the nodes in this run';
  // Without faults of its own, a run looks on at what people do.
  const watching = eventsOf(history, 'phase-started').find(({ phase }) => phase === 'fault');
  const asked = eventsOf(history, 'fault-asked')[0] ?? (history.run.plannedActs === 0 ? watching : undefined);
  if (!asked) return 'no fault was asked for';
  if (!writeSpans(history).some(({ fromMs }) => fromMs <= asked.at)) {
    return 'no node acknowledged a row of the witness before the first fault';
  }
  if (eventsOf(history, 'witness-kept').length === 0) return 'the witness did not go on to the end';
  const asking = new Set<number>();
  for (const { partitionKey, sentAt } of witness.scan())
    if (partitionKey !== undefined && sentAt >= asked.at) asking.add(partitionKey);
  const silent = witnessedNodes(history).filter((_, i) => !asking.has(i + 1));
  return silent.length === 0 ? undefined : `${silent.join(', ')} was not asked by the witness after the first fault`;
}
