/** Parts of the rows in words: as the engine calls them, or as what they are where it does not divide them. Pure. */

/** Where the engine has no word of its own for a part. */
const WORD = 'partition';
const UNDIVIDED = 'all rows';

/** `shard`. @param word of the engine; absent where rows are not divided. */
export function partitionWordOf(word: string | undefined): string {
  return word ?? WORD;
}

/** What a workload calls a partition key: `room`. */
export function keyWordOf({ keyWord }: { readonly keyWord?: string | undefined }): string {
  return keyWord ?? 'key';
}

/** `shards`. */
export function partitionsWordOf(word: string | undefined): string {
  return `${partitionWordOf(word)}s`;
}

/** `shard A`; `all rows`. */
export function partitionNamed(word: string | undefined, name: string): string {
  return word === undefined ? UNDIVIDED : `${word} ${name}`;
}

/** `shard A`, `shards A, B`; `all rows`. @param list the names in words. */
export function partitionsNamed(word: string | undefined, names: readonly string[], list = names.join(', ')): string {
  if (word === undefined) return UNDIVIDED;
  return `${names.length === 1 ? word : partitionsWordOf(word)} ${list}`;
}
