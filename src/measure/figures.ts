/** All figures of a run, from its history. Checks and reports share them, so they are computed once. */

import { type Figures, type SecondFigures, SPANS, type Span } from '../model/figures.ts';
import type { History, Operation } from '../model/history.ts';
import { Tally } from './availability.ts';
import { ErrorGroups } from './errors.ts';
import { hostFigures } from './host.ts';
import { LatencyRecorder } from './latency.ts';
import { partitionFigures } from './partitions.ts';
import { probeFigures } from './probes.ts';
import { promiseFigures } from './promises.ts';
import { recoveries } from './recovery.ts';
import { roleFigures } from './roles.ts';
import { routeFigures } from './routes.ts';
import { fullEffectOf, type Spans, spanAt, spansOf } from './spans.ts';
import { lateAboveMs, windowsOfRun } from './windows.ts';

const computed = new WeakMap<History, Figures>();

/** Goes over the operations a few times, holding none of them. The second call costs nothing. */
export function figuresOf(history: History): Figures {
  let figures = computed.get(history);
  if (!figures) {
    figures = compute(history);
    computed.set(history, figures);
  }
  return figures;
}

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
  // Passes over all operations, so only where they tell something that the windows do not.
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
  for (const operation of history.operations.scan()) {
    kinds.get(operation.kind)?.add(operation, spanAt(spans, operation.intendedAt));
    if (operation.outcome !== 'ok') errors.add(operation);
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

/** What is counted of one kind of operation. */
class KindCounter {
  readonly bySpan: ReadonlyMap<Span, { readonly tally: Tally; readonly latency: LatencyRecorder }>;
  readonly #seconds: Omit<SecondFigures, 'kind'>[] = [];
  readonly #latencyOfSecond = new LatencyRecorder();
  #second: { readonly second: number; ok: number; failed: number } | undefined;

  constructor(spans: readonly Span[]) {
    this.bySpan = new Map(spans.map((span) => [span, { tally: new Tally(), latency: new LatencyRecorder() }]));
  }

  /** Takes the next operation in the order of the intended starts. */
  add({ intendedAt, settledAt, outcome }: Operation, span: Span | undefined): void {
    const cell = span && this.bySpan.get(span);
    cell?.tally.add(outcome);
    if (outcome === 'ok') cell?.latency.record(settledAt - intendedAt);
    if (outcome === 'unsent') return;
    const second = Math.floor(intendedAt / 1_000);
    if (this.#second?.second !== second) {
      this.#endSecond();
      this.#second = { second, ok: 0, failed: 0 };
    }
    if (outcome === 'ok') {
      this.#second.ok++;
      this.#latencyOfSecond.record(settledAt - intendedAt);
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
