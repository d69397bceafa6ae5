/** Shared by workloads that account for their rows. */

/** As many witnesses as a report shows of one operation. */
export const MAX_WITNESSES = 8;
/** As many odd rows as a final read keeps. */
export const MAX_ODD_ROWS = 100;

/** 1 to `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** See `Ledger.fingerprintSql`. @param text an SQL expression with the contents of one row. */
export function fingerprintOf(text: string): (relation: string) => string {
  return (relation) =>
    `SELECT count(*)::text, coalesce(sum(hashtextextended(${text}, 0)::numeric), 0)::text FROM ${relation}`;
}
