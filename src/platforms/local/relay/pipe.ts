/** One way of a relayed connection: bytes from one socket to another, in order, held back as the network would. */

import type { Socket } from 'node:net';
import type { Shaping } from '../../../cluster/platform.ts';
import type { Rule } from './rules.ts';

/** So much may wait here; then the sender has to. */
const QUEUE_BYTES = 1_000_000;
/** At a bottleneck as much as passes in this time, as a router would keep. */
const QUEUE_MS = 400;
/** What passes a bottleneck at once after a silence. */
const BURST_BYTES = 32_768;
const LONGEST_WAIT_MS = 1_000;

/** What holds up everything that leaves one node. */
export class Shaper {
  readonly shaping: Shaping;
  /** How many packets, as the relay read them, it has held up so far. */
  passed = 0;
  #tokens = BURST_BYTES;
  #filledAt = performance.now();

  constructor(shaping: Shaping) {
    this.shaping = shaping;
  }

  /** When what is sent now is to arrive. */
  dueAt(now: number): number {
    this.passed++;
    const { delayMs = 0, jitterMs = 0 } = this.shaping;
    return now + delayMs + jitterMs * (2 * Math.random() - 1);
  }

  /** @returns how many of the bytes may pass now. */
  pass(wanted: number, now: number): number {
    const { bytesPerSecond } = this.shaping;
    if (bytesPerSecond === undefined) return wanted;
    this.#tokens = Math.min(BURST_BYTES, this.#tokens + ((now - this.#filledAt) * bytesPerSecond) / 1_000);
    this.#filledAt = now;
    const passing = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= passing;
    return passing;
  }

  /** Until it is worth asking again. */
  get pauseMs(): number {
    return Math.min(LONGEST_WAIT_MS, Math.max(1, 1_000_000 / (this.shaping.bytesPerSecond ?? 1_000_000)));
  }

  get queueBytes(): number {
    const { bytesPerSecond } = this.shaping;
    if (bytesPerSecond === undefined) return QUEUE_BYTES;
    return Math.min(QUEUE_BYTES, Math.max(BURST_BYTES, (bytesPerSecond * QUEUE_MS) / 1_000));
  }
}

interface Waiting {
  bytes: Buffer;
  readonly dueAt: number;
  /** It holds a text that these wait for. */
  readonly heldBy: readonly Rule[];
}

export interface PipeOptions {
  readonly from: Socket;
  readonly to: Socket;
  /** In force at the moment. */
  readonly rules: () => readonly Rule[];
  readonly shaper: () => Shaper | undefined;
  /** A rule demands that the connection ends. */
  readonly onReset: () => void;
  /** From now on a packet is missing, and nothing behind it arrives. */
  readonly onHeld: () => void;
}

export class Pipe {
  readonly #options: PipeOptions;
  #queue: Waiting[] = [];
  #queued = 0;
  /** The end of what came before, in which a text may begin. */
  #tail: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #lastDueAt = 0;

  constructor(options: PipeOptions) {
    this.#options = options;
    const { from, to } = options;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => {
      this.#ended = true;
      this.pump();
    });
    to.on('drain', () => this.pump());
  }

  /** Whether a packet is missing. */
  get held(): boolean {
    return this.#queue.some(isHeld);
  }

  /** Passes on what may pass. To be called whenever rules or shaping have changed. */
  pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { to } = this.#options;
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const waitMs = this.#waitMs(head);
      if (waitMs === undefined || to.writableNeedDrain) break;
      const shaper = this.#options.shaper();
      const passing = waitMs > 0 ? 0 : (shaper?.pass(head.bytes.length, performance.now()) ?? head.bytes.length);
      if (passing === 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs || shaper?.pauseMs);
        break;
      }
      to.write(head.bytes.subarray(0, passing));
      this.#queued -= passing;
      if (passing < head.bytes.length) head.bytes = head.bytes.subarray(passing);
      else this.#queue.shift();
    }
    this.#regulate();
    if (this.#ended && this.#queue.length === 0) to.end();
  }

  /** Forgets what has not passed yet. */
  close(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#queued = 0;
  }

  #take(bytes: Buffer): void {
    const { rules, shaper, onReset, onHeld } = this.#options;
    const met = rules().filter(({ text }) => text !== undefined && this.#contains(bytes, text));
    for (const rule of met) rule.hits++;
    const reset = [...met, ...rules().filter(({ text }) => text === undefined)].find(
      ({ verdict }) => verdict === 'reset',
    );
    if (reset) {
      if (reset.text === undefined) reset.hits++;
      onReset();
      return;
    }
    const longest = Math.max(0, ...rules().map(({ text }) => (text?.length ?? 1) - 1));
    this.#tail = longest === 0 ? Buffer.alloc(0) : Buffer.concat([this.#tail, bytes]).subarray(-longest);
    const now = performance.now();
    this.#lastDueAt = Math.max(this.#lastDueAt, shaper()?.dueAt(now) ?? now);
    this.#queue.push({ bytes, dueAt: this.#lastDueAt, heldBy: met });
    this.#queued += bytes.length;
    if (met.length > 0) onHeld();
    this.pump();
  }

  #contains(bytes: Buffer, text: Buffer): boolean {
    const before = this.#tail.subarray(-Math.max(1, text.length - 1));
    return bytes.includes(text) || Buffer.concat([before, bytes.subarray(0, text.length)]).includes(text);
  }

  /** @returns for how long it has to wait yet; `undefined` for as long as the rules say so. */
  #waitMs(waiting: Waiting): number | undefined {
    const { rules } = this.#options;
    const cut = rules().some(({ verdict, text, share }) => verdict === 'drop' && text === undefined && share === 1);
    if (cut || isHeld(waiting)) return undefined;
    return Math.max(0, waiting.dueAt - performance.now());
  }

  /** Lets the sender wait when too much waits here. */
  #regulate(): void {
    const { from, shaper } = this.#options;
    const limit = shaper()?.queueBytes ?? QUEUE_BYTES;
    if (this.#queued > limit) from.pause();
    else if (this.#queued <= limit / 2 && from.isPaused()) from.resume();
  }
}

function isHeld({ heldBy }: Waiting): boolean {
  return heldBy.some(({ inForce }) => inForce);
}
