/**
 * The live view of a run. A terminal shows counters that update in place ten times a second, with events scrolling
 * above them. Elsewhere (CI) each event is a line, and counts are a line once a second. The cursor is never hidden, so
 * there is nothing to restore if the process dies.
 */

import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { TimedEvent } from '../model/event.ts';
import type { Outcome } from '../model/history.ts';
import type { Scenario } from '../model/scenario.ts';
import { plainText } from '../reporters/escape.ts';
import type { EventWords } from '../reporters/event-words.ts';
import { hanging, padTo, wrapWords } from '../reporters/text-layout.ts';
import { Board, describeOdd, formatTime, TIME_WIDTH } from './board.ts';
import { OutageLines } from './outage-lines.ts';

const REDRAW_MS = 100;
const COUNTS_EVERY_MS = 1_000;
/** The rate shown is the average over this many samples of 100 ms. */
const RATE_SAMPLES = 10;
const BAR_WIDTH = 24;
const LABEL_WIDTH = 9;
const DEFAULT_COLUMNS = 80;

export interface Progress {
  event(event: TimedEvent): void;
  /** @param n how many operations of this kind ended with this outcome. */
  counts(kind: string, outcome: Outcome, n: number): void;
  /** Prints a line that does not come from the run's events, such as the response to Ctrl-C. */
  note(text: string): void;
  /** Stops drawing and leaves the last counts on the screen. Harmless twice. */
  close(): void;
}

/** Calls `tick` periodically. @returns a function that stops it. */
type Ticker = (everyMs: number, tick: () => void) => () => void;

/** The stream and the clock of a progress view. */
interface ProgressOptions {
  readonly stream: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    /** Bytes that wait for the reader. */
    readonly writableLength?: number;
  };
  /** Used for `NO_COLOR`, `CI` and `TERM`; the process environment by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds of any monotonic clock. */
  readonly now?: () => number;
  readonly ticker?: Ticker;
}

/** Live on a terminal; line by line without one, in CI and on a dumb terminal. */
export function openProgress(scenario: Scenario, options: ProgressOptions): Progress {
  const { env = process.env, now = () => performance.now(), ticker = processTicker, stream } = options;
  const terminal = stream.isTTY === true && env.TERM !== 'dumb';
  const board = new Board(scenario, now);
  const progress =
    !terminal || isSet(env.CI)
      ? new LineProgress(board, stream, ticker)
      : new LiveProgress(board, stream, ticker, pc.createColors(!isSet(env.NO_COLOR)));
  return scenario.watchMs === undefined ? progress : new OutageLines(progress, now);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false';
}

/** Its timer does not keep the process alive. */
const processTicker: Ticker = (everyMs, tick) => {
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
};

/** Prints each event on one line, so that the log can be searched. */
class LineProgress implements Progress {
  readonly #board: Board;
  readonly #stream: NodeJS.WritableStream;
  readonly #stop: () => void;
  #countsChanged = false;
  #closed = false;

  constructor(board: Board, stream: NodeJS.WritableStream, ticker: Ticker) {
    this.#board = board;
    this.#stream = stream;
    this.#stop = ticker(COUNTS_EVERY_MS, () => this.#writeCounts());
  }

  event(event: TimedEvent): void {
    const words = this.#board.event(event);
    if (event.type === 'load-kept') this.#writeCounts();
    if (!words) return;
    const { label, what, detail } = words;
    this.#write(event.at, label, plainText(detail === undefined ? what : `${what}: ${detail}`));
  }

  counts(kind: string, outcome: Outcome, n: number): void {
    this.#board.counts(kind, outcome, n);
    this.#countsChanged = true;
  }

  note(text: string): void {
    this.#write(this.#board.atMs, 'note', plainText(text));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#writeCounts();
  }

  #writeCounts(): void {
    if (!this.#countsChanged) return;
    this.#countsChanged = false;
    const kinds = this.#board.kinds.map(([kind, { byOutcome }]) =>
      [`${kind} ${byOutcome.ok} ok`, `${byOutcome.fail} failed`, ...describeOdd(byOutcome)].join(' '),
    );
    this.#write(this.#board.atMs, 'load', kinds.join('  '));
  }

  #write(atMs: number, label: string, text: string): void {
    this.#stream.write(`${formatTime(atMs)}  ${padTo(label, LABEL_WIDTH)}  ${text}\n`);
  }
}

type Colors = ReturnType<typeof pc.createColors>;

class LiveProgress implements Progress {
  readonly #board: Board;
  readonly #stream: ProgressOptions['stream'];
  readonly #colors: Colors;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #stop: () => void;
  #closed = false;

  constructor(board: Board, stream: ProgressOptions['stream'], ticker: Ticker, colors: Colors) {
    this.#board = board;
    this.#stream = stream;
    this.#colors = colors;
    this.#draw = createLogUpdate(stream, { showCursor: true, defaultWidth: DEFAULT_COLUMNS });
    this.#stop = ticker(REDRAW_MS, () => this.#tick());
  }

  event(event: TimedEvent): void {
    if (this.#closed) return;
    const words = this.#board.event(event);
    if (!words) return;
    const { red, green, yellow } = this.#colors;
    const paint = { plain: String, strike: yellow, good: green, bad: red }[words.tone];
    this.#persist(event.at, words, paint);
  }

  counts(kind: string, outcome: Outcome, n: number): void {
    this.#board.counts(kind, outcome, n);
  }

  note(text: string): void {
    if (this.#closed) this.#stream.write(`${plainText(text)}\n`);
    else this.#persist(this.#board.atMs, { label: 'note', what: text }, this.#colors.bold);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    const counts = this.#counts(false);
    if (counts.length > 0) this.#draw.persist(counts.join('\n'));
    else this.#draw.clear();
  }

  #tick(): void {
    for (const { byOutcome, samples } of this.#board.tallies.values()) {
      samples.push(byOutcome.ok + byOutcome.fail + byOutcome.unknown);
      if (samples.length > RATE_SAMPLES + 1) samples.shift();
    }
    this.#redraw();
  }

  #redraw(): void {
    // A terminal that stalls would get them all at once.
    if ((this.#stream.writableLength ?? 0) > 0) return;
    this.#draw([this.#phaseLine(), ...this.#counts(true)].join('\n'));
  }

  /** Scrolls a line above the live counters, with its detail dim on the lines below it. */
  #persist(atMs: number, { label, what, detail }: Pick<EventWords, 'label' | 'what' | 'detail'>, paint: Colors['red']) {
    const { dim } = this.#colors;
    const time = formatTime(atMs);
    const indent = ' '.repeat(time.length + 2 + LABEL_WIDTH + 2);
    const columns = this.#stream.columns ?? DEFAULT_COLUMNS;
    const [head, ...rest] = wrapWords(plainText(what), columns - indent.length);
    this.#draw.persist(
      [
        `${dim(time)}  ${paint(padTo(label, LABEL_WIDTH))}  ${head}`,
        ...rest.map((line) => indent + line),
        ...(detail === undefined ? [] : hanging(indent, plainText(detail), columns).map(dim)),
      ].join('\n'),
    );
    this.#redraw();
  }

  #phaseLine(): string {
    const { phase, phaseFromMs, atMs, plannedMs } = this.#board;
    const { bold, cyan, dim } = this.#colors;
    const time = dim(formatTime(atMs));
    if (phase === undefined) return time;
    const spentMs = Math.max(0, atMs - phaseFromMs);
    const name = bold(phase.replace('-', ' '));
    if (plannedMs === undefined || plannedMs === 0) return `${time}  ${name}`;
    const filled = Math.min(BAR_WIDTH, Math.floor((spentMs / plannedMs) * BAR_WIDTH));
    const bar = cyan('█'.repeat(filled)) + dim('░'.repeat(BAR_WIDTH - filled));
    const leftS = Math.max(0, plannedMs - spentMs) / 1_000;
    const left = phase === 'settle' ? `at most ${leftS.toFixed(1)} s` : `${leftS.toFixed(1)} s to go`;
    return `${time}  ${bar}  ${name}, ${left}`;
  }

  #counts(withRate: boolean): string[] {
    const { dim, green, red, yellow } = this.#colors;
    const kinds = this.#board.kinds;
    const width = Math.max(0, ...kinds.map(([kind]) => kind.length));
    const indent = ' '.repeat(TIME_WIDTH + 2);
    return kinds.map(([kind, { byOutcome, samples }]) => {
      const failed = `${byOutcome.fail} failed`.padStart(13);
      return [
        `${indent}${kind.padEnd(width)}`,
        green(`${byOutcome.ok} ok`.padStart(9)),
        byOutcome.fail > 0 ? red(failed) : dim(failed),
        ...(withRate ? [dim(`${ratePerSecond(samples)}/s`.padStart(7))] : []),
        ...describeOdd(byOutcome).map(yellow),
      ].join('  ');
    });
  }
}

/** The rate of operations that ended during the samples, which are 100 ms apart. */
function ratePerSecond(samples: readonly number[]): number {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || samples.length < 2) return 0;
  return Math.round(((last - first) * 1_000) / ((samples.length - 1) * REDRAW_MS));
}
