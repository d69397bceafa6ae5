/**
 * The complete messages of an Arrow stream on disk.
 *
 * Framing: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 */

import { fstatSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Message } from 'apache-arrow';
import { sealOf } from './seal.ts';

export const CONTINUATION = 0xffff_ffff;
export const PREFIX_BYTES = 8;
/** A head takes two kilobytes at most; a longer one is damage, and not a file that was cut off. */
const MAX_HEAD_BYTES = 1 << 16;

/**
 * Yields every complete message with its prefix; the file may end inside a message. A batch stays valid until the
 * second next message is requested, because Arrow reads one ahead.
 * @throws Error if the file is empty or damaged.
 */
export function* messagesOf(file: number): Generator<Uint8Array> {
  const size = fstatSync(file).size;
  if (size === 0) throw new Error('it is empty');
  const blocks = new Blocks(file);
  /** By the first message: earlier versions sealed none. */
  let sealed: boolean | undefined;
  for (let at = 0; at + PREFIX_BYTES <= size; ) {
    const prefix = blocks.read(at, PREFIX_BYTES);
    if (!prefix) return;
    if (prefix.readUInt32LE(0) !== CONTINUATION) throw new Error(`it is damaged at byte ${at}`);
    const headLength = prefix.readInt32LE(4);
    if (headLength === 0) return;
    if (headLength < 0 || headLength > MAX_HEAD_BYTES) throw new Error(`it is damaged at byte ${at + 4}`);
    const body = at + PREFIX_BYTES + headLength;
    const head = body > size ? undefined : blocks.read(at, body - at);
    if (!head) return;
    const seal = sealOf(head);
    sealed ??= seal !== undefined;
    if (sealed !== (seal !== undefined) || seal?.holds === false) throw new Error(`it is damaged at byte ${at}`);
    const { bodyLength, isBatch } = headOf(head.subarray(PREFIX_BYTES), at);
    const end = body + bodyLength;
    const whole = end > size ? undefined : blocks.read(at, end - at);
    if (!whole) return;
    if (seal && crc32(whole.subarray(body - at)) !== seal.bodyChecksum) {
      throw new Error(`it is damaged between byte ${body} and byte ${end}`);
    }
    // Copied, because the reader keeps the dictionaries.
    yield isBatch ? whole : Uint8Array.from(whole);
    at = end;
  }
}

const BLOCK_BYTES = 1 << 20;
/** Buffers of a message must be aligned: readers take 64-bit numbers in place. */
export const ALIGNMENT = 8;

/** Reads a file in large blocks: a system call costs more than the few kilobytes of a message. */
class Blocks {
  readonly #file: number;
  /**
   * Reused in turn, because fresh memory costs more than reading. Three, because a message larger than a block takes
   * two, and the message before it must stay.
   */
  readonly #pieces = Array.from({ length: 3 }, () => Buffer.allocUnsafeSlow(BLOCK_BYTES));
  #turn = 0;
  /** The data of the current piece. */
  #block = Buffer.alloc(0);
  #from = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** @returns `undefined` if the file ends before. Valid until the second next message is read. */
  read(at: number, length: number): Buffer | undefined {
    if (at < this.#from || at + length > this.#from + this.#block.length) this.#load(at, length);
    const from = at - this.#from;
    return from + length > this.#block.length ? undefined : this.#block.subarray(from, from + length);
  }

  #load(at: number, length: number): void {
    const from = at - (at % ALIGNMENT);
    const needed = at - from + length;
    this.#turn = (this.#turn + 1) % this.#pieces.length;
    let bytes = this.#pieces[this.#turn] as Buffer<ArrayBuffer>;
    if (needed > bytes.length) {
      bytes = Buffer.allocUnsafeSlow(needed);
      this.#pieces[this.#turn] = bytes;
    }
    let filled = 0;
    while (filled < bytes.length) {
      const got = readSync(this.#file, bytes, filled, bytes.length - filled, from + filled);
      if (got === 0) break;
      filled += got;
    }
    this.#block = bytes.subarray(0, filled);
    this.#from = from;
  }
}

function headOf(head: Uint8Array, at: number): { readonly bodyLength: number; readonly isBatch: boolean } {
  let message: Message;
  try {
    message = Message.decode(head);
  } catch (error) {
    throw new Error(`it is damaged at byte ${at}`, { cause: error });
  }
  const { bodyLength } = message;
  if (!Number.isSafeInteger(bodyLength) || bodyLength < 0) throw new Error(`it is damaged at byte ${at}`);
  return { bodyLength, isBatch: message.isRecordBatch() };
}
