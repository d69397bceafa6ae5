/** All figures of a run, from its history. Checks and reports share them. */

import { type Figures, type SecondFigures, SPANS, type Span } from '../model/figures.ts';
import type { History, Outcome } from '../model/history.ts';
import { OK, OUTCOMES, UNSENT } from '../model/operations.ts';
import { Tally } from './availability.ts';
import { ErrorGroups } from './errors.ts';
import { hostFigures } from './host.ts';
import { lateAboveMs } from './lane.ts';
import { LatencyRecorder } from './latency.ts';
import { oncePer } from './once.ts';
import { partitionFigures } from './partitions.ts';
import { probeFigures } from './probes.ts';
import { promiseFigures } from './promises.ts';
import { recoveries } from './recovery.ts';
import { roleFigures } from './roles.ts';
import { routeFigures } from './routes.ts';
import { fullEffectOf, type Spans, spanAt, spansOf } from './spans.ts';
import { windowsOfRun } from './windows.ts';

/** In a few passes over the operations, keeping none of them. */
export const figuresOf = oncePer(compute);

function compute(history: History): Figures {
  const spans = spansOf(history);
  const effect = fullEffectOf(history);
  const host = hostFigures(history);
  const counted = countOperations(history, spans);
  const steadyP99 = new Map(
    counted.latency.filter(({ span }) => span === 'steady-state').map(({ kind, figures }) => [kind, figures.p99Ms]),
  );
  const roles = roleFigures(history);
  const { windows, disagreements, probed } = windowsOfRun(history, (kind) => lateAboveMs(steadyP99.get(kind)));
  // Each route costs passes over all operations, so compute them only if they add to the windows.
  const several = new Set([...history.run.kinds, ...history.run.probes].map(({ route }) => route)).size > 1;
  const promised = history.events.some(({ type }) => type === 'promised');
  const routes = several || promised ? routeFigures(history, windows, probed) : [];
  const promises = promiseFigures(history, routes);
  return {
    spans,
    ...(effect ? { fullEffect: { fromMs: effect.fromMs, toMs: effect.toMs } } : {}),
    ...(host ? { host } : {}),
    ...counted,
    probes: probeFigures(history, spans),
    windows,
    disagreements,
    ...(roles ? { roles } : {}),
    ...(new Set(routes.map(({ route }) => route)).size > 1 ? { routes } : {}),
    ...(promises.length > 0 ? { promises } : {}),
    recovery: recoveries(history, windows, (kind) => steadyP99.get(kind)),
    partitions: partitionFigures(history, effect),
  };
}

type Counted = Pick<Figures, 'availability' | 'latency' | 'errors' | 'seconds'>;

function countOperations(history: History, spans: Spans): Counted {
  const spansRun = SPANS.filter((span) => spans[span]);
  const kinds = new Map(history.run.kinds.map(({ name }) => [name, new KindCounter(spansRun)]));
  const errors = new ErrorGroups();
  const { data } = history.operations;
  const { kind, outcome, intendedAt, settledAfterUs } = data.columns;
  const counters = data.kinds.map((name) => kinds.get(name));
  for (const operation of history.operations.scan()) {
    const row = operation.index;
    const atMs = intendedAt[row] as number;
    const ended = outcome[row] as number;
    const span = spanAt(spans, atMs);
    counters[kind[row] as number]?.add(Math.floor(atMs / 1_000), ended, settledAfterUs[row] as number, span);
    if (ended !== OK) errors.add(operation);
  }

  const cells = [...kinds].flatMap(([kind, { bySpan }]) =>
    [...bySpan].map(([span, cell]) => ({ kind, span, ...cell })),
  );
  return {
    availability: cells.map(({ kind, span, tally }) => ({ kind, span, figures: tally.availability() })),
    latency: cells.flatMap(({ kind, span, latency }) => {
      const figures = latency.figures();
      return figures ? [{ kind, span, figures }] : [];
    }),
    errors: errors.groups(),
    seconds: [...kinds]
      .flatMap(([kind, counter]) => counter.seconds().map((figures) => ({ ...figures, kind })))
      .sort((a, b) => a.second - b.second),
  };
}

/** The counts of one kind of operation. */
class KindCounter {
  readonly bySpan: ReadonlyMap<Span, { readonly tally: Tally; readonly latency: LatencyRecorder }>;
  readonly #seconds: Omit<SecondFigures, 'kind'>[] = [];
  readonly #latencyOfSecond = new LatencyRecorder();
  #second: { readonly second: number; ok: number; failed: number } | undefined;
  #span: Span | undefined;
  #cell: { readonly tally: Tally; readonly latency: LatencyRecorder } | undefined;

  constructor(spans: readonly Span[]) {
    this.bySpan = new Map(spans.map((span) => [span, { tally: new Tally(), latency: new LatencyRecorder() }]));
  }

  /**
   * Adds the next operation in the order of intended starts.
   * @param second in which it was due. @param outcome its index in `OUTCOMES`. @param latencyUs from the intended
   * start.
   */
  add(second: number, outcome: number, latencyUs: number, span: Span | undefined): void {
    if (span !== this.#span) {
      this.#span = span;
      this.#cell = span && this.bySpan.get(span);
    }
    this.#cell?.tally.add(OUTCOMES[outcome] as Outcome);
    if (outcome === OK) this.#cell?.latency.recordUs(latencyUs);
    if (outcome === UNSENT) return;
    if (this.#second?.second !== second) {
      this.#endSecond();
      this.#second = { second, ok: 0, failed: 0 };
    }
    if (outcome === OK) {
      this.#second.ok++;
      this.#latencyOfSecond.recordUs(latencyUs);
    } else this.#second.failed++;
  }

  seconds(): readonly Omit<SecondFigures, 'kind'>[] {
    this.#endSecond();
    return this.#seconds;
  }

  #endSecond(): void {
    if (!this.#second) return;
    const { p50Ms = null, p99Ms = null, maxMs = null } = this.#latencyOfSecond.figures() ?? {};
    this.#seconds.push({ ...this.#second, p50Ms, p99Ms, maxMs });
    this.#second = undefined;
    this.#latencyOfSecond.reset();
  }
}
