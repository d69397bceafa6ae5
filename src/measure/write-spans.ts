/**
 * When each node acknowledged writes to the witness (docs/measuring.md#two-primaries). An acknowledgement proves a
 * commit between sending and answer; so a span is certain between its first answer and its last write sent, and
 * possible around that.
 */

import type { TimeRange } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import type { NodeName } from '../model/topology.ts';
import { oncePer } from './once.ts';

/** The witness writes more often than twice a second, so a longer pause means that the node stopped acknowledging. */
export const BREAK_MS = 1_000;
/** Stamps of operations are rounded to the microsecond. */
const ROUNDING_MS = 0.001;

/** One acknowledged write of the witness. */
export interface AcknowledgedWrite {
  /** From 1, in the order of `cluster-formed`; with `seq` the key of the row. */
  readonly node: number;
  readonly seq: number;
  readonly sentAt: number;
  readonly settledAt: number;
}

/** Acknowledgements without a break, on one timeline: from the first to the last. */
export interface WriteSpan extends TimeRange {
  readonly node: NodeName;
  /** Absent if the node never reported it. */
  readonly timeline?: number;
  /** The earliest possible start: when the first of its writes was sent, or the last failure before it. */
  readonly earliestMs: number;
  /** Its certain end: when the last write was sent. */
  readonly surelyToMs: number;
  /** By the time of the answer. */
  readonly writes: readonly AcknowledgedWrite[];
}

/** The nodes, in the order in which the witness numbers them from 1. */
export function witnessedNodes(history: Pick<History, 'events'>): readonly NodeName[] {
  return eventsOf(history, 'cluster-formed')[0]?.nodes.map(({ name }) => name) ?? [];
}

/** In the order of time; empty without a witness. */
export const writeSpans = oncePer((history: History): readonly WriteSpan[] =>
  witnessedNodes(history)
    .flatMap((name, i) => spansOfNode(history, name, i + 1))
    .sort((a, b) => a.fromMs - b.fromMs),
);

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

/** As with outages: not before the last failure was sent, even if a write had been waiting for longer. */
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

/** The timeline that a node reported last before a moment. */
function timelinesOf(history: Pick<History, 'events'>, name: NodeName): (atMs: number) => number | undefined {
  const said = eventsOf(history, 'witness-saw').filter(({ node }) => node === name);
  return (atMs) => said.findLast(({ at, role }) => role === 'primary' && at <= atMs + ROUNDING_MS)?.timeline;
}

/**
 * Why the witness may have missed acknowledgements after a fault struck; `undefined` if it cannot have. It must have
 * had an answer before the first fault, and have asked every node until the load stopped.
 */
export function unwitnessed(history: History): string | undefined {
  const { witness } = history;
  if (!witness) return 'no witness wrote to the nodes in this run';
  // A run without faults watches what operators do.
  const watching = eventsOf(history, 'phase-started').find(({ phase }) => phase === 'fault');
  const asked = eventsOf(history, 'fault-asked')[0] ?? (history.run.plannedActs === 0 ? watching : undefined);
  if (!asked) return 'no fault was requested';
  if (!writeSpans(history).some(({ fromMs }) => fromMs <= asked.at)) {
    return 'no node acknowledged a row of the witness before the first fault';
  }
  if (eventsOf(history, 'witness-kept').length === 0) return 'the witness stopped early';
  const asking = new Set<number>();
  for (const { partitionKey, sentAt } of witness.scan())
    if (partitionKey !== undefined && sentAt >= asked.at) asking.add(partitionKey);
  const silent = witnessedNodes(history).filter((_, i) => !asking.has(i + 1));
  return silent.length === 0 ? undefined : `the witness did not ask ${silent.join(', ')} after the first fault`;
}
