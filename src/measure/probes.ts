/** Counts and latency of each kind of probe in each span, over all partitions. */

import { type ProbeFigures, SPANS } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { LatencyRecorder } from './latency.ts';
import { type Spans, spanAt } from './spans.ts';

export function probeFigures(history: History, spans: Spans): ProbeFigures[] {
  const cells = history.run.probes.flatMap(({ name: kind }) =>
    SPANS.filter((span) => spans[span]).map((span) => ({
      kind,
      span,
      tried: 0,
      ok: 0,
      latency: new LatencyRecorder(),
    })),
  );
  for (const { kind, intendedAt, sentAt, settledAt, outcome } of history.probes.scan()) {
    if (outcome === 'unsent') continue;
    const span = spanAt(spans, intendedAt);
    const cell = cells.find((one) => one.kind === kind && one.span === span);
    if (!cell) continue;
    cell.tried++;
    if (outcome !== 'ok') continue;
    cell.ok++;
    cell.latency.record(settledAt - sentAt);
  }
  return cells.map((cell) => ({ ...cell, latency: cell.latency.figures() ?? null }));
}
