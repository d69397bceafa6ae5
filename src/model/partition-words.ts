/** Parts of the rows in words: as the engine calls them, or all rows where it does not divide them. Pure. */

/** What an engine calls a part of the rows; absent where it does not divide them. */
type Word = string | undefined;

/** The word itself. */
export function partitionWordOf(word: Word): string {
  return word ?? 'partition';
}

/** In the plural; `rows`. */
export function partitionsWordOf(word: Word): string {
  return word === undefined ? 'rows' : `${word}s`;
}

/** The word before the name; `all rows`. */
export function partitionNamed(word: Word, name: string): string {
  return word === undefined ? 'all rows' : `${word} ${name}`;
}

/** The same of several. @param list their names in words. */
export function partitionsNamed(word: Word, names: readonly string[], list = names.join(', ')): string {
  if (word === undefined) return 'all rows';
  return `${names.length === 1 ? word : partitionsWordOf(word)} ${list}`;
}

/** ` of every` one; nothing where rows are not divided. */
export function ofEveryPartition(word: Word): string {
  return word === undefined ? '' : ` of every ${word}`;
}

/** What a workload calls a partition key. */
export function keyWordOf({ keyWord }: { readonly keyWord?: string | undefined }): string {
  return keyWord ?? 'key';
}
