/**
 * The seal of a message: checksums that show damage, also in a file that a crash cut off. It ends the message's head,
 * after the flatbuffer, where readers of Arrow ignore it as padding.
 */

import { crc32 } from 'node:zlib';

const TAG = 0x6b_71_67_70; // "pgqk"
/** The tag, the checksum of the body, four bytes that keep the alignment, and the checksum of the head so far. */
export const SEAL_BYTES = 16;
const [OF_BODY, OF_HEAD] = [4, 12];

/**
 * Writes the seal into the last bytes of a head.
 * @param head with its prefix.
 * @param bodyChecksum of an empty body by default.
 */
export function seal(head: Buffer, bodyChecksum = 0): void {
  const at = head.length - SEAL_BYTES;
  head.writeUInt32LE(TAG, at);
  head.writeUInt32LE(bodyChecksum, at + OF_BODY);
  head.writeUInt32LE(crc32(head.subarray(0, at + OF_HEAD)), at + OF_HEAD);
}

export interface Seal {
  /** Whether the head is as it was written. */
  readonly holds: boolean;
  readonly bodyChecksum: number;
}

/** @param head with its prefix. @returns `undefined` without a seal, as in files of earlier versions. */
export function sealOf(head: Buffer): Seal | undefined {
  const at = head.length - SEAL_BYTES;
  if (at < 0 || head.readUInt32LE(at) !== TAG) return undefined;
  return {
    holds: head.readUInt32LE(at + OF_HEAD) === crc32(head.subarray(0, at + OF_HEAD)),
    bodyChecksum: head.readUInt32LE(at + OF_BODY),
  };
}
