/** Names for partitions: the engine's word, or "all rows" if the engine does not divide rows. Pure. */

/** The engine's word for a partition; absent if it does not divide rows. */
type Word = string | undefined;

export function partitionWordOf(word: Word): string {
  return word ?? 'partition';
}

/** `partitions`; `rows` without a word. */
export function partitionsWordOf(word: Word): string {
  return word === undefined ? 'rows' : `${word}s`;
}

/** `partition A`; `all rows` without a word. */
export function partitionNamed(word: Word, name: string): string {
  return word === undefined ? 'all rows' : `${word} ${name}`;
}

/** `partitions A, B`; `all rows` without a word. @param list the names as text. */
export function partitionsNamed(word: Word, names: readonly string[], list = names.join(', ')): string {
  if (word === undefined) return 'all rows';
  return `${names.length === 1 ? word : partitionsWordOf(word)} ${list}`;
}

/** ` of every partition`; empty without a word. */
export function ofEveryPartition(word: Word): string {
  return word === undefined ? '' : ` of every ${word}`;
}

/** The workload's word for a partition key. */
export function keyWordOf({ keyWord }: { readonly keyWord?: string | undefined }): string {
  return keyWord ?? 'key';
}
