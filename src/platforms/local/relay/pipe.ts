/** One direction of a relayed connection: passes bytes in order from one socket to the other, delayed as by a network. */

import type { Socket } from 'node:net';
import type { Shaping } from '../../../cluster/platform.ts';
import type { Rule } from './rules.ts';

/** The most that waits here before the sender must wait. */
const QUEUE_BYTES = 1_000_000;
/** At a bottleneck, the queue holds what passes in this time, as in a router. */
const QUEUE_MS = 400;
/** What passes a bottleneck at once after an idle time. */
const BURST_BYTES = 32_768;
const LONGEST_WAIT_MS = 1_000;

/** Delays or limits all that one node sends. */
export class Shaper {
  readonly shaping: Shaping;
  /** Packets shaped so far, as the relay read them. */
  passed = 0;
  #tokens = BURST_BYTES;
  #filledAt = performance.now();

  constructor(shaping: Shaping) {
    this.shaping = shaping;
  }

  /** When data sent now must arrive. */
  dueAt(now: number): number {
    this.passed++;
    const { delayMs = 0, jitterMs = 0 } = this.shaping;
    return now + delayMs + jitterMs * (2 * Math.random() - 1);
  }

  /** @returns how many of the wanted bytes may pass now. */
  pass(wanted: number, now: number): number {
    const { bytesPerSecond } = this.shaping;
    if (bytesPerSecond === undefined) return wanted;
    this.#tokens = Math.min(BURST_BYTES, this.#tokens + ((now - this.#filledAt) * bytesPerSecond) / 1_000);
    this.#filledAt = now;
    const passing = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= passing;
    return passing;
  }

  /** The pause before `pass` can allow more. */
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
  /** Rules whose text these bytes contain. */
  readonly heldBy: readonly Rule[];
}

export interface PipeOptions {
  readonly from: Socket;
  readonly to: Socket;
  /** The rules in force now. */
  readonly rules: () => readonly Rule[];
  readonly shaper: () => Shaper | undefined;
  /** Called when a rule resets the connection. */
  readonly onReset: () => void;
  /** Called when a rule drops a packet, after which nothing arrives. */
  readonly onHeld: () => void;
}

export class Pipe {
  readonly #options: PipeOptions;
  #queue: Waiting[] = [];
  #queued = 0;
  /** The end of the bytes before, in which a text may begin. */
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

  /** Whether a dropped packet holds up the rest. */
  get held(): boolean {
    return this.#queue.some(isHeld);
  }

  /** Passes on what may pass. Call it whenever rules or shaping change. */
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

  /** Discards what has not passed yet. */
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

  /** @returns how long it must still wait; `undefined` until the rules change. */
  #waitMs(waiting: Waiting): number | undefined {
    const { rules } = this.#options;
    const cut = rules().some(({ verdict, text, share }) => verdict === 'drop' && text === undefined && share === 1);
    if (cut || isHeld(waiting)) return undefined;
    return Math.max(0, waiting.dueAt - performance.now());
  }

  /** Pauses the sender while too much waits here. */
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
