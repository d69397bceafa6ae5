/**
 * PostgreSQL's rule for hash partitions of an `int` column, so that a plan knows a room's shard without a server. From
 * `hash_bytes_uint32_extended` (src/common/hashfn.c) and `compute_partition_hash_value`
 * (src/backend/partitioning/partbounds.c); data on disk depends on the rule, so it never changes.
 */

const WORD = 0xffff_ffffn;
const LONG = 0xffff_ffff_ffff_ffffn;
const HASH_PARTITION_SEED = 0x7a5b_2236_7996_dcfdn;
/** What `hash_combine64` adds to the hash of the first and only key. */
const COMBINED_WITH_NOTHING = 0x49a0_f4dd_15e5_a8e3n;
const INITIAL = 0x9e37_79b9 + 4 + 3_923_095;

/** @returns the remainder of the hash partition that a value of type `int` belongs to. */
export function partitionOf(value: number, modulus: number): number {
  const hash = (hashUint32Extended(value) + COMBINED_WITH_NOTHING) & LONG;
  return Number(hash % BigInt(modulus));
}

/** Bob Jenkins' lookup3, seeded. */
function hashUint32Extended(value: number): bigint {
  let a = (INITIAL + Number(HASH_PARTITION_SEED >> 32n)) >>> 0;
  let b = (INITIAL + Number(HASH_PARTITION_SEED & WORD)) >>> 0;
  let c = INITIAL >>> 0;
  // mix
  a = ((a - c) ^ rotated(c, 4)) >>> 0;
  c = (c + b) >>> 0;
  b = ((b - a) ^ rotated(a, 6)) >>> 0;
  a = (a + c) >>> 0;
  c = ((c - b) ^ rotated(b, 8)) >>> 0;
  b = (b + a) >>> 0;
  a = ((a - c) ^ rotated(c, 16)) >>> 0;
  c = (c + b) >>> 0;
  b = ((b - a) ^ rotated(a, 19)) >>> 0;
  a = (a + c) >>> 0;
  c = ((c - b) ^ rotated(b, 4)) >>> 0;
  b = (b + a) >>> 0;

  a = (a + (value >>> 0)) >>> 0;

  // final
  c = ((c ^ b) - rotated(b, 14)) >>> 0;
  a = ((a ^ c) - rotated(c, 11)) >>> 0;
  b = ((b ^ a) - rotated(a, 25)) >>> 0;
  c = ((c ^ b) - rotated(b, 16)) >>> 0;
  a = ((a ^ c) - rotated(c, 4)) >>> 0;
  b = ((b ^ a) - rotated(a, 14)) >>> 0;
  c = ((c ^ b) - rotated(b, 24)) >>> 0;
  return (BigInt(b) << 32n) | BigInt(c);
}

function rotated(word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0;
}
